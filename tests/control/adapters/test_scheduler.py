"""Deadlines fire, once, and not before their time."""

import asyncio
import time

import pytest

from control.adapters.scheduler import Scheduler


class Fired:
    """Records what was due; answers with the next deadline of each key."""

    def __init__(self) -> None:
        self.now = 100.0
        self.calls: list[tuple[str, float]] = []
        self.next: dict[str, float] = {}
        self.fail_next = False
        self.scheduler = Scheduler(lambda: self.now, self.on_due)

    async def on_due(self, key: str, now: float) -> float | None:
        self.calls.append((key, now))
        if self.fail_next:
            self.fail_next = False
            raise OSError("the disk is full")
        return self.next.pop(key, None)


async def test_in_the_order_of_their_times() -> None:
    fired = Fired()
    for key, at in (("b", 102.0), ("a", 101.0), ("c", 110.0)):
        fired.scheduler.schedule(key, at)
    await fired.scheduler.run_due()
    assert fired.calls == []
    fired.now = 105.0
    await fired.scheduler.run_due()
    assert fired.calls == [("a", 105.0), ("b", 105.0)]
    await fired.scheduler.run_due()
    assert len(fired.calls) == 2


async def test_a_deadline_that_moved_away_is_looked_at_and_put_off() -> None:
    fired = Fired()
    fired.scheduler.schedule("a", 101.0)
    fired.scheduler.schedule("a", 105.0)
    fired.next["a"] = 105.0
    fired.now = 101.0
    await fired.scheduler.run_due()
    fired.now = 104.9
    await fired.scheduler.run_due()
    assert fired.calls == [("a", 101.0)]
    fired.now = 105.0
    await fired.scheduler.run_due()
    assert fired.calls == [("a", 101.0), ("a", 105.0)]


async def test_a_deadline_that_came_closer() -> None:
    fired = Fired()
    fired.scheduler.schedule("a", 110.0)
    fired.scheduler.schedule("a", 101.0)
    fired.now = 120.0
    await fired.scheduler.run_due()
    assert fired.calls == [("a", 120.0)]


async def test_a_failure_is_tried_again() -> None:
    fired = Fired()
    fired.scheduler.schedule("a", 101.0)
    fired.scheduler.schedule("b", 101.0)
    fired.fail_next = True
    fired.now = 101.0
    await fired.scheduler.run_due()
    assert [key for key, _ in fired.calls] == ["a", "b"]
    fired.now = 102.0
    await fired.scheduler.run_due()
    assert fired.calls[-1] == ("a", 102.0)


async def test_it_sleeps_until_the_deadline_and_is_woken_by_a_sooner_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("control.adapters.scheduler.LONGEST_SLEEP_S", 60.0)
    fired: list[float] = []
    first = asyncio.Event()

    async def on_due(key: str, now: float) -> None:
        fired.append(now)
        first.set()

    scheduler = Scheduler(time.time, on_due)
    task = asyncio.create_task(scheduler.run())
    start = time.time()
    scheduler.schedule("late", start + 60)
    # Let it fall asleep for the late one.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    scheduler.schedule("soon", start + 0.1)
    async with asyncio.timeout(5):
        await first.wait()
    task.cancel()
    assert len(fired) == 1
    assert start + 0.1 <= fired[0]


# As after a stall of ours: the deadline is long over, or has just come when the stall ended.
@pytest.mark.parametrize(("late_s", "reading_s"), [(9.0, 0.05), (0.0, 0.005)])
async def test_it_lets_the_reports_in_line_be_read_first(late_s: float, reading_s: float) -> None:
    fired = Fired()
    reports_read = asyncio.Event()
    was_read = asyncio.get_running_loop().create_future()

    async def on_due(key: str, now: float) -> None:
        was_read.set_result(reports_read.is_set())

    scheduler = Scheduler(lambda: fired.now, on_due)
    scheduler.schedule("a", 101.0)
    fired.now = 101.0 + late_s
    task = asyncio.create_task(scheduler.run())
    asyncio.get_running_loop().call_later(reading_s, reports_read.set)
    async with asyncio.timeout(5):
        assert await was_read
    task.cancel()


async def test_a_slow_one_does_not_hold_up_the_next() -> None:
    stored = asyncio.Event()
    next_came = asyncio.Event()

    async def on_due(key: str, now: float) -> None:
        if key == "slow":
            await stored.wait()
        else:
            next_came.set()

    scheduler = Scheduler(time.time, on_due)
    start = time.time()
    scheduler.schedule("slow", start)
    scheduler.schedule("next", start + 0.1)
    task = asyncio.create_task(scheduler.run())
    async with asyncio.timeout(5):
        await next_came.wait()
    task.cancel()
