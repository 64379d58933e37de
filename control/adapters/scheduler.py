"""One task that sleeps until the next deadline."""

import asyncio
import heapq
import logging
from collections.abc import Awaitable, Callable

from control.errors import DatabaseUnavailable

log = logging.getLogger(__name__)

Clock = Callable[[], float]

# The wall clock can be set, and a laptop can sleep: look again at least this often.
LONGEST_SLEEP_S = 1.0
# We may have stood still ourselves, and the node's reports of meanwhile wait in line: they are read
# before anyone is judged silent, for as long as we were woken late.
READ_FIRST_S = 0.01
READ_AT_MOST_S = 0.25
RETRY_S = 1.0


class Scheduler:
    """Calls ``on_due(key, now)`` when the deadline of a key has come.

    Deadlines move all the time (each packet moves the next silence), so the queue keeps only the
    earliest that was ever said; ``on_due`` answers with the next one, None for none.
    """

    def __init__(
        self, clock: Clock, on_due: Callable[[str, float], Awaitable[float | None]]
    ) -> None:
        self._clock = clock
        self._on_due = on_due
        self._queue: list[tuple[float, str]] = []
        self._earliest: dict[str, float] = {}
        self._sooner = asyncio.Event()

    def schedule(self, key: str, at: float | None) -> None:
        """Look at ``key`` no later than ``at`` (Unix seconds); None changes nothing."""
        if at is None or at >= self._earliest.get(key, float("inf")):
            return
        self._earliest[key] = at
        heapq.heappush(self._queue, (at, key))
        if self._queue[0][1] == key:
            self._sooner.set()

    async def run(self) -> None:
        """Until cancelled."""
        # Not waited for: what one of them has to wait for, such as a slow disk, makes none late
        # that comes next.
        async with asyncio.TaskGroup() as under_way:
            while True:
                await self._sleep()
                now = self._clock()
                for key in self._due(now):
                    under_way.create_task(self._fire(key, now))

    async def run_due(self) -> None:
        """Everything whose time has come by now, at once."""
        now = self._clock()
        await asyncio.gather(*(self._fire(key, now) for key in self._due(now)))

    async def _sleep(self) -> None:
        self._sooner.clear()
        next_at = self._queue[0][0] if self._queue else float("inf")
        sleep_s = min(next_at - self._clock(), LONGEST_SLEEP_S)
        if sleep_s > 0:
            try:
                async with asyncio.timeout(sleep_s):
                    await self._sooner.wait()
            except TimeoutError:
                pass
        late_s = self._clock() - next_at
        if late_s >= 0:
            await asyncio.sleep(min(max(late_s, READ_FIRST_S), READ_AT_MOST_S))

    def _due(self, now: float) -> list[str]:
        due = []
        while self._queue and self._queue[0][0] <= now:
            at, key = heapq.heappop(self._queue)
            if self._earliest.get(key) == at:
                del self._earliest[key]
                due.append(key)
        return due

    async def _fire(self, key: str, now: float) -> None:
        try:
            next_at = await self._on_due(key, now)
        except DatabaseUnavailable as error:
            log.error("what was due could not be stored; once more in %s s: %s", RETRY_S, error)
            next_at = now + RETRY_S
        except Exception:
            # It may be better in a moment; a deadline is never given up.
            log.exception("what was due failed; once more in %s s", RETRY_S)
            next_at = now + RETRY_S
        self.schedule(key, next_at)
