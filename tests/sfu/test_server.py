"""The worker as a whole: real sockets, DTLS, SRTP and the plane, on loopback."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from aiortc.rtcdtlstransport import SRTP_AEAD_AES_256_GCM, SRTP_AES128_CM_SHA1_80

from sfu.api import (
    Answer,
    CloseRoom,
    ConnectionFailed,
    ConnectionQuality,
    ConnectionReplaced,
    Join,
    OpenRoom,
    ParticipantConnected,
    ParticipantHeard,
    RefusalCode,
    Refused,
    Remove,
    RestartIce,
)
from sfu.plane import Faulted, StunReceived
from sfu.server import Worker, WorkerSettings
from sfu.transport.interfaces import open_socket
from tests.sfu.calls import ROOM, Call, arrives
from tests.sfu.peer import CHROMIUM, FIREFOX, Peer

LOOPBACK = WorkerSettings(udp_host="127.0.0.1")


@pytest.fixture
async def call() -> AsyncIterator[Call]:
    made = Call(await Worker.start(LOOPBACK))
    yield made
    await made.close()


async def test_two_peers_see_each_other_under_their_own_numbers(call: Call) -> None:
    client, specialist = await call.start()
    await call.goes_on()
    connected = [event for event in call.events if isinstance(event, ParticipantConnected)]
    assert [event.participant_id for event in connected] == ["client", "specialist"]
    assert all(abs(event.at - time.time()) < 10 for event in connected)
    assert client.not_authentic == specialist.not_authentic == 0


async def test_a_rejoin_is_seen_by_the_partner_as_one_stream(call: Call) -> None:
    _, specialist = await call.start()
    await call.goes_on()
    for number in range(2, 5):
        again = await call.join("client", f"client{number}")
        assert ConnectionReplaced(ROOM, "client", _earlier(number)) in call.events
        for mid in ("audio", "video"):
            await arrives(again, specialist, mid)
            await arrives(specialist, again, mid)
    for mid in ("audio", "video"):
        numbers = [packet.sequence_number for packet in specialist.received_on(mid)]
        assert numbers == list(range(numbers[0], numbers[0] + 4))
        timestamps = [packet.timestamp for packet in specialist.received_on(mid)]
        assert timestamps == sorted(timestamps)


def _earlier(number: int) -> str:
    return "client" if number == 2 else f"client{number - 1}"


async def test_a_replaced_connection_is_not_heard_any_more(call: Call) -> None:
    old, specialist = await call.start()
    new = await call.join("client", "client2")
    await arrives(new, specialist, "audio")
    before = len(specialist.received_on("audio"))
    old.send_rtp("audio", b"ghost")
    await arrives(new, specialist, "audio")
    assert len(specialist.received_on("audio")) == before + 1
    with pytest.raises(TimeoutError):
        await old.check(tries=3)


async def test_who_stays_alone_is_partnered_again_by_whoever_comes_back(call: Call) -> None:
    client, _ = await call.start()
    await call.worker.request(Remove(ROOM, "specialist"))
    client.send_rtp("audio", b"to nobody")
    back = await call.join("specialist", "again", FIREFOX)
    await arrives(client, back, "video")
    await arrives(back, client, "video")


async def test_a_closed_room_hears_nobody_and_its_slots_come_back(call: Call) -> None:
    client, _ = await call.start()
    await call.worker.request(CloseRoom(ROOM))
    with pytest.raises(TimeoutError):
        await client.check(tries=3)
    async with asyncio.timeout(5):
        while call.worker._sessions:  # noqa: ASYNC110 the plane lets go on its own thread
            await asyncio.sleep(0.01)
    counts = call.worker.counts()
    assert (counts.rooms, counts.joining, counts.connected) == (0, 0, 0)


async def test_counts_are_of_all_connections_that_ever_were(call: Call) -> None:
    await call.start()
    await call.goes_on()
    during = call.worker.counts()
    assert during.packets_in >= 6
    assert during.packets_out >= 6
    assert during.handshakes == {"SRTP_AEAD_AES_128_GCM": 2}
    await call.worker.request(CloseRoom(ROOM))
    after = call.worker.counts()
    assert after.packets_in >= during.packets_in
    assert after.octets_out >= during.octets_out


async def test_an_ice_restart_moves_the_call_to_new_credentials_without_a_gap(call: Call) -> None:
    client, _ = await call.start()
    old = client.answer
    answer = await call.restart_ice(client, "client")
    await call.goes_on()  # before the first check with the new credentials
    client.accept(answer)
    assert client.answer.ssrcs == old.ssrcs
    assert client.answer.ufrag != old.ufrag
    await client.check(use_candidate=True)
    await call.goes_on()


async def test_the_old_credentials_hold_until_the_new_are_used(call: Call) -> None:
    client, _ = await call.start()
    answer = await call.restart_ice(client, "client")
    old, ufrag = client.answer, client.ufrag
    await client.check()  # ours are the old ones still
    client.accept(answer)
    await client.check(use_candidate=True)
    client.answer, client.ufrag = old, ufrag
    with pytest.raises(TimeoutError):
        await client.check(tries=3)


async def test_an_ice_restart_by_another_certificate_is_refused(call: Call) -> None:
    await call.start()
    reply = await call.worker.request(RestartIce(ROOM, "client", "client", Peer(CHROMIUM).offer()))
    assert isinstance(reply, Refused)
    assert reply.code is RefusalCode.BAD_OFFER
    await call.goes_on()


async def test_media_follows_a_peer_to_a_new_address(call: Call) -> None:
    """A NAT made a new mapping: same credentials, same keys, another port."""
    client, specialist = await call.start()
    mapping = client._transport
    assert mapping is not None
    await client.open()
    await client.check(use_candidate=True)
    mapping.close()
    await arrives(client, specialist, "audio")
    await arrives(specialist, client, "audio")


async def test_liveness_is_reported_and_silence_shows_in_it(call: Call) -> None:
    client, _ = await call.start()

    def about_client(event: object) -> bool:
        return isinstance(event, ParticipantHeard) and event.participant_id == "client"

    sent_at = time.time()
    client.send_rtp("audio", b"here")
    first = await call.until_event(about_client)
    assert isinstance(first, ParticipantHeard)
    assert sent_at - 0.05 <= first.last_heard_at <= time.time()
    client.cut = True
    second = await call.until_event(about_client)
    third = await call.until_event(about_client)
    assert second == third == first
    client.cut = False
    back_at = time.time()
    client.send_rtp("audio", b"back")
    back = await call.until_event(about_client)
    assert isinstance(back, ParticipantHeard)
    assert back.last_heard_at >= back_at - 0.05
    assert time.time() - back_at < 0.5  # not a second later


async def test_checks_alone_are_signs_of_life(call: Call) -> None:
    client, _ = await call.start()
    await asyncio.sleep(0.2)
    checked_at = time.time()
    await client.check()
    heard = await call.until_event(
        lambda event: isinstance(event, ParticipantHeard) and event.participant_id == "client"
    )
    assert isinstance(heard, ParticipantHeard)
    assert checked_at - 0.05 <= heard.last_heard_at <= time.time()


async def test_packets_that_are_not_authentic_are_no_sign_of_life(call: Call) -> None:
    client, _ = await call.start()
    heard_ns = call.worker._plane.last_heard_ns(0)
    forged = bytearray(client.dtls._tx_srtp.protect(b"\x80\x6f" + bytes(60)))
    forged[-1] ^= 1
    before = call.worker.counts().drops["not_authentic"]
    forged[8:12] = client.ssrcs["audio"].to_bytes(4, "big")
    client.send(bytes(forged))
    async with asyncio.timeout(5):
        while call.worker.counts().drops["not_authentic"] == before:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert call.worker._plane.last_heard_ns(0) == heard_ns


async def test_quality_is_reported(call: Call) -> None:
    client, _ = await call.start()
    for _ in range(20):
        client.send_rtp("audio", bytes(100))
    quality = await call.until_event(
        lambda event: isinstance(event, ConnectionQuality) and event.participant_id == "client"
    )
    assert isinstance(quality, ConnectionQuality)
    assert quality.up.loss_pct == 0.0
    assert quality.up.bitrate_bps > 10_000
    assert quality.up.silent_s is not None
    assert quality.up.silent_s < 2


@pytest.mark.parametrize("profile", [SRTP_AEAD_AES_256_GCM, SRTP_AES128_CM_SHA1_80])
async def test_other_srtp_profiles_carry_a_call(profile: object) -> None:
    settings = WorkerSettings(udp_host="127.0.0.1", srtp_profiles=(profile,))  # type: ignore[arg-type]
    call = Call(await Worker.start(settings))
    try:
        await call.start()
        await call.goes_on()
        (name,) = call.worker.counts().handshakes
        assert name == profile.openssl_profile.decode()  # type: ignore[attr-defined]
    finally:
        await call.close()


async def test_one_port_serves_both_families() -> None:
    call = Call(await Worker.start(WorkerSettings(udp_host="::")))
    try:
        await call.open()
        four = await call.join("client", host="127.0.0.1")
        six = await call.join("specialist", host="::1")
        assert four.address[1] == six.address[1] == call.worker.port
        await call.goes_on()
    finally:
        await call.close()


@pytest.mark.parametrize("host", ["::1", "0.0.0.0"])
async def test_one_family_alone_serves(host: str) -> None:
    call = Call(await Worker.start(WorkerSettings(udp_host=host)))
    try:
        await call.open()
        peer = "::1" if ":" in host else "127.0.0.1"
        await call.join("client", host=peer)
        await call.join("specialist", host=peer)
        await call.goes_on()
    finally:
        await call.close()


async def test_what_is_announced_stands_in_the_answer() -> None:
    settings = WorkerSettings(udp_host="127.0.0.1", announce=("203.0.113.9", "2001:db8::9"))
    call = Call(await Worker.start(settings))
    try:
        await call.open()
        reply = await call.worker.request(Join(ROOM, "client", "c", Peer(CHROMIUM).offer()))
        assert isinstance(reply, Answer)
        assert "203.0.113.9" in reply.answer
        assert "2001:db8::9" in reply.answer
        assert "127.0.0.1" not in reply.answer.replace("IN IP4 127.0.0.1", "")
    finally:
        await call.close()


async def test_hosts_that_are_no_addresses_and_taken_ports_raise() -> None:
    with pytest.raises(ValueError, match="not appear to be"):
        await Worker.start(WorkerSettings(announce=("sfu.example",)))
    worker = await Worker.start(LOOPBACK)
    try:
        with pytest.raises(OSError, match="in use"):
            await Worker.start(WorkerSettings(udp_host="127.0.0.1", udp_port=worker.port))
    finally:
        await worker.stop()
        await worker.stop()


async def test_a_join_that_is_given_up_leaves_no_handshake_behind(call: Call) -> None:
    await call.open()
    never, _ = await call.knock("client", "never")
    midway, _ = await call.knock("specialist", "midway")
    await midway.check()
    midway.send(b"\x16\xfe\xfd" + bytes(60))  # enough to begin one
    await asyncio.sleep(0.05)
    await call.worker.request(Remove(ROOM, "client"))
    await call.join("specialist", "again")
    async with asyncio.timeout(5):
        while call.worker._handshakes:  # noqa: ASYNC110 its tasks end on their own
            await asyncio.sleep(0.01)
    # Given up is not failed.
    assert call.worker.counts().handshakes == {"SRTP_AEAD_AES_128_GCM": 1}
    assert never.answer.ufrag != midway.answer.ufrag


async def test_stopping_in_the_middle_of_a_handshake_is_clean() -> None:
    call = Call(await Worker.start(LOOPBACK))
    await call.open()
    peer, _ = await call.knock("client")
    await peer.check()
    await call.close()
    assert not call.worker._handshakes


async def test_a_plane_that_does_not_keep_up_refuses_joins_and_catches_up() -> None:
    sock = open_socket("127.0.0.1", 0)
    worker = Worker(LOOPBACK, sock)  # its plane is not started yet
    offer, reply = Peer(CHROMIUM).offer(), None
    for number in range(3000):
        await worker.request(OpenRoom(f"room{number}"))
        reply = await worker.request(Join(f"room{number}", "client", "c", offer))
        if not isinstance(reply, Answer):
            break
        await worker.request(CloseRoom(f"room{number}"))
        # Not the plane's word, but its slots would run out before its channel does.
        worker._node.released(number % 512)
    assert isinstance(reply, Refused)
    assert "keep up" in reply.detail
    worker._plane.start()
    try:
        async with asyncio.timeout(10):
            while worker._commands:  # noqa: ASYNC110 the plane reads on its own thread
                await asyncio.sleep(0.01)
    finally:
        await worker.stop()


async def test_a_fault_of_the_plane_ends_both_connections_and_both_may_join_anew(
    call: Call,
) -> None:
    await call.start()
    call.worker._handle(Faulted(0))
    for participant in ("client", "specialist"):
        failed = await call.until_event(lambda event: isinstance(event, ConnectionFailed))
        assert isinstance(failed, ConnectionFailed)
        assert failed.participant_id == participant
    await call.join("client", "again")
    await call.join("specialist", "anew", FIREFOX)
    await call.goes_on()


async def test_an_error_of_our_own_on_one_datagram_does_not_cost_the_next(
    call: Call, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await call.start()
    broken = StunReceived(0, b"no address", b"", 0)
    with monkeypatch.context() as patch:
        patch.setattr(call.worker._plane, "read_events", lambda: [broken, broken, Faulted(1)])
        call.worker._read_plane()
    assert call.worker.counts().drops["shell_fault"] == 2
    assert len(caplog.records) == 1  # the second within ten seconds is only counted
    await call.until_event(lambda event: isinstance(event, ConnectionFailed))


async def test_two_workers_share_nothing(call: Call) -> None:
    other = Call(await Worker.start(LOOPBACK))
    try:
        await call.start()
        await other.start()
        await other.worker.request(CloseRoom(ROOM))
        await call.goes_on()
        assert other.worker.port != call.worker.port
    finally:
        await other.close()


async def test_a_room_that_is_not_open_is_refused(call: Call) -> None:
    await call.worker.request(OpenRoom("other"))
    reply = await call.worker.request(Join(ROOM, "client", "c", Peer(CHROMIUM).offer()))
    assert isinstance(reply, Refused)
    assert reply.code is RefusalCode.UNKNOWN_ROOM
