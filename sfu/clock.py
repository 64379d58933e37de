"""Two clocks: what lasts is measured by one that nobody sets, what is told stands in Unix time."""

import time
from collections.abc import Callable
from typing import Final

SET_BY_S: Final = 0.1
"""A wall clock that moved by more than this against the steady one was set."""

_READ_WITHIN_S: Final = 0.01  # two clocks that were read further apart than this say nothing


def steady_time() -> float:
    """Seconds since the machine was started, those included in which it slept.

    Control's time passes in the same way. A participant who was last heard before the machine slept
    would else look as if heard just before it awoke.
    """
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class UnixTime:
    """Tells a time of the steady clock in Unix seconds.

    The same time is always told alike, unless the wall clock was set in between.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = steady_time,
    ) -> None:
        self._wall = wall
        self._steady = steady
        self._ahead_s = wall() - steady()

    def __call__(self, at: float) -> float:
        """``at`` is a reading of the steady clock, of a short while ago."""
        before = self._steady()
        ahead_s = self._wall() - before
        is_sure = self._steady() - before <= _READ_WITHIN_S
        if is_sure and abs(ahead_s - self._ahead_s) > SET_BY_S:
            self._ahead_s = ahead_s
        return at + self._ahead_s
