"""What strangers and broken peers may send while a call runs: the call never notices."""

import asyncio
import random
import resource
import socket
from collections.abc import AsyncIterator, Iterator

import pytest
from OpenSSL import SSL

from sfu.api import (
    Join,
    OpenRoom,
    ParticipantConnected,
    RefusalCode,
    Refused,
)
from sfu.server import Worker, WorkerSettings
from tests.sfu.calls import ROOM, Call
from tests.sfu.checks import binding_request
from tests.sfu.peer import CHROMIUM, Peer

FATAL_ALERT = bytes.fromhex("15fefd000000000000000000020228")
CLOSE_NOTIFY = bytes.fromhex("15fefd000000000000000000020100")


def client_hello() -> bytes:
    """A real one, as OpenSSL begins a handshake."""
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_tlsext_use_srtp(b"SRTP_AEAD_AES_128_GCM")
    connection = SSL.Connection(context)
    connection.set_connect_state()
    with pytest.raises(SSL.WantReadError):
        connection.do_handshake()
    return connection.bio_read(1500)


def rtp(length: int = 200, ssrc: int = 7) -> bytes:
    return b"\x80\x6f\0\1\0\0\0\1" + ssrc.to_bytes(4, "big") + bytes(length)


def rtcp(length: int = 60) -> bytes:
    return b"\x80\xc8\0\x06" + bytes(length)


@pytest.fixture
async def call() -> AsyncIterator[Call]:
    made = Call(await Worker.start(WorkerSettings(udp_host="127.0.0.1")))
    await made.start()
    yield made
    await made.close()


@pytest.fixture
def stranger(call: Call) -> Iterator[socket.socket]:
    """A socket on no one's side, with the node as its peer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.connect(("127.0.0.1", call.worker.port))
        sock.setblocking(False)
        yield sock


def assert_no_answer(sock: socket.socket) -> None:
    with pytest.raises(BlockingIOError):
        sock.recv(2000)


async def dropped(call: Call, reason: str, count: int = 1) -> None:
    """Wait until ``count`` datagrams are counted under ``reason``."""
    async with asyncio.timeout(5):
        while call.worker.counts().drops.get(reason, 0) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def named(call: Call, *, pwd: str | None, ufrag: str | None = None, remote: str = "") -> bytes:
    """A check with the client's real fragment: what an eavesdropper may know."""
    client = call.peers[0]
    return binding_request(
        username=f"{ufrag or client.answer.ufrag}:{remote or client.ufrag}",
        pwd=pwd,
        use_candidate=True,
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"", "empty", id="nothing"),
        pytest.param(b"\x05", "unknown_protocol", id="five"),
        pytest.param(b"\xff" * 1200, "unknown_protocol", id="many-ones"),
        pytest.param(b"\0\1\0\0", "malformed_stun", id="half-a-header"),
        pytest.param(
            b"\0\1\0\0\x21\x12\xa4\x42" + bytes(12), "malformed_stun", id="no-transaction"
        ),
        pytest.param(
            binding_request(username="zzzzabcd:peer", pwd="x" * 24),
            "unknown_ufrag",
            id="check-for-nobody",
        ),
        pytest.param(
            binding_request(username="00", pwd="x" * 24), "malformed_stun", id="short-username"
        ),
        pytest.param(
            binding_request(username="Ж" * 200, pwd="x" * 24), "malformed_stun", id="long-username"
        ),
        pytest.param(rtp(), "unknown_source", id="rtp"),
        pytest.param(rtp(0)[:12], "unknown_source", id="rtp-header"),
        pytest.param(rtcp(), "unknown_source", id="rtcp"),
        pytest.param(FATAL_ALERT, "unknown_source", id="fatal-alert"),
        pytest.param(CLOSE_NOTIFY, "unknown_source", id="close-notify"),
        pytest.param(client_hello(), "unknown_source", id="client-hello"),
        pytest.param(b"\x16" + b"\xff" * 1300, "unknown_source", id="no-handshake"),
    ],
)
async def test_a_stranger_is_dropped_and_counted(
    call: Call, stranger: socket.socket, data: bytes, reason: str
) -> None:
    before = call.worker.counts().drops.get(reason, 0)
    stranger.send(data)
    await dropped(call, reason, before + 1)
    await call.goes_on()
    assert_no_answer(stranger)


async def test_an_oversized_datagram_is_dropped(call: Call, stranger: socket.socket) -> None:
    for first in (b"\0\1", b"\x16\xfe", b"\x80\x6f", b"\xff\xff"):
        stranger.send(first + bytes(60_000))
    await dropped(call, "oversized", 4)
    await call.goes_on()


