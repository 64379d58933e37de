"""The few figures that stand for many: p50, p95, p99 and the largest."""

from collections.abc import Sequence

import numpy as np

from loadtest.arrival_profile import Integers

Percentiles = dict[str, float]
SHARES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}


def of_values(values: Sequence[float]) -> Percentiles:
    """Of single values; empty for none."""
    if not values:
        return {}
    ordered = sorted(values)
    # the smallest value that so many do not exceed
    places = {name: max(0, -(-len(ordered) * share // 1) - 1) for name, share in SHARES.items()}
    found = {name: round(float(ordered[int(place)]), 3) for name, place in places.items()}
    return found | {"max": round(float(ordered[-1]), 3)}


def of_histogram(histogram: Integers, bin_ns: int) -> Percentiles:
    """In ms, of counts by bins of ``bin_ns``; empty for none. The last bin holds all above."""
    total = int(histogram.sum())
    if not total:
        return {}
    running = np.cumsum(histogram)
    found = {
        name: round(int(np.searchsorted(running, total * share)) * bin_ns / 1e6, 3)
        for name, share in SHARES.items()
    }
    return found | {"max": round(int(np.flatnonzero(histogram)[-1]) * bin_ns / 1e6, 3)}
