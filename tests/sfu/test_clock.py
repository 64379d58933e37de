"""Unix time told by a clock that nobody sets."""

import os
import subprocess
import sys

from sfu.clock import UnixTime

SLEPT_S = 1000


class Clocks:
    wall = 1_000_000.0
    steady = 50.0
    late = 0.0

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds

    def read_wall(self) -> float:
        self.pass_by(self.late)
        return self.wall


def told_by(clocks: Clocks) -> UnixTime:
    return UnixTime(clocks.read_wall, lambda: clocks.steady)


def test_a_time_is_told_as_the_wall_clock_would() -> None:
    clocks = Clocks()
    unix_time = told_by(clocks)
    clocks.pass_by(7.0)
    assert unix_time(55.0) == 1_000_005.0


def test_the_same_time_is_told_alike_while_the_wall_clock_is_slewed() -> None:
    clocks = Clocks()
    unix_time = told_by(clocks)
    first = unix_time(50.0)
    clocks.pass_by(10.0)
    clocks.wall += 0.05
    assert unix_time(50.0) == first


def test_when_the_wall_clock_was_set_times_are_told_by_what_it_says_now() -> None:
    clocks = Clocks()
    unix_time = told_by(clocks)
    clocks.pass_by(10.0)
    clocks.wall -= 3600.0
    assert unix_time(60.0) == clocks.wall


def test_a_reading_that_took_long_is_not_taken_for_a_clock_that_was_set() -> None:
    clocks = Clocks()
    unix_time = told_by(clocks)
    clocks.late = 0.5
    assert unix_time(50.0) == 1_000_000.0


def test_time_in_which_the_machine_slept_is_silence() -> None:
    # A machine whose clocks say that it slept so long since its start.
    slept = ("--time", "--boottime", str(SLEPT_S), "--fork")
    told = subprocess.run(
        ["unshare", "--user", "--map-root-user", *slept, sys.executable, "-m", "tests.sfu.slept"],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (told.stdout.split(), told.stderr) == ([str(SLEPT_S)] * 2, "")
