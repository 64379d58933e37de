"""Finding the knee: calls are added until a limit breaks, or the generator can add no more.

The generator is judged step by step: of a step in which it did not keep up nothing is said of the
server, and the capacity is as far as the generator could drive it.
"""

import asyncio
from collections.abc import Sequence
from statistics import median

from loadtest.bottleneck import find_bottlenecks
from loadtest.expectation import BadExpectation, Expectation
from loadtest.media import Second
from loadtest.percentiles import SHARES, Percentiles
from loadtest.record import Step, Tick, losses_pct
from loadtest.stage import Stage

SETTLE_TICKS = 2  # seconds after a step in which calls still begin
STEP_MEASURES = {
    "loss_pct": 0.0,
    "latency_ms": dict.fromkeys((*SHARES, "max"), 0.0),
    "failed": 0,
    "server": {"cpu_pct": 0.0},
}
"""What a limit can be about, as ``Expectation.value`` looks it up."""


def read_limits(texts: Sequence[str]) -> list[Expectation]:
    """The limits of a ramp; raises BadExpectation when one is none, or of what no step has."""
    limits = [Expectation.read(text) for text in texts]
    for each in limits:
        if each.value(STEP_MEASURES) is None:
            raise BadExpectation(f"there is no measure {each.measure!r} of a ramp's step.")
    return limits


async def ramp(stage: Stage) -> None:
    """Add calls step by step; each step is looked at for ``hold_s``."""
    scenario, record, media = stage.scenario, stage.record, stage.media
    limits = read_limits(scenario.limits)
    wanted = min(scenario.first, scenario.calls)
    try:
        async with asyncio.timeout(scenario.duration_s):
            while True:
                failed = record.failed
                await stage.begin_many(wanted - len(stage.up), scenario.starts_per_s)
                await asyncio.sleep(SETTLE_TICKS)
                at, second = len(record.ticks), len(media.seconds)
                await asyncio.sleep(scenario.hold_s)
                step = look_at(
                    len(stage.up),
                    record.ticks,
                    at,
                    media.seconds[second:],
                    record.failed - failed,
                    limits,
                )
                record.steps.append(step)
                if step.broken or step.bottleneck or wanted >= scenario.calls:
                    return
                wanted = min(wanted + scenario.step, scenario.calls)
    except TimeoutError:
        return


def look_at(
    calls: int,
    ticks: Sequence[Tick],
    since: int,
    seconds: Sequence[Second],
    failed: int,
    limits: Sequence[Expectation],
) -> Step:
    """What a step carried: ``ticks`` from ``since`` on, and the generator's own ``seconds``.

    All figures are of the middle second, for one hiccup is no knee, but for the loss: what was
    only under way at the end of one second is not lost.
    """
    looked_at = ticks[since:]
    sent = sum(each.sent for each in looked_at)
    lost = sum(
        loss_pct * each.sent
        for loss_pct, each in zip(losses_pct(ticks)[since:], looked_at, strict=True)
    )
    if looked_at:  # with a latency that grows, more is under way at the end than was before
        begun_with = _under_way(ticks[since - 1]) if since else 0.0
        lost -= 100.0 * max(0.0, _under_way(looked_at[-1]) - begun_with)
    loss_pct = round(max(0.0, lost) / max(1, sent), 4)
    latency_ms = _middle([each.latency_ms for each in looked_at])
    used = [each.cpu_pct for each in looked_at if each.cpu_pct is not None]
    cpu_pct = round(sum(used) / len(used), 1) if used else None
    measures = {
        "loss_pct": loss_pct,
        "latency_ms": latency_ms,
        "failed": failed,
        "server": {"cpu_pct": cpu_pct},
    }
    lags_ms = [each.lag_ms for each in looked_at]
    bottlenecks = find_bottlenecks(
        _middle([each.late_ms for each in seconds]),
        {"p95": median(lags_ms)} if lags_ms else {},
        [each.cpu_pct for each in seconds],
        sum(each.overflow for each in seconds),
        sum(each.unsent for each in seconds),
    )
    broken = next((each.text for each in limits if each.is_met(measures)), None)
    return Step(
        calls,
        loss_pct,
        latency_ms,
        cpu_pct,
        None if bottlenecks else broken,
        bottlenecks[0] if bottlenecks else None,
    )


def _under_way(tick: Tick) -> float:
    """How many packets were on their way at the end of a second: of most, less than p95."""
    return tick.sent * tick.latency_ms.get("p95", 0.0) / 1e3


def _middle(figures: Sequence[Percentiles]) -> Percentiles:
    """Each percentile of the middle second of those that have it."""
    names = sorted({name for each in figures for name in each})
    return {name: median(each[name] for each in figures if name in each) for name in names}
