"""Events on their way to control: in order, and bounded when nobody reads them."""

import asyncio
from collections import deque

from sfu.api import ConnectionQuality, Event, ParticipantHeard

MAX_PASSING = 4096
MAX_LASTING = 4096


class EventQueue:
    """One writer, one reader, on one event loop.

    A report (``ParticipantHeard``, ``ConnectionQuality``) is worth nothing once there is a newer
    one, so that reports and the rest are bounded apart, and a flood of reports pushes out
    nothing else. The oldest is dropped and counted. Who was heard decides whether a session ends:
    quality, of which each second brings one for each connection at once, waits for all the rest.
    """

    def __init__(self, max_passing: int = MAX_PASSING, max_lasting: int = MAX_LASTING) -> None:
        self._heard: deque[tuple[int, Event]] = deque()
        self._quality: deque[tuple[int, Event]] = deque()
        self._lasting: deque[tuple[int, Event]] = deque()
        self._max_passing = max_passing
        self._max_lasting = max_lasting
        self._number = 0
        self._ready = asyncio.Event()
        # Events that were dropped because nobody read them.
        self.dropped = 0

    def put(self, event: Event) -> None:
        """Append an event."""
        queue, limit = self._lasting, self._max_lasting
        if isinstance(event, ParticipantHeard):
            queue, limit = self._heard, self._max_passing
        elif isinstance(event, ConnectionQuality):
            queue, limit = self._quality, self._max_passing
        if len(queue) == limit:
            queue.popleft()
            self.dropped += 1
        queue.append((self._number, event))
        self._number += 1
        self._ready.set()

    async def get(self) -> Event:
        """Wait for the oldest event, or for the oldest quality when there is no other."""
        await self._ready.wait()
        urgent = [queue for queue in (self._heard, self._lasting) if queue]
        oldest = min(urgent, key=lambda queue: queue[0][0]) if urgent else self._quality
        _, event = oldest.popleft()
        if not self._heard and not self._quality and not self._lasting:
            self._ready.clear()
        return event
