import os
import subprocess
import sys

import pytest

from benchmarks import disturbance
from benchmarks.disturbance import Account, between

S = 1_000_000_000
BEFORE = Account(0, {(1, 1): 5 * S, (2, 2): 0}, {(1, 1): 0}, 0)


@pytest.mark.parametrize(
    ("after", "reason"),
    [
        (Account(10 * S, {(1, 1): 15 * S, (2, 2): S // 10}, {(1, 1): 0}, 0), None),
        (Account(10 * S, {(1, 1): 5 * S, (2, 2): S}, {}, 0), "other processes used 10.0 %"),
        (Account(10 * S, {(1, 1): 5 * S, (3, 3): S}, {}, 0), "other processes used 10.0 %"),
        (Account(10 * S, {(1, 1): 5 * S}, {}, S // 5), "host took 2.0 %"),
    ],
    ids=["quiet", "a known process", "one that began meanwhile", "the host"],
)
def test_what_others_did_is_told_from_what_the_benchmark_did(
    after: Account, reason: str | None
) -> None:
    said = between(BEFORE, after, (1,)).reason
    assert said is None if reason is None else reason in str(said)


def test_waiting_for_a_core_is_that_of_our_own_threads() -> None:
    after = Account(10 * S, {(1, 1): 5 * S, (2, 2): 0}, {(1, 1): S, (2, 2): 3 * S}, 0)
    assert between(BEFORE, after, (1,)).waited_pct == 10.0


def test_a_busy_process_is_seen() -> None:
    cores = os.sched_getaffinity(0)
    before = disturbance.take_account(cores)
    busy = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", busy], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        after = disturbance.take_account(cores)
        other.communicate(b"\n")
    found = between(before, after, (os.getpid(),))
    spent_ns = sum(ns for (process, _), ns in after.ran_ns.items() if process == other.pid)
    assert spent_ns >= 250_000_000
    assert found.foreign_pct >= 100 * spent_ns / (after.at_ns - before.at_ns) - 0.1
    assert found.reason is not None
