"""How often a room may join, and how many rooms there can be."""

from sfu.admission import JOINS_A_SECOND, JOINS_BURST, ROOMS_A_SLOT, JoinAllowance
from sfu.api import Answer, Done, Join, OpenRoom, RefusalCode, RestartIce
from sfu.plane_commands import CloseSlot
from tests.sfu.world import CHROMIUM_OFFER, World, refusal


def test_joins_come_back_with_time_and_no_more_than_a_burst() -> None:
    allowance = JoinAllowance()
    for now in (100.0, 100_000.0):
        assert [allowance.take(now) for _ in range(JOINS_BURST + 1)] == [True] * JOINS_BURST + [
            False
        ]
    assert not allowance.take(99_999.0), "a clock that is set back gives nothing"
    assert allowance.take(99_999.0 + 1 / JOINS_A_SECOND)
    assert not allowance.take(99_999.0 + 1 / JOINS_A_SECOND)


def test_a_page_that_joins_in_a_loop_is_refused_and_another_room_is_not() -> None:
    world = World()
    world.open()
    for number in range(JOINS_BURST):
        for each in world.join("client", f"c{number}")[2]:
            if isinstance(each, CloseSlot):
                world.node.released(each.slot)
    again = Join("room", "client", "again", CHROMIUM_OFFER)
    assert refusal(world.ask(again)[0]) is RefusalCode.NODE_FULL
    last = f"c{JOINS_BURST - 1}"
    restart = RestartIce("room", "client", last, CHROMIUM_OFFER)
    assert refusal(world.ask(restart)[0]) is RefusalCode.NODE_FULL
    world.ask(OpenRoom("other"))
    assert isinstance(world.ask(Join("other", "client", "x", CHROMIUM_OFFER))[0], Answer)
    world.now += 1 / JOINS_A_SECOND
    world.join("client", "again")


def test_rooms_are_bounded_and_an_open_one_can_still_be_changed() -> None:
    world = World(max_participants=2)
    for number in range(ROOMS_A_SLOT * 2):
        assert world.ask(OpenRoom(f"room-{number}"))[0] == Done()
    assert refusal(world.ask(OpenRoom("one-more"))[0]) is RefusalCode.NODE_FULL
    assert world.ask(OpenRoom("room-0"))[0] == Done()
    assert world.node.room_count == ROOMS_A_SLOT * 2
