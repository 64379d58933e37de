"""Two clocks: what lasts is measured by one that nobody sets, what is told stands in Unix time."""

import time
from collections.abc import Callable
from typing import Final

SET_BY_S: Final = 0.1
"""A wall clock that moved by more than this against the monotonic one was set."""

_READ_WITHIN_S: Final = 0.01  # two clocks that were read further apart than this say nothing


class UnixTime:
    """Tells a time of the monotonic clock in Unix seconds.

    The same time is always told alike, unless the wall clock was set in between.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._ahead_s = wall() - monotonic()

    def __call__(self, at: float) -> float:
        """``at`` is a reading of the monotonic clock, of a short while ago."""
        before = self._monotonic()
        ahead_s = self._wall() - before
        is_sure = self._monotonic() - before <= _READ_WITHIN_S
        if is_sure and abs(ahead_s - self._ahead_s) > SET_BY_S:
            self._ahead_s = ahead_s
        return at + self._ahead_s
