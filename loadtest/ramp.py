"""Finding the knee: calls are added until a limit breaks."""

import asyncio
from statistics import median

from loadtest.expectation import Expectation
from loadtest.record import Step
from loadtest.stage import Stage

SETTLE_TICKS = 2  # seconds after a step in which calls still begin


async def ramp(stage: Stage) -> None:
    """Add calls step by step; each step is looked at for ``hold_s``."""
    scenario, record = stage.scenario, stage.record
    limits = [Expectation.read(text) for text in scenario.limits]
    wanted = min(scenario.first, scenario.calls)
    try:
        async with asyncio.timeout(scenario.duration_s):
            while True:
                failed = record.failed
                await stage.begin_many(wanted - len(stage.up), scenario.starts_per_s)
                await asyncio.sleep(SETTLE_TICKS)
                at = len(record.ticks)
                await asyncio.sleep(scenario.hold_s)
                step = _looked_at(stage, at, record.failed - failed, limits)
                record.steps.append(step)
                if step.broken or wanted >= scenario.calls:
                    return
                wanted = min(wanted + scenario.step, scenario.calls)
    except TimeoutError:
        return


def _looked_at(stage: Stage, since: int, failed: int, limits: list[Expectation]) -> Step:
    ticks = stage.record.ticks[since:]
    sent = sum(each.sent for each in ticks)
    lost = max(0, sent - sum(each.received for each in ticks))
    loss_pct = round(100.0 * lost / max(1, sent), 4)
    names = {name for each in ticks for name in each.latency_ms}
    latency_ms = {
        # of the middle second: one hiccup is no knee
        name: median(each.latency_ms[name] for each in ticks if name in each.latency_ms)
        for name in sorted(names)
    }
    used = [each.cpu_pct for each in ticks if each.cpu_pct is not None]
    cpu_pct = round(sum(used) / len(used), 1) if used else None
    measures = {
        "loss_pct": loss_pct,
        "latency_ms": latency_ms,
        "failed": failed,
        "server": {"cpu_pct": cpu_pct},
    }
    broken = next((each.text for each in limits if each.is_met(measures)), None)
    return Step(len(stage.up), loss_pct, latency_ms, cpu_pct, broken)