@pytest.mark.parametrize(
    ("pwd", "ufrag", "remote", "reason"),
    [
        ("wrong", None, "", "stun_wrong_integrity"),
        (None, None, "", "stun_no_integrity"),
        ("wrong", None, "someoneelse", "stun_wrong_username"),
    ],
)
async def test_a_check_without_the_password_is_no_way_in(
    call: Call,
    stranger: socket.socket,
    pwd: str | None,
    ufrag: str | None,
    remote: str,
    reason: str,
) -> None:
    stranger.send(named(call, pwd=pwd, ufrag=ufrag, remote=remote))
    await dropped(call, reason)
    # Nor does it make the plane listen to what comes next.
    before = call.worker.counts().drops["unknown_source"]
    stranger.send(client_hello())
    await dropped(call, "unknown_source", before + 1)
    await call.goes_on()
    assert_no_answer(stranger)


async def test_a_fragment_of_the_slot_s_earlier_connection_is_unknown(
    call: Call, stranger: socket.socket
) -> None:
    ufrag = call.peers[0].answer.ufrag
    stranger.send(named(call, pwd="x" * 24, ufrag=ufrag[:2] + "zz" + ufrag[4:]))
    await dropped(call, "unknown_ufrag")
    assert_no_answer(stranger)


async def test_a_sender_cannot_reach_into_a_call_by_its_ssrc(
    call: Call, stranger: socket.socket
) -> None:
    client = call.peers[0]
    stranger.send(client.dtls._tx_srtp.protect(rtp(ssrc=client.ssrcs["audio"])))
    await dropped(call, "unknown_source")
    await call.goes_on()


async def test_whatever_bytes_strangers_send_the_call_goes_on(
    call: Call, stranger: socket.socket
) -> None:
    source = random.Random(11)
    seeds = [client_hello(), named(call, pwd="x" * 24), rtp(), rtcp(), FATAL_ALERT, b"\0" * 40]
    for number in range(3_000):
        data = bytearray(source.choice(seeds))
        for _ in range(source.randrange(8)):
            data[source.randrange(len(data))] = source.randrange(256)
        stranger.send(bytes(data[: source.randrange(len(data) + 1)]))
        if number % 100 == 0:
            await asyncio.sleep(0)
    await call.goes_on()
    assert call.worker.counts().drops["shell_fault"] == 0
    assert_no_answer(stranger)


async def test_broken_packets_from_a_participant_s_own_address_cost_it_nothing(
    call: Call,
) -> None:
    """A validated address: its DTLS reaches aiortc, its SRTP reaches libsrtp."""
    client, source = call.peers[0], random.Random(12)
    first = (20, 22, 23, 128, 144, 191)
    for data in (
        b"",
        b"\x16",
        b"\x14" * 13,
        FATAL_ALERT,
        CLOSE_NOTIFY,
        client_hello(),
        b"\x3f" * 1400,
        rtp(),
        rtp(0)[:4],
        rtcp(),
        rtcp(0),
        b"\x80",
        b"\x90\x6f\0\1\0\0\0\1\0\0\0\7\xbe\xde\xff\xff",
        *(bytes([source.choice(first)]) + source.randbytes(99) for _ in range(300)),
    ):
        client.send(data)
    await call.goes_on()
    counts = call.worker.counts()
    assert counts.connected == 2
    assert (counts.drops["shell_fault"], counts.drops["fault"]) == (0, 0)


