"""A ramp's steps: what breaks a limit, and what only the generator did."""

from typing import Any

import pytest

from loadtest.expectation import BadExpectation
from loadtest.media import Second
from loadtest.ramp import look_at, read_limits
from loadtest.record import Step, Tick

LIMITS = read_limits(["loss_pct>0.1", "latency_ms.p99>50", "failed>0"])


def tick(
    sent: int, received: int, p99_ms: float = 5.0, lag_ms: float = 1.0, p95_ms: float = 2.0
) -> Tick:
    latency_ms = {"p50": 1.0, "p95": p95_ms, "p99": p99_ms, "max": 9.0}
    return Tick(0.0, 10, 0, sent, received, 0, latency_ms, {}, {}, 20.0, lag_ms, 30.0, 100.0)


def second(late_p99_ms: float = 0.5, **changed: Any) -> Second:
    late_ms = {"p50": 0.1, "p95": 0.2, "p99": late_p99_ms, "max": 9.0}
    values: dict[str, Any] = {"cpu_pct": 40.0, "overflow": 0, "unsent": 0, "faults": 0}
    values |= changed
    return Second(1.0, 1000, 1000, 0, {}, {}, late_ms, **values)


def looked_at(ticks: list[Tick], seconds: list[Second] | None = None, failed: int = 0) -> Step:
    before = [tick(1000, 990), tick(1000, 1000)]
    given = [second()] * 3 if seconds is None else seconds
    return look_at(10, before + ticks, len(before), given, failed, LIMITS)


def test_a_step_that_loses_nothing_holds() -> None:
    step = looked_at([tick(1000, 1000)] * 3)
    assert (step.calls, step.loss_pct, step.cpu_pct, step.is_held) == (10, 0.0, 30.0, True)


@pytest.mark.parametrize(
    ("ticks", "failed", "broken"),
    [
        ([tick(1000, 1000), tick(1000, 995), tick(1000, 1000)], 0, "loss_pct>0.1"),
        ([tick(1000, 1000, p99_ms=60.0)] * 3, 0, "latency_ms.p99>50"),
        ([tick(1000, 1000)] * 3, 1, "failed>0"),
    ],
)
def test_a_limit_that_breaks_is_told(ticks: list[Tick], failed: int, broken: str) -> None:
    step = looked_at(ticks, failed=failed)
    assert (step.broken, step.bottleneck, step.is_held) == (broken, None, False)


def test_what_was_only_under_way_is_no_loss_and_one_hiccup_no_knee() -> None:
    step = looked_at([tick(1000, 900, p99_ms=90.0), tick(1000, 1100), tick(1000, 1000)])
    assert (step.loss_pct, step.is_held) == (0.0, True)


def test_a_latency_that_grows_is_no_loss() -> None:
    """Of 1000 packets a second 40 are under way at the end, for they take 40 ms by then."""
    step = looked_at([tick(1000, 990), tick(1000, 985), slow := tick(1000, 985, p95_ms=40.0)])
    assert slow.latency_ms["p95"] == 40.0
    assert (step.loss_pct, step.is_held) == (0.0667, True)
    assert looked_at([tick(1000, 990), tick(1000, 985), tick(1000, 985)]).broken == "loss_pct>0.1"


@pytest.mark.parametrize(
    ("seconds", "lag_ms", "why"),
    [
        ([second(8.0)] * 3, 1.0, "8.0 ms late"),
        ([second(cpu_pct=99.0)] * 3, 1.0, "99 % of its core"),
        ([second(), second(overflow=4)], 1.0, "4 packets were lost in the generator's own"),
        ([second(unsent=3), second()], 1.0, "3 packets could not be sent"),
        ([second()], 150.0, "timers were 150 ms late"),
    ],
)
def test_of_a_step_in_which_the_generator_gave_out_nothing_is_said(
    seconds: list[Second], lag_ms: float, why: str
) -> None:
    step = looked_at([tick(1000, 500, lag_ms=lag_ms)] * 3, seconds)
    assert why in str(step.bottleneck)
    assert (step.broken, step.is_held) == (None, False)


@pytest.mark.parametrize("text", ["loss", "jitter_ms.p99>5", "latency_ms>5", "server.memory>3"])
def test_a_limit_of_what_no_step_has_is_refused(text: str) -> None:
    with pytest.raises(BadExpectation):
        read_limits([text])
