"""The DTLS shell against aiortc as the client, over a link in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import cast

import pytest
from aiortc import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport
from aiortc.rtcdtlstransport import (
    SRTP_AEAD_AES_128_GCM,
    SRTP_AEAD_AES_256_GCM,
    SRTP_AES128_CM_SHA1_80,
    SRTPProtectionProfile,
)
from aiortc.rtcicetransport import RTCIceTransport

from sfu.transport.dtls import (
    MAX_ATTEMPTS,
    MAX_QUEUE,
    PROFILES,
    DtlsTransport,
    Flight,
    HandshakeFailed,
)
from sfu.transport.stun import Address

BROWSER: Address = ("203.0.113.5", 40_000)
FATAL_ALERT = bytes.fromhex("15fefd000000000000000000020228")  # handshake_failure, epoch 0
NODE_CERTIFICATE = RTCCertificate.generateCertificate()

Deliver = Callable[[bytes], list[bytes]]
"""What becomes of a datagram on the link."""


def deliver(data: bytes) -> list[bytes]:
    return [data]


def lose_first(count: int) -> Deliver:
    lost = 0

    def link(data: bytes) -> list[bytes]:
        nonlocal lost
        lost += 1
        return [] if lost <= count else [data]

    return link


class Client:
    """A browser's end: aiortc in the client role."""

    role = "controlling"
    state = "completed"

    def __init__(self, profiles: list[SRTPProtectionProfile] | None = None) -> None:
        self.certificate = RTCCertificate.generateCertificate()
        self.queue: asyncio.Queue[bytes] = asyncio.Queue()
        self.sent: list[bytes] = []
        self.up: Deliver = deliver
        self.down: Deliver = deliver
        self.node: DtlsTransport | None = None
        self.dtls = RTCDtlsTransport(cast(RTCIceTransport, self), [self.certificate])
        self.dtls._set_role("client")
        if profiles is not None:
            self.dtls._srtp_profiles = profiles

    @property
    def fingerprints(self) -> list[tuple[str, str]]:
        return [(each.algorithm, each.value) for each in self.certificate.getFingerprints()]

    def meet(self, **options: object) -> DtlsTransport:
        """A node's end that expects this client."""
        fingerprints = cast(list[tuple[str, str]], options.pop("fingerprints", self.fingerprints))
        self.node = DtlsTransport(
            NODE_CERTIFICATE,
            fingerprints,
            self.receive,
            **options,  # type: ignore[arg-type]
        )
        return self.node

    def receive(self, address: Address, data: bytes) -> None:
        assert address == BROWSER
        for each in self.down(data):
            self.queue.put_nowait(each)

    async def _recv(self) -> bytes:
        data = await self.queue.get()
        if not data:
            raise ConnectionError
        return data

    async def _send(self, data: bytes) -> None:
        self.sent.append(data)
        assert self.node is not None
        for each in self.up(data):
            self.node.receive(each, BROWSER)

    async def start(self) -> None:
        await self.dtls.start(
            RTCDtlsParameters(
                fingerprints=[
                    RTCDtlsFingerprint(each.algorithm, each.value)
                    for each in NODE_CERTIFICATE.getFingerprints()
                ]
            )
        )

    def keys(self) -> tuple[bytes, bytes]:
        """What the client protects with and what the node protects with."""
        ssl = self.dtls._ssl
        assert ssl is not None
        name = ssl.get_selected_srtp_profile()
        profile = next(each for each in PROFILES if each.openssl_profile == name)
        material = ssl.export_keying_material(
            b"EXTRACTOR-dtls_srtp", 2 * (profile.key_length + profile.salt_length)
        )
        return profile.get_key_and_salt(material, 0), profile.get_key_and_salt(material, 1)

    async def stop(self) -> None:
        if self.node is not None:
            self.node.close()
        self.queue.put_nowait(b"")
        await self.dtls.stop()


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    made = Client()
    yield made
    await made.stop()


async def connect(client: Client, node: DtlsTransport) -> None:
    keys, _ = await asyncio.wait_for(asyncio.gather(node.handshake(), client.start()), 8)
    assert client.dtls.state == "connected"
    assert (keys.inbound, keys.outbound) == client.keys()


