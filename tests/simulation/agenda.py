"""Simulated time: what happens next, and the chance by which it does."""

import heapq
import random
from collections import Counter
from collections.abc import Callable

from tests.simulation.rule import hold

BEGAN_AT = 1_750_000_000.0
A_DAY_S = 86400.0
# No world lives longer: its consultations, and a day in which ratings may be changed.
LONGEST_S = 2 * A_DAY_S


class Agenda:
    """Of one world; ``now`` in Unix seconds by a clock that nobody sets."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)
        self.now = BEGAN_AT
        # What was done to disturb the world, how often.
        self.faults: Counter[str] = Counter()
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def after(self, seconds: float, what: Callable[[], None]) -> None:
        """Do it so much later."""
        self._count += 1
        heapq.heappush(self._queue, (self.now + seconds, self._count, what))

    @property
    def next_at(self) -> float | None:
        """When the next thing happens."""
        return self._queue[0][0] if self._queue else None

    def pop(self) -> Callable[[], None]:
        """The next thing, whose time it is now."""
        at, _, what = heapq.heappop(self._queue)
        self.wait_until(at)
        return what

    def wait_until(self, at: float) -> None:
        """Time passes; raises Broken in a world that does not come to its end."""
        hold(at < BEGAN_AT + LONGEST_S, "everything comes to an end")
        self.now = max(self.now, at)
