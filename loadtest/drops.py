"""The 15-second rule from outside: a specialist's line is cut, and the verdict awaited."""

import asyncio
import time
from typing import Any

from loadtest.api import Refused
from loadtest.record import Verdict
from loadtest.stage import Stage
from loadtest.virtual_consultation import VirtualConsultation

DROP_AFTER_S = 15.0
TOLD_WITHIN_S = 4.0
SURELY_TOLD_S = 8.0  # of silence: the other side is told after 4 s that the line is lost
LOST = "specialist_connection_lost"


async def play_drop(
    stage: Stage, call: VirtualConsultation, silence_s: float, wait_s: float
) -> None:
    """Cut the specialist's line after ``wait_s``, and record the verdict."""
    await asyncio.sleep(wait_s)
    watching = asyncio.create_task(saw_loss(call, silence_s + TOLD_WITHIN_S))
    try:
        last_at, back_at = await call.cut("specialist", silence_s)
        if silence_s < DROP_AFTER_S:
            back_at = await _really_back(call, back_at)
        # A generator that was late made the silence longer, and the verdict on that is another.
        if back_at - last_at > DROP_AFTER_S:
            verdict = await _ended(call, silence_s, last_at + DROP_AFTER_S)
        else:
            verdict = await went_on(call, silence_s, back_at, watching)
    finally:
        watching.cancel()
    stage.record.verdicts.append(verdict)
    if verdict.ended:
        await asyncio.sleep(max(0.0, back_at - time.time()))  # until the line is back, in vain
        await stage.forget(call)
    else:
        call.mended("specialist")
        await asyncio.sleep(1.0)
        await stage.end(call)


async def _really_back(call: VirtualConsultation, planned_at: float) -> float:
    """When the line is back, which is at ``planned_at`` or a few packets' time later."""
    await asyncio.sleep(max(0.0, planned_at - time.time()))
    for _ in range(100):
        back_at = call.back_at("specialist")
        if back_at is not None:
            return back_at
        await asyncio.sleep(0.01)
    return planned_at


async def _ended(call: VirtualConsultation, silence_s: float, end_at: float) -> Verdict:
    try:
        told = await call.client.until(
            _is_over, end_at - time.time() + TOLD_WITHIN_S, "the end of the session"
        )
    except Refused as refused:
        return Verdict(silence_s, False, True, None, str(refused))
    reason = told.snapshot["end"]["reason"]
    error_ms = (told.at_wall - end_at) * 1e3
    if reason != LOST:
        return Verdict(silence_s, True, True, None, f"it ended for {reason}")
    return Verdict(silence_s, True, True, error_ms)


async def saw_loss(call: VirtualConsultation, within_s: float) -> bool:
    """Whether the client is told that the specialist's line is lost."""
    try:
        await call.client.until(_is_lost, within_s, "the line that is lost")
    except Refused:
        return False
    return True


async def went_on(
    call: VirtualConsultation, silence_s: float, back_at: float, watching: "asyncio.Task[bool]"
) -> Verdict:
    """The verdict on a silence that is forgiven; ``watching`` tells of the loss (``saw_loss``)."""

    def settled(now: dict[str, Any]) -> bool:
        back = time.time() >= back_at and now["reconnecting"] is None
        return _is_over(now) or back

    await asyncio.sleep(max(0.0, back_at - time.time()))
    try:
        told = await call.client.until(settled, TOLD_WITHIN_S, "the line that is back")
    except Refused as refused:
        return Verdict(silence_s, False, False, None, str(refused))
    if _is_over(told.snapshot):
        reason = told.snapshot["end"]["reason"]
        return Verdict(silence_s, True, False, None, f"it ended for {reason}")
    was_told = watching.done() and watching.result()
    if silence_s >= SURELY_TOLD_S and not was_told:
        reason = "the client was never told that the line was lost"
        return Verdict(silence_s, False, False, None, reason)
    return Verdict(silence_s, False, False, max(0.0, (told.at_wall - back_at) * 1e3))


def _is_lost(snapshot: dict[str, Any]) -> bool:
    return (snapshot["reconnecting"] or {}).get("role") == "specialist"


def _is_over(snapshot: dict[str, Any]) -> bool:
    return snapshot["state"] not in ("accepted", "active")
