"""Consultations do not notice that the machine's clock is set."""

import pytest

from control.adapters.steady_clock import SteadyClock


class Machine:
    """Two clocks; reading the monotonic one may take a while."""

    def __init__(self) -> None:
        self.wall_s = 1_800_000_000.0
        self.monotonic_s = 5000.0
        self.reading_takes_s = 0.0
        self.clock = SteadyClock(lambda: self.wall_s, self._monotonic)

    def _monotonic(self) -> float:
        self.pass_time(self.reading_takes_s)
        return self.monotonic_s

    def pass_time(self, seconds: float) -> None:
        """Both go on."""
        self.wall_s += seconds
        self.monotonic_s += seconds


@pytest.fixture
def machine() -> Machine:
    """A machine that just started."""
    return Machine()


def test_it_begins_at_the_wall_clock_and_runs_with_it(machine: Machine) -> None:
    assert machine.clock() == 1_800_000_000.0
    machine.pass_time(12.5)
    assert machine.clock() == machine.clock.from_wall(machine.wall_s) == machine.wall_s


@pytest.mark.parametrize("set_by_s", [-86400.0, -1.0, 0.5, 60.0, 3600.0])
def test_set_forward_or_back_it_runs_on(machine: Machine, set_by_s: float) -> None:
    machine.pass_time(10)
    before = machine.clock()
    machine.wall_s += set_by_s
    assert machine.clock() == before
    machine.pass_time(10)
    assert machine.clock() == before + 10
    # A stamp of the new wall clock.
    assert machine.clock.from_wall(machine.wall_s - 3) == pytest.approx(before + 7, abs=1e-6)


def test_set_forward_an_old_stamp_is_no_news(machine: Machine) -> None:
    stamp = machine.wall_s
    heard_at = machine.clock.from_wall(stamp)
    machine.pass_time(2)
    machine.wall_s += 60
    assert machine.clock.from_wall(stamp) < heard_at


def test_a_stamp_is_always_told_as_the_same_time(machine: Machine) -> None:
    stamp = machine.wall_s
    told = machine.clock.from_wall(stamp)
    for drift_s in (0.003, -0.02, 0.05):
        machine.pass_time(1)
        machine.wall_s += drift_s
        assert machine.clock.from_wall(stamp) == told


def test_a_reading_that_was_interrupted_says_nothing(machine: Machine) -> None:
    stamp = machine.wall_s
    machine.reading_takes_s = 0.5
    assert machine.clock.from_wall(stamp) == stamp
