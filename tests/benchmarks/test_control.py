"""Cycles go through a process of its own, pages stay open, plans are what the rules make."""

import random
import time
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.control import cycles, deadlines, idle_pages, report
from benchmarks.control.cycles import COMMANDS, Latencies, Paced, Saturated, make_pairs
from benchmarks.control.deadlines import Lateness, Planned
from benchmarks.control.idle_pages import IdlePages
from benchmarks.control.people import http
from benchmarks.control.run import ControlUnderLoad, Load
from benchmarks.disturbance import FOREIGN_PCT, Disturbance
from control.consultations.deadlines import deadline
from control.consultations.states import State

QUIET = Load(10.0, 8.0, 50.0, Disturbance(0.0, 0.0, 0.0))
BUSY = replace(QUIET, disturbance=Disturbance(FOREIGN_PCT + 1, 0.0, 0.0))
STATES = {
    "request": State.REQUESTED,
    "accepted": State.ACCEPTED,
    "session": State.ACTIVE,
    "lost": State.ACTIVE,
}


def plans(now: float) -> list[Planned]:
    return list(deadlines.plan(20, 10, now + 30, 2, random.Random(1)))


async def test_control_takes_up_what_was_open_and_carries_cycles_and_pages(tmp_path: Path) -> None:
    now = time.time()
    planned = plans(now)
    await deadlines.fill(tmp_path, planned, now)
    with ControlUnderLoad.in_folder(tmp_path) as control:
        assert control.process.ask(open=True) == {"open": len(planned)}
        async with http(control.port) as session:
            pairs = await make_pairs(session, 2)
            busy = await cycles.saturate(control, pairs, 0.0, 0.3)
            paced = await cycles.pace(control, pairs, 10, 0.0, 0.3, random.Random(1))
        idle = await idle_pages.open_pages(control, 5, 0.0)
    done = busy.latencies.seconds
    assert set(done) == {"request", "accept", "join token", "join", "leave", "rate"}
    assert len(done["join"]) == len(done["rate"]) == 2 * len(done["leave"]) > 0
    assert sum(map(len, done.values())) == COMMANDS * len(done["leave"])
    assert set(paced.latencies.seconds) == set(done)
    assert idle.still_open == 5


def test_each_consultation_has_its_deadline_when_it_was_planned() -> None:
    now = time.time()
    kinds = {each.kind for each in plans(now)}
    assert kinds == set(STATES)
    for each in plans(now):
        consultation = deadlines.made(each, now)[-1].consultation
        assert consultation.state is STATES[each.kind]
        assert consultation.requested_at <= now
        if each.kind in ("request", "accepted"):
            assert deadline(consultation) == pytest.approx(each.at)
        elif each.kind == "session":
            assert consultation.ends_at == pytest.approx(each.at)
        else:
            assert consultation.ends_at is not None
            assert consultation.ends_at > each.at + 60


@pytest.mark.parametrize(
    ("count", "load", "holds"), [(500, QUIET, True), (499, QUIET, False), (600, BUSY, False)]
)
def test_fifty_cycles_a_second_hold_when_nothing_else_ran(
    count: int, load: Load, holds: bool
) -> None:
    found = report.of_cycles(Saturated(count, Latencies(), load), 40, 0.2)
    assert found["holds"] is holds


def test_the_slowest_kind_of_command_counts() -> None:
    latencies = Latencies()
    latencies.seconds["accept"] = [0.01] * 100
    latencies.seconds["join"] = [0.01] * 90 + [0.06] * 10
    found = report.of_commands(Paced(latencies, {"p99": 1.0}, {}, QUIET), 25)
    assert not found["holds"]
    assert found["measured"] == "60.0 ms (join)"
    del latencies.seconds["join"]
    assert report.of_commands(Paced(latencies, {"p99": 1.0}, {}, QUIET), 25)["holds"]
    late = report.of_commands(Paced(latencies, {"p99": 9.0}, {}, QUIET), 25)
    assert not late["holds"]
    assert "the load itself was late" in late["measured"]


def test_pages_that_were_closed_cost_nothing_and_do_not_count() -> None:
    idle = IdlePages(5000, 5000, 100_000, 200_000, BUSY)
    assert report.of_pages(idle)["holds"]
    assert not report.of_pages(replace(idle, still_open=4999))["holds"]
    assert not report.of_pages(replace(idle, after_kb=500_000))["holds"]


def test_deadlines_that_nobody_was_told_of_or_too_early_miss_the_target() -> None:
    on_time = Lateness(QUIET, 100, 10, {"request": [0.0] * 9}, {"request": [0.1] * 9})
    assert report.of_deadlines(on_time, 100)["holds"]
    assert not report.of_deadlines(replace(on_time, missing=1), 100)["holds"]
    assert not report.of_deadlines(replace(on_time, open_at_least=99), 100)["holds"]
    assert not report.of_deadlines(replace(on_time, told_s={"request": [-0.1]}), 100)["holds"]
    assert not report.of_deadlines(replace(on_time, told_s={"request": [0.3]}), 100)["holds"]
    assert not report.of_deadlines(replace(on_time, told_s={}), 100)["holds"]
