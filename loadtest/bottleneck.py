"""Whether the generator itself, and not the server, made the figures of a load test."""

from collections.abc import Sequence
from statistics import median

from loadtest.percentiles import Percentiles

BOTTLENECK_LATE_MS = 5.0  # p99
BOTTLENECK_BUNCHED_MS = 0.5  # p50: packets that wait for the generator go out in batches
BOTTLENECK_CPU_PCT = 97.0  # below, what counts is whether it was late
MAX_LAG_MS = 100.0  # p95 of the generator's timers, above which its set-up times say little


def find_bottlenecks(
    late_ms: Percentiles,
    lag_ms: Percentiles,
    cpu_pct: Sequence[float],
    overflow: int,
    unsent: int,
) -> list[str]:
    """Why the generator may have made these figures; empty when it kept up.

    Args:
        late_ms: how late packets left.
        lag_ms: how late timers were.
        cpu_pct: of one core, second by second.
        overflow: packets lost in its own sockets.
        unsent: packets that it could not encrypt or its kernel did not take.
    """
    found = []
    if overflow:
        found.append(f"{overflow} packets were lost in the generator's own sockets")
    if unsent:
        found.append(f"{unsent} packets could not be sent by the generator")
    if late_ms and late_ms["p99"] > BOTTLENECK_LATE_MS:
        found.append(f"the generator sent {late_ms['p99']:.1f} ms late (p99)")
    elif late_ms and late_ms["p50"] > BOTTLENECK_BUNCHED_MS:
        found.append(f"half of the packets left more than {late_ms['p50']:.2f} ms late")
    if cpu_pct and median(cpu_pct) > BOTTLENECK_CPU_PCT:
        found.append(f"the generator used {median(cpu_pct):.0f} % of its core")
    if lag_ms and lag_ms["p95"] > MAX_LAG_MS:
        found.append(f"the generator's own timers were {lag_ms['p95']:.0f} ms late (p95)")
    return found
