"""What the pairs of runs with and without bounds checks amount to."""

import os

from benchmarks.bounds_checks import SETTING, bounds_checks, result
from benchmarks.disturbance import Disturbance
from benchmarks.measurement import Measured
from loadtest.generator import Traffic

TIMES = {"p50": 0.1, "p99": 0.5}
FINE = Traffic(1.0, 1000, 1000, TIMES, TIMES, 10.0, 0, {}, 0)


def run(cpu_us: float, foreign_pct: float = 0.0) -> Measured:
    return Measured(cpu_us, FINE, Disturbance(foreign_pct, 0.0, 0.0))


def test_the_median_of_the_good_pairs_decides() -> None:
    pairs = [(run(10.2), run(10)), (run(30), run(10, 50)), (run(10.4), run(10)), (run(10), run(10))]
    found = result(pairs, 3, 40, "browser", "command")
    assert (found["measured"], found["holds"], found["disturbed"]) == (1.02, True, False)
    assert found["ratios"] == [1.02, 1.04, 1.0]
    assert len(found["runs"]) == 4


def test_a_miss_and_a_shortage_are_told() -> None:
    found = result([(run(11, 50), run(10))], 1, 40, "browser", "command")
    assert (found["measured"], found["holds"], found["disturbed"]) == (1.1, False, True)


def test_the_setting_holds_for_one_worker_only() -> None:
    before = os.environ.get(SETTING)
    with bounds_checks(False):
        assert os.environ[SETTING] == "0"
        with bounds_checks(True):
            assert os.environ[SETTING] == "1"
        assert os.environ[SETTING] == "0"
    assert os.environ.get(SETTING) == before
