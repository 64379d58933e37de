"""The node: real offers in, commands and events out, in simulated time."""

import random
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from sfu.api import (
    Answer,
    CloseRoom,
    CodecUnsupported,
    ConnectionFailed,
    ConnectionQuality,
    ConnectionReplaced,
    Done,
    Join,
    OpenRoom,
    ParticipantConnected,
    ParticipantHeard,
    RefusalCode,
    Refused,
    Remove,
    Reply,
    Request,
    RestartIce,
    VideoCodec,
    VideoPause,
)
from sfu.connection import TRANSITIONS, State, Trigger
from sfu.negotiation import Candidate
from sfu.node import (
    AddAddress,
    Node,
    OpenSlot,
    Output,
    SetMedia,
    SetRemote,
    SetUfrag,
    StartHandshake,
)
from sfu.plane import ConnectionStatistics, DownlinkCounts
from sfu.room import CloseSlot, PairSlots
from sfu.transport.ice import SendResponse
from tests.sfu.checks import binding_request
from tests.sfu.peer import CHROMIUM, FIREFOX, Peer
from tests.sfu.peer import Answer as ReadAnswer

OFFERS = Path(__file__).parent.parent / "fixtures" / "offers"
CHROMIUM_OFFER = (OFFERS / "chromium-camera.sdp").read_bytes().decode()
RESTART_OFFER = (OFFERS / "chromium-camera-restart.sdp").read_bytes().decode()
FIREFOX_OFFER = (OFFERS / "firefox-camera.sdp").read_bytes().decode()
OURS = (("sha-256", ":".join(["AB"] * 32)),)
PHONE = ("203.0.113.5", 40_000)
NOTHING = ConnectionStatistics(0, 0, 0, 0, 0, 0, None, 0, 0, None, None)


@dataclass
class Measured:
    """What the plane would have measured."""

    heard_at: dict[int, float] = field(default_factory=dict)
    counts: dict[int, ConnectionStatistics] = field(default_factory=dict)

    def last_heard_ns(self, slot: int) -> int:
        return int(self.heard_at.get(slot, 0.0) * 1e9)

    def statistics(self, slot: int) -> ConnectionStatistics:
        return self.counts.get(slot, NOTHING)


class World:
    """A node, its time, and everything that it wants done."""

    def __init__(self, max_participants: int = 8) -> None:
        self.node = Node((Candidate("192.0.2.1", 5000),), OURS, random.Random(7), max_participants)
        self.measured = Measured()
        self.now = 1000.0

    def ask(self, message: Request) -> tuple[Reply, list[Output]]:
        return self.node.request(message, self.now)

    def open(self, codec: VideoCodec = VideoCodec.VP8) -> None:
        assert self.ask(OpenRoom("room", codec)) == (Done(), [])

    def join(
        self, participant: str, connection: str | None = None, offer: str = CHROMIUM_OFFER
    ) -> tuple[Answer, int, list[Output]]:
        reply, outputs = self.ask(Join("room", participant, connection or participant, offer))
        assert isinstance(reply, Answer), reply
        (slot,) = [output.slot for output in outputs if isinstance(output, OpenSlot)]
        return reply, slot, outputs

    def secure(self, slot: int) -> list[Output]:
        self.measured.heard_at[slot] = self.now
        return self.node.secured(slot, self.now, self.measured)

    def call(self) -> tuple[int, int]:
        self.open()
        slots = (self.join("client")[1], self.join("specialist", offer=FIREFOX_OFFER)[1])
        for slot in slots:
            self.secure(slot)
        return slots

    def run(self, seconds: float) -> list[tuple[float, Output]]:
        """Tick along; each output with the seconds since the beginning of this run."""
        began, happened = self.now, list[tuple[float, Output]]()
        for _ in range(round(seconds * 10)):
            self.now += 0.1
            outputs = self.node.tick(self.now, self.measured)
            happened += [(round(self.now - began, 1), output) for output in outputs]
        return happened


def refusal(reply: Reply) -> RefusalCode:
    assert isinstance(reply, Refused), reply
    assert reply.detail
    return reply.code


