"""One virtual participant's way in: socket, ICE checks and DTLS handshake, up to the SRTP keys.

What moves the media afterwards is ``generator``. The participant is a full ICE agent's least: it
checks the far end's candidates and nominates the first that answers (RFC 8445). How the SDP gets
to the far end, and which of the two offers, is the caller's business.
"""

import asyncio
import contextlib
import secrets
import socket
import time
from typing import cast

from aioice import stun
from aiortc import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport
from aiortc.rtcdtlstransport import (
    SRTP_AEAD_AES_128_GCM,
    SRTP_AEAD_AES_256_GCM,
    SRTP_AES128_CM_SHA1_80,
    SRTPProtectionProfile,
)
from aiortc.rtcicetransport import RTCIceTransport

from loadtest.session_description import (
    LocalDescription,
    RemoteDescription,
    make_offer,
    read_answer,
)
from sfu.native import SO_RXQ_OVFL, SO_TIMESTAMPNS, SrtpSession

SRTP_PROFILES: dict[str, SRTPProtectionProfile] = {
    "aes-128-gcm": SRTP_AEAD_AES_128_GCM,
    "aes-256-gcm": SRTP_AEAD_AES_256_GCM,
    "aes-cm-sha1-80": SRTP_AES128_CM_SHA1_80,
}

CHECK_INTERVAL_S = 0.2
DEADLINE_S = 20.0
PRIORITY = (126 << 24) | (65_535 << 8) | 255  # a host candidate, RFC 8445 section 5.1.2.1
RECEIVE_BUFFER = 4 << 20


class ConnectFailed(Exception):
    """The participant did not get through to the far end; the text says how far it came."""


