"""What the pairs of runs of two workers amount to."""

import os

from benchmarks.disturbance import Disturbance
from benchmarks.measurement import Measured
from benchmarks.variants import VARIANTS, environment, result
from loadtest.generator import Traffic
from sfu.plane import PlaneSettings

CHECKS = VARIANTS["bounds-checks"]
TIMES = {"p50": 0.1, "p99": 0.5}
FINE = Traffic(1.0, 1000, 1000, TIMES, TIMES, 10.0, 0, {}, 0)


def run(cpu_us: float, foreign_pct: float = 0.0) -> Measured:
    return Measured(cpu_us, FINE, Disturbance(foreign_pct, 0.0, 0.0))


def test_the_median_of_the_good_pairs_decides() -> None:
    pairs = [(run(10.2), run(10)), (run(30), run(10, 50)), (run(10.4), run(10)), (run(10), run(10))]
    found = result(CHECKS, pairs, 3, 40, "browser", "command")
    assert (found["ratio"], found["holds"], found["disturbed"]) == (1.02, True, False)
    assert found["ratios"] == [1.02, 1.04, 1.0]
    assert len(found["runs"]) == 4


def test_a_miss_and_a_shortage_are_told() -> None:
    found = result(CHECKS, [(run(11, 50), run(10))], 1, 40, "browser", "command")
    assert (found["ratio"], found["holds"], found["disturbed"]) == (1.1, False, True)
    assert found["measured"] == (
        "1.10 (11.0 against 10.0 µs a packet; p99 0.50 against 0.50 ms) (spoiled)"
    )


def test_variables_hold_for_one_worker_only() -> None:
    name = "RODRUN_OF_A_TEST"
    with environment({name: "0"}):
        assert os.environ[name] == "0"
        with environment({name: "1"}):
            assert os.environ[name] == "1"
        assert os.environ[name] == "0"
    assert name not in os.environ


def test_every_variant_is_a_setting_of_the_plane() -> None:
    for variant in VARIANTS.values():
        assert PlaneSettings(**variant.plane) != PlaneSettings() or variant.environment