def test_a_join_is_answered_at_once_and_the_plane_told_before_anybody_comes() -> None:
    world = World()
    world.open()
    reply, slot, outputs = world.join("client", "c1")
    assert reply.connection_id == "c1"
    assert reply.video_codec is VideoCodec.VP8
    assert [type(output) for output in outputs] == [OpenSlot, SetMedia, StartHandshake]
    (opened, media, _) = outputs
    assert isinstance(opened, OpenSlot)
    assert isinstance(media, SetMedia)
    answer = ReadAnswer.parse(reply.answer)
    assert answer.ufrag == opened.ufrag
    assert int(answer.ufrag[:2], 36) == slot
    assert answer.candidates == [("192.0.2.1", 5000)]
    assert answer.fingerprints == list(OURS)
    assert len(answer.pwd) >= 22
    assert {track.ssrc for track in media.media.outbound} <= {
        ssrc for ssrcs in answer.ssrcs.values() for ssrc in ssrcs
    }


def test_an_unknown_room_refuses() -> None:
    reply, outputs = World().ask(Join("elsewhere", "client", "c1", CHROMIUM_OFFER))
    assert refusal(reply) is RefusalCode.UNKNOWN_ROOM
    assert outputs == []


def test_a_third_participant_is_refused_and_the_call_goes_on() -> None:
    world = World()
    world.call()
    reply, outputs = world.ask(Join("room", "stranger", "x", CHROMIUM_OFFER))
    assert refusal(reply) is RefusalCode.ROOM_FULL
    assert outputs == []


@pytest.mark.parametrize("offer", ["", "v=0", "\0" * 50, CHROMIUM_OFFER[:900], "v=0\r\n" * 9000])
def test_a_broken_offer_is_refused_and_takes_no_slot(offer: str) -> None:
    world = World(max_participants=1)
    world.open()
    for _ in range(3):
        reply, outputs = world.ask(Join("room", "client", "c", offer))
        assert refusal(reply) is RefusalCode.BAD_OFFER
        assert outputs == []
    world.join("client")


def test_a_broken_offer_does_not_replace_the_connection_that_stands() -> None:
    world = World()
    world.call()
    reply, _ = world.ask(Join("room", "client", "c2", "nonsense"))
    assert refusal(reply) is RefusalCode.BAD_OFFER
    assert world.node.count(State.CONNECTED) == 2


def test_a_full_node_refuses_until_the_plane_has_let_go_of_a_slot() -> None:
    world = World(max_participants=1)
    world.open()
    _, slot, _ = world.join("client")
    full, _ = world.ask(Join("room", "client", "c2", CHROMIUM_OFFER))
    assert refusal(full) is RefusalCode.NODE_FULL
    world.ask(Remove("room", "client"))
    still, _ = world.ask(Join("room", "client", "c2", CHROMIUM_OFFER))
    assert refusal(still) is RefusalCode.NODE_FULL
    world.node.released(slot)
    reply, again, _ = world.join("client", "c2")
    assert again == slot
    assert ReadAnswer.parse(reply.answer).ufrag[2:4] == "01"


def test_two_connected_participants_are_paired_and_reported() -> None:
    world = World()
    world.open()
    _, first, _ = world.join("client", "c1")
    _, second, _ = world.join("specialist", "s1")
    assert world.secure(first) == [ParticipantConnected("room", "client", "c1", 1000.0)]
    world.now = 1001.0
    assert world.secure(second) == [
        PairSlots(second, first),
        ParticipantConnected("room", "specialist", "s1", 1001.0),
    ]


def test_a_rejoin_takes_a_new_slot_then_closes_the_old_and_leaves_the_partner_alone() -> None:
    world = World()
    old, other = world.call()
    _, new, outputs = world.join("client", "c2")
    assert new not in (old, other)
    opened = next(n for n, output in enumerate(outputs) if isinstance(output, OpenSlot))
    closed = outputs.index(CloseSlot(old))
    assert opened < closed
    assert ConnectionReplaced("room", "client", "client") in outputs
    assert not [output for output in outputs if getattr(output, "slot", None) == other]
    assert PairSlots(new, other) in world.secure(new)


