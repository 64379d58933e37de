"""Wall-clock time that is not set: what consultations live by."""

import time
from collections.abc import Callable

from control.adapters.pulse import boot_time

# A wall clock that moves by more than this against the monotonic one was set.
SET_BY_S = 0.1
# Two clocks are not read at one moment: a reading that took longer than this says nothing.
READ_WITHIN_S = 0.01


class SteadyClock:
    """Begins at the wall clock's time and runs on with one that nobody sets, in Unix seconds.

    A session must not end early, nor a silence look longer than it was, because someone set the
    machine's clock. After that the two differ until the next start; stamps of others on this
    machine, as the media node's, are told in ours by ``from_wall``.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = boot_time,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._began_at = wall() - monotonic()
        # How far the wall clock is ahead of us.
        self._wall_ahead_s = 0.0

    def __call__(self) -> float:
        """Now."""
        return self._began_at + self._monotonic()

    def from_wall(self, at: float) -> float:
        """Our time of what the wall clock called ``at`` a short while ago.

        The same stamp is always told as the same time, unless the clock was set in between.
        """
        before = self()
        ahead_s = self._wall() - before
        is_sure = self() - before <= READ_WITHIN_S
        if is_sure and abs(ahead_s - self._wall_ahead_s) > SET_BY_S:
            self._wall_ahead_s = ahead_s
        return at - self._wall_ahead_s