class Participant:
    """A socket of its own, and what it takes to speak SRTP on it.

    Args:
        host: the address to send from, an IPv4 one.
        certificate: may be shared by all participants of a process.
        profile: the one SRTP profile to offer, a key of ``SRTP_PROFILES``.
    """

    # What aiortc asks of its transport.
    role = "controlling"
    state = "completed"

    def __init__(self, host: str, certificate: RTCCertificate, profile: str) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self.socket.bind((host, 0))
        self._profile = SRTP_PROFILES[profile]
        self._certificate = certificate
        fingerprint = next(
            each.value for each in certificate.getFingerprints() if each.algorithm == "sha-256"
        )
        ssrc = secrets.randbelow(1 << 31)
        self.local = LocalDescription(
            ice_ufrag=secrets.token_hex(2),
            ice_pwd=secrets.token_hex(12),
            fingerprint=fingerprint,
            audio_ssrc=ssrc,
            video_ssrcs=(ssrc + 1, ssrc + 2),
            screen_ssrcs=(ssrc + 3, ssrc + 4),
            cname=secrets.token_hex(8),
        )
        # Where media goes; known when connected.
        self.remote: tuple[str, int] | None = None
        self._far_end: RemoteDescription | None = None
        self.inbound: SrtpSession | None = None
        self.outbound: SrtpSession | None = None
        # How long ICE took, and DTLS after it, in seconds; None as long as it was not done.
        self.ice_s: float | None = None
        self.dtls_s: float | None = None

    @property
    def trailer(self) -> int:
        """Octets that SRTP adds to a packet."""
        return 10 if self._profile is SRTP_AES128_CM_SHA1_80 else 16

    @staticmethod
    def trailer_of(profile: str) -> int:
        """The same, of participants with that SRTP profile."""
        return 10 if SRTP_PROFILES[profile] is SRTP_AES128_CM_SHA1_80 else 16

    def offer(self) -> str:
        """The SDP offer of this participant."""
        return make_offer(self.local)

    async def connect(self, answer: str) -> None:
        """Do ICE and DTLS as the answer to ``offer()`` says.

        Raises:
            BadAnswer: the answer cannot be used.
            ConnectFailed: nobody answered, or the handshake failed.
        """
        await self.connect_to(read_answer(answer))

    async def connect_to(self, remote: RemoteDescription) -> None:
        """Do ICE, and DTLS as its client.

        Raises:
            ConnectFailed: nobody answered, or the handshake failed.
        """
        stage = "ICE"
        self._far_end = remote
        began = time.monotonic()
        try:
            async with asyncio.timeout(DEADLINE_S):
                await self._check(remote)
                checked = time.monotonic()
                self.ice_s = checked - began
                stage = "DTLS"
                await self._handshake(remote)
                self.dtls_s = time.monotonic() - checked
        except TimeoutError as error:
            raise ConnectFailed(
                f"no {stage} with {remote.candidates} in {DEADLINE_S:g} s"
            ) from error

    def check_consent(self) -> None:
        """One more connectivity check, as a browser sends every few seconds (RFC 7675)."""
        assert self.remote is not None
        with contextlib.suppress(OSError):  # as lost on the way
            self.socket.sendto(self.consent_request(), self.remote)

    def consent_request(self) -> bytes:
        """The check of ``check_consent``."""
        assert self._far_end is not None
        return bytes(self._request(self._far_end))

    def expect(self, remote: tuple[str, int], send_key: bytes, receive_key: bytes) -> None:
        """Speak SRTP with ``remote`` under keys known beforehand, without ICE or DTLS."""
        self.remote = remote
        self.outbound = SrtpSession(self._profile.libsrtp_profile, send_key, outbound=True)
        self.inbound = SrtpSession(self._profile.libsrtp_profile, receive_key, outbound=False)

    def make_key(self) -> bytes:
        """A random key for ``expect``."""
        return secrets.token_bytes(self._profile.key_length + self._profile.salt_length)

    def close(self) -> None:
        """Leave without a word, as a browser does whose machine is gone."""
        for session in (self.inbound, self.outbound):
            if session is not None:
                session.close()
        self.socket.close()

    async def _check(self, remote: RemoteDescription) -> None:
        """Check the candidates until one answers, which is then nominated."""
        loop = asyncio.get_running_loop()
        while True:
            checks: dict[bytes, tuple[str, int]] = {}
            for address in remote.candidates:
                if ":" in address[0]:
                    continue
                request = self._request(remote)
                checks[request.transaction_id] = address
                await loop.sock_sendto(self.socket, bytes(request), address)
            try:
                async with asyncio.timeout(CHECK_INTERVAL_S):
                    while True:
                        data, address = await loop.sock_recvfrom(self.socket, 2048)
                        await self._respond(data, address)
                        if self._answers(data, remote.ice_pwd, checks) == address:
                            self.remote = address
                            return
            except TimeoutError:
                continue

    def _request(self, remote: RemoteDescription) -> stun.Message:
        request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{remote.ice_ufrag}:{self.local.ice_ufrag}"
        request.attributes["PRIORITY"] = PRIORITY
        request.attributes["ICE-CONTROLLING"] = secrets.randbits(64)
        request.attributes["USE-CANDIDATE"] = None
        request.add_message_integrity(remote.ice_pwd.encode())
        request.add_fingerprint()
        return request

    def _answers(
        self, data: bytes, pwd: str, checks: dict[bytes, tuple[str, int]]
    ) -> tuple[str, int] | None:
        try:
            message = stun.parse_message(data)
        except ValueError:
            return None
        if message.message_class != stun.Class.RESPONSE:
            return None
        if not message.check_message_integrity(pwd.encode()):
            return None
        return checks.get(message.transaction_id)

    async def _respond(self, data: bytes, address: tuple[str, int]) -> None:
        """Answer a binding request, as a far end that is no ICE-lite agent needs it."""
        try:
            request = stun.parse_message(data)
        except ValueError:
            return
        if request.message_class != stun.Class.REQUEST or not request.check_message_integrity(
            self.local.ice_pwd.encode()
        ):
            return
        response = stun.Message(
            message_method=stun.Method.BINDING,
            message_class=stun.Class.RESPONSE,
            transaction_id=request.transaction_id,
        )
        response.attributes["XOR-MAPPED-ADDRESS"] = address
        response.add_message_integrity(self.local.ice_pwd.encode())
        response.add_fingerprint()
        await asyncio.get_running_loop().sock_sendto(self.socket, bytes(response), address)

    async def _handshake(self, remote: RemoteDescription) -> None:
        dtls = RTCDtlsTransport(cast(RTCIceTransport, self), [self._certificate])
        dtls._set_role("client")
        dtls._srtp_profiles = [self._profile]
        await dtls.start(
            RTCDtlsParameters([RTCDtlsFingerprint(*pair) for pair in remote.fingerprints])
        )
        if dtls.state != "connected" or dtls._ssl is None:
            raise ConnectFailed("the DTLS handshake failed")
        if dtls._task is not None:
            dtls._task.cancel()
            await asyncio.wait([dtls._task])
        # RFC 5764 section 4.2; the client's keys come first
        profile = self._profile
        material = dtls._ssl.export_keying_material(
            b"EXTRACTOR-dtls_srtp", 2 * (profile.key_length + profile.salt_length)
        )
        assert self.remote is not None
        self.expect(
            self.remote,
            profile.get_key_and_salt(material, 0),
            profile.get_key_and_salt(material, 1),
        )

    # What aiortc calls.

    async def _send(self, data: bytes) -> None:
        assert self.remote is not None
        await asyncio.get_running_loop().sock_sendto(self.socket, data, self.remote)

    async def _recv(self) -> bytes:
        while True:
            data, address = await asyncio.get_running_loop().sock_recvfrom(self.socket, 2048)
            if data and data[0] > 3:  # RFC 7983: below are STUN's
                return data
            await self._respond(data, address)