def test_nothing_more_is_heard_of_a_replaced_connection() -> None:
    world = World()
    old, _ = world.call()
    reply, _, _ = world.join("client", "c2")
    assert world.node.handshake_failed(old, "late") == []
    assert world.secure(old) == []
    assert world.node.faulted(old) == []
    assert world.node.stun_received(old, PHONE, b"", world.now) == []
    assert world.node.drops["stun_closed"] == 1
    reports = [output for _, output in world.run(3) if isinstance(output, ParticipantHeard)]
    assert {each.participant_id for each in reports} == {"specialist"}
    assert reply.connection_id == "c2"


def test_remove_and_close_room_end_connections_and_may_be_repeated() -> None:
    world = World()
    client, specialist = world.call()
    assert world.ask(Remove("room", "client")) == (Done(), [CloseSlot(client)])
    assert world.ask(Remove("room", "client")) == (Done(), [])
    assert world.ask(Remove("nowhere", "client")) == (Done(), [])
    assert world.ask(CloseRoom("room")) == (Done(), [CloseSlot(specialist)])
    assert world.ask(CloseRoom("room")) == (Done(), [])
    assert world.node.room_count == 0
    assert world.node.count(State.CLOSING) == 2
    for slot in (client, specialist):
        world.node.released(slot)
        world.node.released(slot)  # a second time means nothing
    assert world.node.count(State.CLOSING) == 0


def test_the_answer_of_a_room_with_a_codec_says_so() -> None:
    world = World()
    world.open(VideoCodec.VP9)
    reply, _, outputs = world.join("client")
    assert reply.video_codec is VideoCodec.VP9
    assert not [output for output in outputs if isinstance(output, CodecUnsupported)]


def test_who_lacks_the_codec_gets_the_fallback_and_control_hears_of_it() -> None:
    world = World()
    world.open(VideoCodec.VP9)
    world.join("client", offer=Peer(CHROMIUM).offer())
    reply, _, outputs = world.join("specialist", offer=Peer(FIREFOX).offer())
    assert reply.video_codec is VideoCodec.VP8
    assert CodecUnsupported("room", "specialist", VideoCodec.VP8) in outputs
    # Control then changes the room's codec and has the first page join anew.
    world.open(VideoCodec.VP8)
    again, _, outputs = world.join("client", "c2", offer=Peer(CHROMIUM).offer())
    assert again.video_codec is VideoCodec.VP8
    assert not [output for output in outputs if isinstance(output, CodecUnsupported)]


def check(answer: ReadAnswer, *, pwd: str | None = None, use_candidate: bool = False) -> bytes:
    ufrag = next(line for line in CHROMIUM_OFFER.splitlines() if line.startswith("a=ice-ufrag:"))
    return binding_request(
        username=f"{answer.ufrag}:{ufrag.partition(':')[2]}",
        pwd=pwd or answer.pwd,
        use_candidate=use_candidate,
    )


def test_a_check_tells_the_plane_the_address_before_it_is_answered() -> None:
    world = World()
    world.open()
    reply, slot, _ = world.join("client")
    data = check(ReadAnswer.parse(reply.answer), use_candidate=True)
    outputs = world.node.stun_received(slot, PHONE, data, 1000.5)
    assert outputs[:2] == [AddAddress(slot, PHONE), SetRemote(slot, PHONE)]
    assert isinstance(outputs[2], SendResponse)


def test_a_wrong_check_is_counted_and_not_answered() -> None:
    world = World()
    world.open()
    reply, slot, _ = world.join("client")
    data = check(ReadAnswer.parse(reply.answer), pwd="x" * 24)
    assert world.node.stun_received(slot, PHONE, data, 1000.5) == []
    assert world.node.stun_received(99, PHONE, data, 1000.5) == []
    assert world.node.drops == {"stun_wrong_integrity": 1, "stun_closed": 1}


