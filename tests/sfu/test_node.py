"""The node: rooms, and who joins, rejoins and leaves them."""

import random

import pytest

from sfu.api import (
    CloseRoom,
    CodecUnsupported,
    ConnectionReplaced,
    Done,
    Join,
    OpenRoom,
    ParticipantConnected,
    ParticipantHeard,
    RefusalCode,
    Remove,
    VideoCodec,
)
from sfu.connection import State
from sfu.negotiation import Candidate
from sfu.node import Node, StartHandshake
from sfu.plane_commands import (
    AddAddress,
    CloseSlot,
    OpenSlot,
    PairSlots,
    SetMedia,
    SetRemote,
)
from sfu.transport.ice import SendResponse
from tests.sfu.peer import CHROMIUM, FIREFOX, Peer
from tests.sfu.peer import Answer as ReadAnswer
from tests.sfu.world import CHROMIUM_OFFER, OURS, PHONE, World, check, refusal


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
    assert media.ssrc == media.media.outbound[0].ssrc
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
    node = Node((Candidate("192.0.2.1", 5000),), OURS, source, float, 8)
    node.request(OpenRoom("room"), 0.0)
    _, outputs = node.request(Join("room", "client", "c1", peer.offer()), 0.0)
    (media,) = [output.media for output in outputs if isinstance(output, SetMedia)]
    ours = [ssrc for track in media.outbound for ssrc in (track.ssrc, track.rtx_ssrc) if ssrc]
    assert 5 in ours
    assert len(ours) == len(set(ours)) == 5
    assert not theirs & set(ours)
