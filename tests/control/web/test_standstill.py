"""Control stood still: its process was stopped, or the machine slept. It is nobody's drop."""

import asyncio

import pytest

from control.adapters import heartbeat, pulse
from control.adapters.pulse import Pulse, boot_time
from control.adapters.steady_clock import SteadyClock
from control.consultations.policy import PLATFORM
from tests.control.databases import ON_BOTH_DATABASES
from tests.control.people import Control, Person


async def _going_on(control: Control, maria: Person, ivan: Person, seconds: int) -> str:
    async with await ivan.page():
        session = await control.session(maria, ivan)
    for _ in range(seconds):
        await control.pass_time(1)
        await control.hear(session, "client", "specialist")
    return f"/consultations/{session}"


@ON_BOTH_DATABASES
async def test_a_standstill_is_an_interruption_of_the_service(
    control: Control, maria: Person, ivan: Person
) -> None:
    path = await _going_on(control, maria, ivan, 10)
    before = await maria.get(path)
    await control.stand_still(40)
    stood = await maria.get(path)
    assert stood["state"] == "active"
    assert stood["interrupted"]["since"] == before["now"]
    assert (stood["paid_s"], stood["paid_since"]) == (10, None)
    await control.pass_time(1)
    await control.hear(before["id"], "client", "specialist")
    back = await maria.get(path)
    assert (back["interrupted"], back["ends_at"]) == (None, before["ends_at"] + 41)
    assert back["paid_s"] == 10
    types = [each["type"] for each in (await maria.get(f"{path}/events"))["events"]]
    assert types[-4:] == ["flow_stopped", "interrupted", "resumed", "flow_began"]
    assert types.count("interrupted") == 1


async def test_the_end_that_came_meanwhile_does_not_end_it(
    control: Control, maria: Person, ivan: Person
) -> None:
    path = await _going_on(control, maria, ivan, 5)
    await control.stand_still(1800)
    assert (await maria.get(path))["state"] == "active"
    await control.pass_time(120)
    assert (await maria.get(path))["end"]["reason"] == "service"


async def test_a_report_or_a_command_does_not_come_before_it(
    control: Control, maria: Person, ivan: Person
) -> None:
    path = await _going_on(control, maria, ivan, 5)
    before = await maria.get(path)
    for stood_s in (20.0, 30.0):
        control.stood_s += stood_s
        control.now += stood_s
        # Before any deadline is looked at.
        await control.hear(before["id"], "client", "specialist")
    await ivan.post(f"{path}/early-end")
    after = await maria.get(path)
    assert (after["state"], after["paid_s"]) == ("active", 5)
    assert after["ends_at"] == before["ends_at"] + 50


def test_a_beat_that_is_late_by_up_to_five_seconds_is_none_that_was_missed() -> None:
    machine = [0.0]
    beating = Pulse(lambda: machine[0])
    machine[0] = 6.0
    assert beating.missed_s() is None
    machine[0] = 6.1
    assert beating.missed_s() == 6.1


async def test_what_could_not_be_stored_is_tried_again(
    control: Control, maria: Person, ivan: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await _going_on(control, maria, ivan, 5)

    async def full(*_: object) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(control.service.store, "save", full)
        await control.stand_still(20)
    assert (await maria.get(path))["interrupted"] is None
    await control.stand_still(10)
    interrupted = (await maria.get(path))["interrupted"]
    assert interrupted["since"] == control.now - 30


async def test_it_is_noticed_when_nothing_else_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "EVERY_S", 0.001)
    machine = [0.0]
    beating, missed = Pulse(lambda: machine[0]), asyncio.Event()
    task = asyncio.create_task(beating.run(missed.set))
    for _ in range(20):
        machine[0] += 1.0
        await asyncio.sleep(0.01)
    assert not missed.is_set()
    machine[0] += 5.1
    await asyncio.wait_for(missed.wait(), 5)
    # Until somebody has taken care of it.
    assert beating.missed_s() == pytest.approx(5.1)
    beating.beat()
    assert beating.missed_s() is None
    task.cancel()


def test_time_in_which_the_machine_sleeps_is_time() -> None:
    asleep = [100.0]
    clock = SteadyClock(lambda: 1_800_000_000.0, lambda: asleep[0])
    asleep[0] += 3600
    assert clock() == 1_800_003_600.0
    assert SteadyClock.__init__.__defaults__ is not None
    assert SteadyClock.__init__.__defaults__[1] is boot_time


def test_the_heartbeat_is_written_as_often_as_the_rules_count_on() -> None:
    assert PLATFORM.heartbeat_within_s > heartbeat.EVERY_S