def test_an_ice_restart_keeps_streams_and_certificate_and_changes_the_credentials() -> None:
    world = World()
    world.open()
    reply, slot, _ = world.join("client", "c1")
    again, outputs = world.ask(RestartIce("room", "client", "c1", RESTART_OFFER))
    assert isinstance(again, Answer)
    before, after = ReadAnswer.parse(reply.answer), ReadAnswer.parse(again.answer)
    assert after.ssrcs == before.ssrcs
    assert after.fingerprints == before.fingerprints
    assert after.ufrag != before.ufrag
    assert after.ufrag[:4] == before.ufrag[:4]
    assert after.pwd != before.pwd
    assert [type(output) for output in outputs] == [SetUfrag, SetMedia]
    assert outputs[0] == SetUfrag(slot, after.ufrag)
    # RFC 3264 section 8: the same session, one version on.
    assert _origin(again.answer)[1] == _origin(reply.answer)[1]
    assert int(_origin(again.answer)[2]) == int(_origin(reply.answer)[2]) + 1


def _origin(sdp: str) -> list[str]:
    return next(line for line in sdp.splitlines() if line.startswith("o=")).split()


def test_a_re_offer_with_the_same_credentials_is_no_restart() -> None:
    world = World()
    world.open()
    reply, _, _ = world.join("client", "c1")
    again, outputs = world.ask(RestartIce("room", "client", "c1", CHROMIUM_OFFER))
    assert isinstance(again, Answer)
    assert ReadAnswer.parse(again.answer).ufrag == ReadAnswer.parse(reply.answer).ufrag
    assert [type(output) for output in outputs] == [SetMedia]


def test_an_ice_restart_by_another_certificate_is_refused_and_changes_nothing() -> None:
    world = World()
    world.open()
    reply, slot, _ = world.join("client", "c1")
    refused, outputs = world.ask(RestartIce("room", "client", "c1", FIREFOX_OFFER))
    assert refusal(refused) is RefusalCode.BAD_OFFER
    assert outputs == []
    data = check(ReadAnswer.parse(reply.answer))
    assert len(world.node.stun_received(slot, PHONE, data, 1000.5)) == 3


@pytest.mark.parametrize(
    "message",
    [
        RestartIce("elsewhere", "client", "client", RESTART_OFFER),
        RestartIce("room", "stranger", "client", RESTART_OFFER),
        RestartIce("room", "specialist", "client", RESTART_OFFER),
        RestartIce("room", "client", "c0", RESTART_OFFER),
    ],
)
def test_an_ice_restart_of_a_connection_that_is_not_ones_own_is_refused(
    message: RestartIce,
) -> None:
    world = World()
    world.call()
    reply, outputs = world.ask(message)
    assert refusal(reply) is RefusalCode.UNKNOWN_CONNECTION
    assert outputs == []


def test_a_restart_keeps_the_codec_of_its_connection() -> None:
    world = World()
    world.open(VideoCodec.VP9)
    world.join("client", "c1")
    world.open(VideoCodec.VP8)
    again, _ = world.ask(RestartIce("room", "client", "c1", RESTART_OFFER))
    assert isinstance(again, Answer)
    assert again.video_codec is VideoCodec.VP9


def test_a_broken_re_offer_is_refused() -> None:
    world = World()
    world.open()
    world.join("client", "c1")
    reply, _ = world.ask(RestartIce("room", "client", "c1", "v=0"))
    assert refusal(reply) is RefusalCode.BAD_OFFER


def test_a_connection_that_never_comes_fails_after_30_seconds() -> None:
    world = World()
    world.open()
    _, slot, _ = world.join("client", "c1")
    happened = world.run(40)
    assert [(at, type(output)) for at, output in happened] == [
        (30.0, CloseSlot),
        (30.0, ConnectionFailed),
    ]
    failed = happened[1][1]
    assert isinstance(failed, ConnectionFailed)
    assert "no connectivity check" in failed.detail
    assert happened[0][1] == CloseSlot(slot)
    world.join("client", "c2")  # the room is still there


