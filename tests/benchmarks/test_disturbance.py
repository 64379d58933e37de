import os
import subprocess
import sys
import time

import pytest

from benchmarks import disturbance
from benchmarks.disturbance import Account, Watch, between, descendants, parents

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


BUSY = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ninput()"


def test_a_busy_process_is_seen() -> None:
    cores = os.sched_getaffinity(0)
    before = disturbance.take_account(cores)
    with subprocess.Popen(
        [sys.executable, "-c", BUSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE
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


def test_descendants_are_a_process_and_all_that_came_of_it() -> None:
    parent_of = {2: 1, 3: 2, 4: 3, 5: 1, 6: 5, 7: 3}
    assert descendants(2, parent_of) == {2, 3, 4, 7}
    assert descendants(9, parent_of) == {9}
    assert parents()[os.getpid()] == os.getppid()


def test_a_watch_takes_for_others_what_is_not_of_its_own_tree() -> None:
    began_s = time.monotonic()
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as idle:
        ours, of_idle = Watch(), Watch(idle.pid)
        with subprocess.Popen(
            # a shell that stays between
            ["sh", "-c", '"$@"; exit', "sh", sys.executable, "-c", BUSY],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as shell:
            assert shell.stdout is not None
            shell.stdout.readline()
            besides_us, besides_idle = ours.end(), of_idle.end()
            shell.communicate(b"\n")
        idle.communicate()
    elapsed_s = time.monotonic() - began_s
    busy_pct = besides_idle.foreign_pct - besides_us.foreign_pct
    assert busy_pct >= 100 * 0.2 / elapsed_s
