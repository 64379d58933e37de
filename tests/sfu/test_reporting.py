"""Who is reported when, where there are many."""

from collections import Counter

import numpy as np
import pytest

from sfu.api import Reason, ReasonCode
from sfu.plane import Column, OwnCounts, Snapshot, blank_snapshot
from sfu.reporting import TURNS, Reporting

SLOTS = 40


class Plane:
    """A hundred packets a second come from each slot; ``overflow`` of all were lost."""

    def __init__(self) -> None:
        self.now = 0.0
        self.overflow = 0
        self.late_s = 0.0

    def heard_s(self) -> Column:
        return np.full(SLOTS, self.now)

    def snapshot(self, slots: Column) -> Snapshot:
        counts = blank_snapshot(len(slots))
        counts.slots["packets_in"][:] = round(100 * self.now)
        return counts

    def own_counts(self) -> OwnCounts:
        return OwnCounts(overflow=self.overflow)

    def behind_s(self) -> float:
        return self.late_s


def run(
    reporting: Reporting, plane: Plane, ticks: int
) -> list[tuple[float, int, tuple[Reason, ...]]]:
    """When which slot was reported, and why the node was not at its best."""
    told = []
    for _ in range(ticks):
        plane.now = round(plane.now + 0.05, 2)
        _, _, turns = reporting.heard(plane.now, plane)
        for turn in turns:
            node, reports = reporting.report(turn, plane.now, plane)
            told += [(plane.now, each.slot, node.reasons) for each in reports]
    return told


@pytest.fixture
def plane() -> Plane:
    return Plane()


@pytest.fixture
def reporting(plane: Plane) -> Reporting:
    reporting = Reporting(SLOTS)
    for slot in range(SLOTS):
        reporting.begin(slot, slot ^ 1, 0.0, plane)  # rooms of two
    return reporting


def test_each_slot_has_its_time_in_the_second(reporting: Reporting, plane: Plane) -> None:
    run(reporting, plane, 30)
    told = run(reporting, plane, 40)
    for slot in range(SLOTS):
        first, second = [at for at, each, _ in told if each == slot]
        assert second - first == pytest.approx(1.0)
    times = {slot: at % 1 for at, slot, _ in told}
    assert all(times[slot] == times[slot ^ 1] for slot in range(SLOTS)), "two of a room together"
    together = Counter(at for at, *_ in told)
    assert len(together) == 2 * TURNS
    assert set(together.values()) == {SLOTS // TURNS}


def test_they_keep_their_times_after_a_sleep(reporting: Reporting, plane: Plane) -> None:
    before = {slot: at % 1 for at, slot, _ in run(reporting, plane, 40)}
    plane.now += 7.3
    run(reporting, plane, 20)
    after = run(reporting, plane, 20)
    assert {slot: pytest.approx(at % 1) for at, slot, _ in after} == before


def test_what_the_node_lost_is_a_share_of_all_that_came(reporting: Reporting, plane: Plane) -> None:
    run(reporting, plane, 140)
    plane.overflow += 40 * SLOTS
    told = [(slot, why) for _, slot, why in run(reporting, plane, 60) if why]
    assert {slot for slot, _ in told} == set(range(SLOTS)), "each turn has heard of it"
    for _, (reason,) in told:
        assert reason.code is ReasonCode.OVERFLOW
        assert reason.value == pytest.approx(100 * 40 / 540, abs=0.1), "40 beside 5 s of 100 each"


def test_a_late_loop_is_in_the_second_of_each_turn(reporting: Reporting, plane: Plane) -> None:
    run(reporting, plane, 100)
    plane.late_s = 0.2
    run(reporting, plane, 1)
    plane.late_s = 0.0
    told = run(reporting, plane, 20)
    assert {
        slot for _, slot, why in told if [each.code for each in why] == [ReasonCode.LATE]
    } == set(range(SLOTS))


def test_what_the_node_lost_before_anybody_of_a_turn_came_is_nobodys(plane: Plane) -> None:
    reporting = Reporting(SLOTS)
    reporting.begin(0, None, 0.0, plane)
    run(reporting, plane, 60)
    plane.overflow += 1000
    run(reporting, plane, 40)
    for slot in range(1, TURNS):
        reporting.begin(slot, None, plane.now, plane)
    told = [each for each in run(reporting, plane, 40) if each[1] > 0]
    assert {slot for _, slot, _ in told} == set(range(1, TURNS))
    assert all(not why for _, _, why in told)