async def test_both_ends_come_to_the_same_keys(client: Client) -> None:
    await connect(client, client.meet())


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ([SRTP_AES128_CM_SHA1_80, SRTP_AEAD_AES_256_GCM, SRTP_AEAD_AES_128_GCM], "GCM_128"),
        ([SRTP_AES128_CM_SHA1_80, SRTP_AEAD_AES_256_GCM], "GCM_256"),
        ([SRTP_AES128_CM_SHA1_80], "CM"),
    ],
)
async def test_the_profile_is_by_our_preference(
    offered: list[SRTPProtectionProfile], chosen: str
) -> None:
    client = Client(offered)
    node = client.meet()
    keys, _ = await asyncio.gather(node.handshake(), client.start())
    await client.stop()
    names = {
        "GCM_128": "SRTP_AEAD_AES_128_GCM",
        "GCM_256": "SRTP_AEAD_AES_256_GCM",
        "CM": "SRTP_AES128_CM_SHA1_80",
    }
    assert keys.profile == names[chosen]


async def test_the_preference_can_be_set(client: Client) -> None:
    node = client.meet(profiles=[SRTP_AES128_CM_SHA1_80])
    keys, _ = await asyncio.gather(node.handshake(), client.start())
    assert keys.profile == "SRTP_AES128_CM_SHA1_80"


async def test_a_client_hello_in_two_datagrams_is_put_together(client: Client) -> None:
    """As Chrome sends it with post-quantum key shares (RFC 6347 section 4.2.3)."""

    def split(data: bytes) -> list[bytes]:
        record, handshake, body = data[:13], data[13:25], data[25:]
        if record[0] != 22 or handshake[0] != 1:
            return [data]
        half = len(body) // 2
        pieces = []
        for number, (start, end) in enumerate([(0, half), (half, len(body))]):
            fragment = (
                handshake[:6] + start.to_bytes(3, "big") + (end - start).to_bytes(3, "big")
            ) + body[start:end]
            # epoch 0, a sequence number of its own
            header = record[:3] + number.to_bytes(8, "big") + len(fragment).to_bytes(2, "big")
            pieces.append(header + fragment)
        return pieces

    # The client's next record must not look like a replay of the second piece.
    client.up = lambda data: split(data) if data[13:14] == b"\x01" else [_renumber(data)]
    await connect(client, client.meet())


def _renumber(data: bytes) -> bytes:
    """The epoch-0 records of a datagram, their sequence numbers 10 higher."""
    out, position = b"", 0
    while position < len(data):
        length = int.from_bytes(data[position + 11 : position + 13], "big")
        record = bytearray(data[position : position + 13 + length])
        if record[3:5] == b"\0\0":
            record[5:11] = (int.from_bytes(record[5:11], "big") + 10).to_bytes(6, "big")
        out += bytes(record)
        position += 13 + length
    return out


async def test_a_lost_flight_is_sent_again_before_the_client_asks(client: Client) -> None:
    client.down = lose_first(1)
    node = client.meet()
    await connect(client, node)
    assert node.counts["dtls_flight_resent"] >= 1
    hellos = [data for data in client.sent if data[13] == 1]
    assert len(hellos) == 1


async def test_a_lost_last_flight_is_answered_again(client: Client) -> None:
    def lose_finished(data: bytes) -> list[bytes]:
        if data[0] == 20 and not lost:  # change_cipher_spec opens the last flight
            lost.append(data)
            return []
        return [data]

    lost: list[bytes] = []
    client.down = lose_finished
    await connect(client, client.meet())
    assert lost


async def test_a_certificate_of_another_fingerprint_never_gets_keys(client: Client) -> None:
    stranger = RTCCertificate.generateCertificate().getFingerprints()[0]
    node = client.meet(fingerprints=[(stranger.algorithm, stranger.value)], deadline_s=0.5)
    starting = asyncio.ensure_future(client.start())
    with pytest.raises(HandshakeFailed, match="fingerprint"):
        await node.handshake()
    await starting
    assert node.counts["dtls_attempt_failed"] == 1


async def test_only_an_unsupported_fingerprint_is_no_fingerprint(client: Client) -> None:
    node = client.meet(fingerprints=[("sha-1", "00:11")], deadline_s=0.5)
    starting = asyncio.ensure_future(client.start())
    with pytest.raises(HandshakeFailed):
        await node.handshake()
    await starting


