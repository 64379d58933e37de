"""The queue of events to control."""

import asyncio

import pytest

from sfu.api import (
    ConnectionQuality,
    ConnectionReplaced,
    Event,
    LegQuality,
    LegScore,
    ParticipantHeard,
    QualityLevel,
)
from sfu.events import EventQueue


def heard(at: float) -> ParticipantHeard:
    return ParticipantHeard("room", "client", "c1", at)


def judged(connection_id: str) -> ConnectionQuality:
    score = LegScore(4.4, QualityLevel.EXCELLENT)
    leg = LegQuality(score, 1, 1.0, 1, 0, 0, 0, None, None, 0, None)
    return ConnectionQuality("room", "client", connection_id, None, leg, leg, score)


REPLACED = ConnectionReplaced("room", "client", "c1")


async def everything(queue: EventQueue) -> list[Event]:
    events = []
    while True:
        try:
            events.append(await asyncio.wait_for(queue.get(), 0.01))
        except TimeoutError:
            return events


async def test_events_come_out_in_the_order_in_which_they_went_in() -> None:
    queue = EventQueue()
    events: list[Event] = [heard(1), REPLACED, heard(2), heard(3), REPLACED]
    for event in events:
        queue.put(event)
    assert await everything(queue) == events


async def test_a_flood_of_reports_loses_the_oldest_reports_and_nothing_else() -> None:
    queue = EventQueue(max_passing=3, max_lasting=3)
    queue.put(REPLACED)
    for at in range(10):
        queue.put(heard(at))
    assert await everything(queue) == [REPLACED, heard(7), heard(8), heard(9)]
    assert queue.dropped == 7


async def test_quality_waits_for_all_the_rest() -> None:
    queue = EventQueue()
    quality = [judged(each) for each in ("a", "b")]
    for event in (quality[0], heard(1), quality[1], REPLACED):
        queue.put(event)
    assert await everything(queue) == [heard(1), REPLACED, *quality]


async def test_what_lasts_is_bounded_too() -> None:
    queue = EventQueue(max_lasting=2)
    for _ in range(5):
        queue.put(REPLACED)
    assert len(await everything(queue)) == 2
    assert queue.dropped == 3


async def test_a_reader_waits_for_an_event() -> None:
    queue = EventQueue()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(queue.get(), 0.01)
    reading = asyncio.ensure_future(queue.get())
    await asyncio.sleep(0)
    queue.put(REPLACED)
    assert await reading == REPLACED
