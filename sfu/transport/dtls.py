"""The DTLS handshake of one connection, as the passive side (RFC 5764), by aiortc.

A shell around ``RTCDtlsTransport``: datagrams go in by ``receive``, come out by ``send``, and
``handshake`` returns the SRTP keys. aiortc's own SRTP sessions are let go: only the plane may
touch the media, and theirs would encrypt two plaintexts under one nonce.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from aiortc import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport
from aiortc.rtcdtlstransport import (
    SRTP_AEAD_AES_128_GCM,
    SRTP_AEAD_AES_256_GCM,
    SRTP_AES128_CM_SHA1_80,
    SRTPProtectionProfile,
)
from aiortc.rtcicetransport import RTCIceTransport

from sfu.transport.stun import Address

PROFILES: tuple[SRTPProtectionProfile, ...] = (
    SRTP_AEAD_AES_128_GCM,
    SRTP_AEAD_AES_256_GCM,
    SRTP_AES128_CM_SHA1_80,
)
"""SRTP profiles, the preferred one first: GCM costs less than half of HMAC-SHA1."""

HANDSHAKE_DEADLINE_S = 10.0
"""A handshake may fail and start afresh for this long after its first datagram."""

FIRST_RESEND_S = 0.1
"""OpenSSL would wait 1 s, and answers no repeated ClientHello before that."""

MAX_ATTEMPTS = 16
"""Handshakes that one association may begin; each costs a signature."""

MAX_QUEUE = 32
"""Datagrams that wait for aiortc; a handshake has about ten."""

_FIRST_DTLS_BYTE, _LAST_DTLS_BYTE = 20, 63  # RFC 7983 section 7


class HandshakeFailed(Exception):
    """No association came about before the deadline."""


@dataclass(frozen=True)
class SrtpKeys:
    """What a handshake was for: master key and salt of each direction, joined.

    Attributes:
        profile: OpenSSL's name of the profile, such as ``SRTP_AEAD_AES_128_GCM``.
        libsrtp_profile: libsrtp's number of the same.
        inbound: what the browser protects with.
        outbound: what the node protects with.
    """

    profile: str
    libsrtp_profile: int
    inbound: bytes
    outbound: bytes


class Flight:
    """The last datagram that was sent and when to send it again; pure.

    A server's flight is one datagram, for aiortc reads OpenSSL's output as a whole. What is
    resent are the same records, which a peer that has them already discards as replays.
    """

    def __init__(self) -> None:
        self._datagram = b""
        self._delay_s = FIRST_RESEND_S
        # When the next copy is due; None when there is nothing to resend.
        self.due_at: float | None = None

    def sent(self, datagram: bytes, now: float) -> None:
        """A new flight went out."""
        self._datagram = datagram
        self._delay_s = FIRST_RESEND_S
        self.due_at = now + self._delay_s

    def due(self, now: float) -> bytes | None:
        """The datagram to send again now, if any; each wait is twice the one before."""
        if self.due_at is None or now < self.due_at:
            return None
        self._delay_s *= 2
        self.due_at = now + self._delay_s
        return self._datagram

    def finished(self) -> None:
        """The handshake is over."""
        self.due_at = None


class DtlsTransport:
    """One DTLS association, over whatever address its datagrams come from.

    The caller passes on datagrams from addresses with an authenticated binding only.

    Args:
        certificate: the worker's own.
        fingerprints: (algorithm, value) of the peer's certificate, from its offer.
        send: carries a datagram to an address.
        profiles: SRTP profiles, the preferred one first.
        deadline_s: how long a handshake may take from its first datagram on.
        counts: where to count what is dropped, resent and fails; several may share one.
    """

    # What aiortc asks of its transport; the DTLS role is set apart from the ICE role.
    role = "controlled"
    state = "completed"

    def __init__(
        self,
        certificate: RTCCertificate,
        fingerprints: Sequence[tuple[str, str]],
        send: Callable[[Address, bytes], None],
        profiles: Sequence[SRTPProtectionProfile] = PROFILES,
        deadline_s: float = HANDSHAKE_DEADLINE_S,
        counts: Counter[str] | None = None,
    ) -> None:
        self._certificate = certificate
        self._parameters = RTCDtlsParameters(
            fingerprints=[RTCDtlsFingerprint(*fingerprint) for fingerprint in fingerprints]
        )
        self._send_to = send
        self._profiles = list(profiles)
        self._deadline_s = deadline_s
        self._queue: asyncio.Queue[bytes] = asyncio.Queue(MAX_QUEUE)
        self._begun = asyncio.Event()
        self._address: Address | None = None
        self._flight = Flight()
        self._resend: asyncio.TimerHandle | None = None
        self._association: RTCDtlsTransport | None = None
        # The peer, the deadline or the caller has ended it.
        self._over = False
        self.counts: Counter[str] = Counter() if counts is None else counts

    def receive(self, data: bytes, address: Address) -> None:
        """Take a datagram; anything but DTLS, and the oldest when too many wait, is dropped."""
        if self._over:
            self.counts["dtls_closed"] += 1
            return
        if not data or not _FIRST_DTLS_BYTE <= data[0] <= _LAST_DTLS_BYTE:
            self.counts["dtls_malformed"] += 1
            return
        if self._queue.full():
            self._queue.get_nowait()
            self.counts["dtls_queue_full"] += 1
        self._address = address
        self._queue.put_nowait(data)
        self._begun.set()

    async def handshake(self) -> SrtpKeys:
        """Wait for a first datagram and do the handshake.

        Raises:
            HandshakeFailed: no attempt succeeded before the deadline, or ``close`` was called.
        """
        await self._begun.wait()
        # Not by asyncio.timeout: a cancellation that meets a datagram is swallowed by
        # asyncio.wait_for inside aiortc (Python 3.11), and the handshake would go on.
        deadline = asyncio.get_running_loop().call_later(self._deadline_s, self._end)
        failures = 0
        try:
            while failures < MAX_ATTEMPTS and not self._over:
                keys = await self._attempt()
                if keys is not None:
                    return keys
                if self._over:
                    break
                failures += 1
                self.counts["dtls_attempt_failed"] += 1
        finally:
            deadline.cancel()
            self._stop_resending()
        raise HandshakeFailed(
            f"no DTLS association within {self._deadline_s:g} s"
            f" ({failures} attempts failed: broken flights, or a certificate that does not match"
            " the fingerprint in the offer)"
        )

    def close(self) -> None:
        """Let go of the association. Nothing is sent: the page hears of an end from control."""
        self._end()
        self._stop_resending()
        if self._association is not None and self._association._task is not None:
            self._association._task.cancel()
        self._association = None

    def _end(self) -> None:
        """Stop aiortc from reading, also when it waits for a datagram."""
        self._over = True
        if self._queue.full():
            self._queue.get_nowait()
        self._queue.put_nowait(b"")
        self._begun.set()

    async def _attempt(self) -> SrtpKeys | None:
        """One handshake in a fresh context; None when it failed."""
        association = RTCDtlsTransport(cast(RTCIceTransport, self), [self._certificate])
        association._set_role("server")
        association._srtp_profiles = self._profiles
        self._flight = Flight()
        try:
            await association.start(self._parameters)
            if association.state != "connected":
                return None
            keys = self._export_keys(association)
        except Exception:  # aiortc and OpenSSL on hostile input: counted by the caller
            return None
        del association._rx_srtp, association._tx_srtp
        self._association = association
        # It goes on reading: a client whose last flight was not answered repeats it.
        assert association._task is not None
        association._task.add_done_callback(self._ended)
        return keys

    def _export_keys(self, association: RTCDtlsTransport) -> SrtpKeys:
        """The keying material of RFC 5764 section 4.2; the peer is the client."""
        ssl = association._ssl
        assert ssl is not None
        name = ssl.get_selected_srtp_profile()
        profile = next(each for each in self._profiles if each.openssl_profile == name)
        material = ssl.export_keying_material(
            b"EXTRACTOR-dtls_srtp", 2 * (profile.key_length + profile.salt_length)
        )
        return SrtpKeys(
            profile=name.decode(),
            libsrtp_profile=profile.libsrtp_profile,
            inbound=profile.get_key_and_salt(material, 0),
            outbound=profile.get_key_and_salt(material, 1),
        )

    def _ended(self, task: "asyncio.Future[None]") -> None:
        """After close_notify nothing is read any more; the peer's silence will tell the rest."""
        self._over = True
        if not task.cancelled() and task.exception() is not None:
            self.counts["dtls_error"] += 1

    # What aiortc calls.

    async def _recv(self) -> bytes:
        data = await self._queue.get()
        if self._over:
            raise ConnectionError
        return data

    async def _send(self, data: bytes) -> None:
        if self._address is None or self._over:
            return
        self._send_to(self._address, data)
        if self._association is None:
            self._flight.sent(data, asyncio.get_running_loop().time())
            self._schedule_resend()

    def _schedule_resend(self) -> None:
        if self._resend is not None:
            self._resend.cancel()
        if self._flight.due_at is not None:
            loop = asyncio.get_running_loop()
            self._resend = loop.call_at(self._flight.due_at, self._resend_flight)

    def _resend_flight(self) -> None:
        datagram = self._flight.due(asyncio.get_running_loop().time())
        if datagram is not None and self._address is not None:
            self._send_to(self._address, datagram)
            self.counts["dtls_flight_resent"] += 1
        self._schedule_resend()

    def _stop_resending(self) -> None:
        self._flight.finished()
        if self._resend is not None:
            self._resend.cancel()
            self._resend = None