async def test_a_failed_handshake_gets_a_fresh_context(client: Client) -> None:
    node = client.meet()
    node.receive(FATAL_ALERT, BROWSER)
    node.receive(b"\x16" + b"\xff" * 60, BROWSER)
    await connect(client, node)
    assert node.counts["dtls_attempt_failed"] >= 1


async def test_attempts_are_bounded() -> None:
    """Nothing is awaited by an attempt that fails at once, so time alone would not end them."""
    node = DtlsTransport(NODE_CERTIFICATE, [], lambda address, data: None)
    node.receive(FATAL_ALERT, BROWSER)
    with pytest.raises(HandshakeFailed):
        await node.handshake()
    assert node.counts["dtls_attempt_failed"] == MAX_ATTEMPTS


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x13" * 20, b"\x40" * 20, b"\x80" * 200])
async def test_what_is_not_dtls_never_reaches_it(client: Client, data: bytes) -> None:
    node = client.meet()
    node.receive(data, BROWSER)
    assert node.counts["dtls_malformed"] == 1
    await connect(client, node)
    node.receive(data, BROWSER)
    assert node.counts["dtls_malformed"] == 2


async def test_garbage_and_alerts_after_the_handshake_change_nothing(client: Client) -> None:
    node = client.meet()
    await connect(client, node)
    for data in (FATAL_ALERT, b"\x17" * 1400, b"\x16", b"\x3f\xfe\xfd" + b"\0" * 30):
        node.receive(data, BROWSER)
    await asyncio.sleep(0)
    # Still alive: what the client says is read to the end.
    assert client.dtls._ssl is not None
    await client.dtls._send_data(b"after")
    await _drained(node)
    assert node.counts["dtls_error"] == 0
    assert client.dtls.state == "connected"


async def test_a_flood_waits_in_a_bounded_queue(client: Client) -> None:
    node = client.meet()
    for _ in range(100_000):
        node.receive(b"\x16" * 1200, BROWSER)
    assert node._queue.qsize() == MAX_QUEUE
    assert node.counts["dtls_queue_full"] == 100_000 - MAX_QUEUE


async def test_close_notify_is_silence(client: Client) -> None:
    node = client.meet()
    await connect(client, node)
    await client.dtls.stop()
    await _drained(node)
    node.receive(b"\x17" * 40, BROWSER)
    assert node.counts == {"dtls_closed": 1}


async def test_close_ends_the_wait_for_a_handshake_that_never_began(client: Client) -> None:
    node = client.meet()
    handshaking = asyncio.ensure_future(node.handshake())
    await asyncio.sleep(0)
    node.close()
    with pytest.raises(HandshakeFailed):
        await asyncio.wait_for(handshaking, 1)


async def test_close_ends_a_handshake_and_silences_it(client: Client) -> None:
    client.down = lambda data: []
    node = client.meet()
    starting = asyncio.ensure_future(client.start())
    handshaking = asyncio.ensure_future(node.handshake())
    await asyncio.wait_for(hello_answered(node), 5)
    resent = node.counts["dtls_flight_resent"]
    node.close()
    with pytest.raises(HandshakeFailed):
        await asyncio.wait_for(handshaking, 1)
    await asyncio.sleep(0.3)
    assert node.counts["dtls_flight_resent"] == resent
    client.queue.put_nowait(b"")
    await starting


async def hello_answered(node: DtlsTransport) -> None:
    while node._flight.due_at is None:  # noqa: ASYNC110
        await asyncio.sleep(0)


async def _drained(node: DtlsTransport) -> None:
    """Until aiortc has read what waits."""
    for _ in range(MAX_QUEUE):
        await asyncio.sleep(0)
    assert node._queue.empty()


def test_a_flight_is_due_after_100_ms_and_then_at_doubling_waits() -> None:
    flight = Flight()
    assert flight.due(99.0) is None
    flight.sent(b"hello", 10.0)
    due = [number for number in range(2_000) if flight.due(10.0 + number / 1000)]
    # From the last copy on, and a tick may round up to the next millisecond.
    assert due == pytest.approx([100, 300, 700, 1500], abs=4)


def test_a_new_flight_replaces_the_last_and_its_delay() -> None:
    flight = Flight()
    flight.sent(b"one", 0.0)
    assert flight.due(0.15) == b"one"
    flight.sent(b"two", 0.2)
    assert flight.due(0.25) is None
    assert flight.due(0.31) == b"two"
    flight.finished()
    assert flight.due(9.0) is None
