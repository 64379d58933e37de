"""Probes: rooms that end by themselves, and give way to conversations."""

from sfu.api import (
    PROBE_LASTS_S,
    CloseRoom,
    Done,
    Join,
    OpenRoom,
    ParticipantConnected,
    RefusalCode,
)
from sfu.connection import State
from sfu.plane import OwnCounts
from sfu.plane_commands import CloseSlot, OpenSlot, PairSlots
from sfu.probes import SLOTS_A_PROBE
from tests.sfu.world import CHROMIUM_OFFER, FIREFOX_OFFER, World, refusal

PROBE = OpenRoom("probe", probe=True)


def join(world: World, participant: str, offer: str = CHROMIUM_OFFER) -> int:
    _, outputs = world.ask(Join("probe", participant, participant, offer))
    return next(each.slot for each in outputs if isinstance(each, OpenSlot))


def test_a_probe_pairs_its_two_connections_and_ends_by_itself() -> None:
    world = World()
    assert world.ask(PROBE) == (Done(), [])
    sender, receiver = join(world, "sender"), join(world, "receiver", FIREFOX_OFFER)
    world.secure(sender)
    assert PairSlots(receiver, sender) in world.secure(receiver)
    assert world.run(PROBE_LASTS_S - 0.5)
    assert world.node.probe_count == 1
    ended = [output for _, output in world.run(1) if isinstance(output, CloseSlot)]
    assert ended == [CloseSlot(sender), CloseSlot(receiver)]
    assert world.node.probe_count == 0
    reply, _ = world.ask(Join("probe", "sender", "late", CHROMIUM_OFFER))
    assert refusal(reply) is RefusalCode.UNKNOWN_ROOM


def test_one_that_nobody_joined_ends_too() -> None:
    world = World()
    world.ask(PROBE)
    world.run(PROBE_LASTS_S + 0.1)
    assert world.node.probe_count == 0


def test_a_conversation_never_ends_by_itself() -> None:
    world = World()
    world.call()
    world.run(PROBE_LASTS_S + 1)
    assert world.node.room_count == 1


def test_rooms_and_participants_are_counted_without_probes() -> None:
    world = World()
    world.call()
    world.ask(PROBE)
    world.secure(join(world, "sender"))
    join(world, "receiver")
    assert (world.node.room_count, world.node.probe_count) == (1, 1)
    assert (world.node.count(State.CONNECTED), world.node.count(State.JOINING)) == (2, 0)
    world.ask(CloseRoom("probe"))
    assert (world.node.room_count, world.node.probe_count) == (1, 0)
    assert world.node.count(State.CLOSING) == 2


def test_few_probes_at_a_time() -> None:
    world = World(max_participants=2 * SLOTS_A_PROBE)
    for number in range(2):
        assert world.ask(OpenRoom(f"probe-{number}", probe=True))[0] == Done()
    one_more = OpenRoom("one-more", probe=True)
    assert refusal(world.ask(one_more)[0]) is RefusalCode.NODE_FULL
    assert world.ask(OpenRoom("probe-0", probe=True))[0] == Done(), "it is open already"
    assert world.ask(OpenRoom("a conversation"))[0] == Done()
    world.ask(CloseRoom("probe-0"))
    assert world.ask(one_more)[0] == Done()


def test_the_last_places_are_for_conversations() -> None:
    world = World(max_participants=8)
    for number in range(7):
        world.ask(OpenRoom(f"room-{number}"))
        world.ask(Join(f"room-{number}", "client", "c", CHROMIUM_OFFER))
        full = number >= 6
        reply, _ = world.ask(PROBE)
        assert (reply == Done()) is not full, number
        world.ask(CloseRoom("probe"))


def test_a_node_that_is_behind_takes_none_until_it_has_caught_up() -> None:
    world = World()
    slots = world.call()
    world.run(1.5)
    world.measured.own = OwnCounts(overflow=10_000)
    world.measured.counts.slots["packets_in"][list(slots)] = 1000
    world.run(1)
    assert refusal(world.ask(PROBE)[0]) is RefusalCode.NODE_FULL
    assert world.ask(OpenRoom("a conversation"))[0] == Done()
    world.run(20)
    assert world.ask(PROBE)[0] == Done()


def test_a_verdict_on_a_node_does_not_outlast_its_calls() -> None:
    world = World()
    world.call()
    world.run(1.5)
    world.measured.own = OwnCounts(overflow=10_000)
    world.run(1)
    world.ask(CloseRoom("room"))
    assert refusal(world.ask(PROBE)[0]) is RefusalCode.NODE_FULL
    world.run(2)
    assert world.ask(PROBE)[0] == Done()


def test_it_is_told_of_like_any_room() -> None:
    world = World()
    world.ask(PROBE)
    told = world.secure(join(world, "sender"))
    assert told == [ParticipantConnected("probe", "sender", "sender", world.now)]