def test_one_that_checks_but_never_shakes_hands_is_told_apart() -> None:
    world = World()
    world.open()
    reply, slot, _ = world.join("client", "c1")
    world.node.stun_received(slot, PHONE, check(ReadAnswer.parse(reply.answer)), 1001.0)
    failed = [output for _, output in world.run(40) if isinstance(output, ConnectionFailed)]
    assert len(failed) == 1
    assert "no DTLS" in failed[0].detail


def test_a_failed_handshake_closes_the_slot_and_is_reported() -> None:
    world = World()
    world.open()
    _, slot, _ = world.join("client", "c1")
    assert world.node.handshake_failed(slot, "why") == [
        CloseSlot(slot),
        ConnectionFailed("room", "client", "c1", "why"),
    ]
    assert world.node.handshake_failed(slot, "again") == []


def test_a_fault_of_the_plane_ends_both_connections_and_keeps_the_room() -> None:
    world = World()
    client, specialist = world.call()
    outputs = world.node.faulted(client)
    assert [output for output in outputs if isinstance(output, CloseSlot)] == [
        CloseSlot(client),
        CloseSlot(specialist),
    ]
    assert len([output for output in outputs if isinstance(output, ConnectionFailed)]) == 2
    world.join("client", "c2")


def heard_of(happened: list[tuple[float, Output]], participant: str) -> list[tuple[float, float]]:
    return [
        (at, output.last_heard_at)
        for at, output in happened
        if isinstance(output, ParticipantHeard) and output.participant_id == participant
    ]


def test_each_connected_participant_is_reported_once_a_second() -> None:
    world = World()
    slots = world.call()
    world.measured.heard_at = dict.fromkeys(slots, 1000.0)
    happened = world.run(10)
    for participant in ("client", "specialist"):
        assert [at for at, _ in heard_of(happened, participant)] == pytest.approx(
            range(1, 11), abs=0.11
        )


def test_a_silent_participant_goes_on_being_reported_with_the_time_it_was_last_heard() -> None:
    world = World()
    client, _ = world.call()
    world.measured.heard_at[client] = 1000.0
    assert {heard_at for _, heard_at in heard_of(world.run(20), "client")} == {1000.0}


def test_a_return_after_two_seconds_of_silence_is_reported_by_the_next_tick() -> None:
    world = World()
    client, _ = world.call()
    world.run(14.5)
    world.measured.heard_at[client] = world.now + 0.02
    ((at, heard_at), *_) = heard_of(world.run(1), "client")
    assert at == 0.1
    assert heard_at == pytest.approx(1014.52)


def test_a_pause_under_two_seconds_waits_for_the_second() -> None:
    world = World()
    client, _ = world.call()
    world.run(1.5)
    world.measured.heard_at[client] = world.now
    assert len(heard_of(world.run(0.3), "client")) == 0


def test_a_check_with_good_integrity_counts_as_being_heard() -> None:
    world = World()
    world.open()
    reply, slot, _ = world.join("client")
    world.secure(slot)
    world.run(5)
    answer = ReadAnswer.parse(reply.answer)
    world.node.stun_received(slot, PHONE, check(answer, pwd="wrong" * 5), world.now)
    assert max(heard_at for _, heard_at in heard_of(world.run(1), "client")) == 1000.0
    world.node.stun_received(slot, PHONE, check(answer), world.now)
    ((at, heard_at),) = heard_of(world.run(0.1), "client")
    assert at == 0.1
    assert heard_at == pytest.approx(1006.0)


def test_the_loop_that_slept_does_not_report_the_seconds_it_missed() -> None:
    world = World()
    world.call()
    world.now += 60
    happened = world.run(3)
    assert len(heard_of(happened, "client")) in (3, 4)


