"""Whether control stood still: its process was stopped, or the machine slept."""

import asyncio
import time
from collections.abc import Callable

from control.adapters.scheduler import Clock

EVERY_S = 1.0
# A beat that is late by more than this: nobody listened meanwhile.
MOST_LATE_S = 5.0


def boot_time() -> float:
    """Seconds since the machine was started, those included in which it slept."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Pulse:
    """Beats each second. Whoever acts on the time asks first whether a beat was missed."""

    def __init__(self, clock: Clock = boot_time) -> None:
        self._clock = clock
        self._beat_at = clock()

    def missed_s(self) -> float | None:
        """How long control has stood still, since the last beat; None: it has not."""
        since_s = self._clock() - self._beat_at
        return since_s if since_s > EVERY_S + MOST_LATE_S else None

    def beat(self) -> None:
        """Control is alive, and what it missed is taken care of."""
        self._beat_at = self._clock()

    async def run(self, on_missed: Callable[[], object]) -> None:
        """Until cancelled; ``on_missed`` is called while what was missed is not taken care of."""
        while True:
            await asyncio.sleep(EVERY_S)
            if self.missed_s() is None:
                self.beat()
            else:
                on_missed()