async def test_authentic_packets_with_broken_insides_cost_nobody_anything(call: Call) -> None:
    client, source = call.peers[0], random.Random(13)
    ssrc = client.ssrcs["video"]
    for number in range(300):
        sequence = client._sequence[ssrc]
        client._sequence[ssrc] += 1
        header = b"\x90" + bytes([96]) + sequence.to_bytes(2, "big") + bytes(4)
        # Random elements in the header extension; its length is true, or libsrtp refuses first.
        extension = b"\xbe\xde\0\x03" + source.randbytes(12)
        plain = header + ssrc.to_bytes(4, "big") + extension + source.randbytes(number % 60)
        client.send(client.dtls._tx_srtp.protect(plain))
    for kind in range(192, 224):
        body = source.randbytes(4 * source.randrange(1, 20))
        words = (len(body) // 4).to_bytes(2, "big")
        client.send_rtcp(bytes([0x80 | source.randrange(64), kind]) + words + body)
    await call.goes_on()
    counts = call.worker.counts()
    assert counts.connected == 2
    assert counts.drops["fault"] == 0


async def test_a_stranger_cannot_win_or_spoil_a_handshake(
    call: Call, stranger: socket.socket
) -> None:
    peer, answer = await call.knock("client", "client2")
    hello = client_hello()
    for data in (hello, FATAL_ALERT, CLOSE_NOTIFY):
        stranger.send(data)
    connecting = asyncio.ensure_future(peer.connect(answer.answer))
    while not connecting.done():
        stranger.send(hello)
        stranger.send(FATAL_ALERT)
        await asyncio.sleep(0.001)
    await connecting
    await call.until_event(
        lambda event: isinstance(event, ParticipantConnected) and event.connection_id == "client2"
    )
    await call.goes_on()
    assert_no_answer(stranger)


async def test_a_participant_may_spoil_its_handshake_and_try_again(call: Call) -> None:
    peer, answer = await call.knock("client", "client2")
    await peer.check()
    for data in (FATAL_ALERT, b"\x16" + b"\xff" * 80, client_hello()[:40]):
        peer.send(data)
    await peer.connect(answer.answer)
    await call.until_event(
        lambda event: isinstance(event, ParticipantConnected) and event.connection_id == "client2"
    )
    await call.goes_on()


async def test_dtls_and_media_before_any_check_are_not_heard(call: Call) -> None:
    peer, answer = await call.knock("client", "client2")
    before = call.worker.counts().drops["unknown_source"]
    for data in (client_hello(), rtp(), rtcp()):
        peer.send(data)
    await dropped(call, "unknown_source", before + 3)
    await peer.connect(answer.answer)
    await call.goes_on()


async def test_100_000_packets_before_ice_take_no_memory(call: Call) -> None:
    peer, answer = await call.knock("client", "client2")
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(100_000):
        peer.send((rtp(1000), client_hello_once)[number % 2])
        if number % 500 == 0:
            await asyncio.sleep(0)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 20_000
    await peer.connect(answer.answer)
    await call.goes_on()


client_hello_once = client_hello()


async def recovered(call: Call) -> None:
    """Wait until the plane has worked off a flood; what came meanwhile may be lost."""
    client, specialist = call.peers[-2:]
    async with asyncio.timeout(60):
        while not specialist.received_on("audio"):
            client.send_rtp("audio", b"?")
            await asyncio.sleep(0.1)
        heard = -1
        while len(specialist.received_on("audio")) != heard:
            heard = len(specialist.received_on("audio"))
            await asyncio.sleep(0.3)


async def test_a_flood_of_dtls_from_a_validated_address_takes_no_memory(call: Call) -> None:
    client = call.peers[0]
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(50_000):
        client.send(b"\x16\xfe\xfd" + bytes(1200))
        if number % 500 == 0:
            await asyncio.sleep(0)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 20_000
    await recovered(call)
    await call.goes_on()


async def test_a_flood_of_checks_is_bounded_and_the_call_goes_on(
    call: Call, stranger: socket.socket
) -> None:
    data = named(call, pwd="wrong")
    for number in range(20_000):
        stranger.send(data)
        if number % 500 == 0:
            await asyncio.sleep(0)
    await recovered(call)
    await call.goes_on()
    assert_no_answer(stranger)


@pytest.mark.parametrize(
    "offer",
    [
        "",
        "v=0",
        "m=audio",
        "\0",
        "a=" * 10_000,
        "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n",
        "Ж" * 500,
    ],
)
async def test_a_broken_offer_is_refused_in_words(call: Call, offer: str) -> None:
    reply = await call.worker.request(Join(ROOM, "client", "client2", offer))
    assert isinstance(reply, Refused)
    assert reply.code is RefusalCode.BAD_OFFER
    assert reply.detail
    await call.goes_on()


async def test_a_third_is_refused_and_a_foreign_room_does_not_open_this_one(call: Call) -> None:
    await call.worker.request(OpenRoom("another"))
    third = await call.worker.request(Join(ROOM, "stranger", "x", Peer(CHROMIUM).offer()))
    assert isinstance(third, Refused)
    assert third.code is RefusalCode.ROOM_FULL
    foreign = await call.worker.request(Join("unknown", "client", "x", Peer(CHROMIUM).offer()))
    assert isinstance(foreign, Refused)
    assert foreign.code is RefusalCode.UNKNOWN_ROOM
    await call.goes_on()