def test_quality_is_of_the_last_second() -> None:
    world = World()
    client, _ = world.call()
    world.measured.counts[client] = replace(
        NOTHING,
        octets_in=50_000,
        octets_out=25_000,
        expected_in=200,
        received_in=190,
        jitter_in_s=0.012,
        fraction_lost_out=0.02,
        round_trip_s=0.08,
    )
    first, second = [
        output
        for _, output in world.run(2.1)
        if isinstance(output, ConnectionQuality) and output.participant_id == "client"
    ]
    assert first.loss_up_pct == pytest.approx(5.0)
    assert first.loss_down_pct == pytest.approx(2.0)
    assert first.rtt_ms == pytest.approx(80)
    assert first.jitter_up_ms == pytest.approx(12)
    assert first.bitrate_up_bps == pytest.approx(400_000, rel=0.11)
    assert first.bitrate_down_bps == pytest.approx(200_000, rel=0.11)
    # Nothing was sent in the second second: nothing is known of its loss.
    assert (second.loss_up_pct, second.bitrate_up_bps) == (None, 0.0)


def test_every_connection_ends_released_whatever_comes() -> None:
    """Random walks over the table: no state but the last is without a way on."""
    assert {state for state, _ in TRANSITIONS} == set(State) - {State.RELEASED}
    source = random.Random(3)
    for _ in range(100):
        state = State.JOINING
        for _ in range(50):
            state = TRANSITIONS.get((state, source.choice(list(Trigger))), state)
        for trigger in (Trigger.CLOSED, Trigger.LET_GO):
            state = TRANSITIONS.get((state, trigger), state)
        assert state is State.RELEASED


class FirstSays(random.Random):
    """A source that first says what the test wants."""

    def __init__(self, numbers: list[int]) -> None:
        super().__init__(7)
        self.numbers = numbers

    def randrange(self, *bounds: int) -> int:  # type: ignore[override]
        return self.numbers.pop(0) if self.numbers else super().randrange(*bounds)


def test_five_ssrcs_differ_from_each_other_and_from_those_of_the_offer() -> None:
    peer = Peer(CHROMIUM)
    theirs = {*peer.ssrcs.values(), *peer.rtx_ssrcs.values()}
    source = FirstSays([5, 5, *theirs])
    node = Node((Candidate("192.0.2.1", 5000),), OURS, source, 8)
    node.request(OpenRoom("room"), 0.0)
    _, outputs = node.request(Join("room", "client", "c1", peer.offer()), 0.0)
    (media,) = [output.media for output in outputs if isinstance(output, SetMedia)]
    ours = [ssrc for track in media.outbound for ssrc in (track.ssrc, track.rtx_ssrc) if ssrc]
    assert 5 in ours
    assert len(ours) == len(set(ours)) == 5
    assert not theirs & set(ours)


def downlink(seconds: int, camera_octets: int, told_octets: int) -> ConnectionStatistics:
    """Counts after some seconds of a camera that sends so much, of which so much arrives."""
    return replace(
        NOTHING,
        downlink=DownlinkCounts(
            camera_octets=seconds * camera_octets,
            numbered_packets=seconds * 100,
            numbered_octets=seconds * camera_octets,
            told_packets=seconds * 100,
            told_octets=seconds * told_octets,
        ),
    )


def pauses(world: World, slot: int, seconds: range, told_octets: int) -> list[VideoPause]:
    found = []
    for second in seconds:
        world.measured.counts[slot] = downlink(second, 125_000, told_octets)
        found += [each for _, each in world.run(1.0) if isinstance(each, VideoPause)]
    return found


def test_video_pauses_for_a_downlink_that_does_not_carry_it_and_is_tried_again() -> None:
    world = World()
    slot, _ = world.call()
    assert pauses(world, slot, range(1, 5), told_octets=125_000) == []
    [paused] = pauses(world, slot, range(50, 53), told_octets=10_000)
    assert paused == VideoPause("room", "client", "client", camera=True, screen=True)
    happened = world.run(6.0)
    [ended] = [each for _, each in happened if isinstance(each, VideoPause)]
    assert ended == VideoPause("room", "client", "client", camera=False, screen=False)


def test_a_new_connection_begins_with_nothing_paused() -> None:
    world = World()
    slot, _ = world.call()
    pauses(world, slot, range(1, 4), told_octets=10_000)
    _, new, _ = world.join("client", "c2")
    world.secure(new)
    happened = world.run(30.0)
    assert [each for _, each in happened if isinstance(each, VideoPause)] == []
