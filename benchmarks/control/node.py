"""A media node without media: it answers joins at once, and says that everybody is alive."""

import asyncio
import time
from collections.abc import Mapping

from sfu.api import (
    Answer,
    CloseRoom,
    Done,
    Event,
    Join,
    OpenRoom,
    ParticipantConnected,
    ParticipantHeard,
    Remove,
    Reply,
    Request,
    RestartIce,
    VideoCodec,
)

# The node's own reports come once a second for each participant, not all at the same moment.
REPORTS_EVERY_S = 1.0
SLICES = 20


class AnsweringNode:
    """Implements NodePort. What it leaves out of a join is the negotiation and the handshake."""

    def __init__(self) -> None:
        # By room and participant: the connection.
        self._connected: dict[tuple[str, str], str] = {}
        # In Unix seconds, of those who will not stay.
        self._silent_at: dict[tuple[str, str], float] = {}
        self._events: asyncio.Queue[Event] = asyncio.Queue()

    async def request(self, message: Request) -> Reply:
        """As a node with any amount of room."""
        match message:
            case Join():
                place = (message.room_id, message.participant_id)
                self._connected[place] = message.connection_id
                self._events.put_nowait(
                    ParticipantConnected(*place, message.connection_id, time.time())
                )
                return Answer(message.connection_id, message.offer, VideoCodec.VP8)
            case RestartIce():
                return Answer(message.connection_id, message.offer, VideoCodec.VP8)
            case CloseRoom():
                for participant in ("client", "specialist"):
                    self._connected.pop((message.room_id, participant), None)
            case Remove():
                self._connected.pop((message.room_id, message.participant_id), None)
            case OpenRoom():
                pass
        return Done()

    async def next_event(self) -> Event:
        """The next report."""
        return await self._events.get()

    def take(self, rooms: Mapping[str, float | None]) -> None:
        """Both participants of these rooms are connected, as after a restart of control alone.

        The specialist of a room falls silent at its time in Unix seconds; None: never.
        """
        for room, silent_at in rooms.items():
            for participant in ("client", "specialist"):
                self._connected[room, participant] = "connection"
            if silent_at is not None:
                self._silent_at[room, "specialist"] = silent_at

    async def report(self) -> None:
        """Once a second for each participant, until cancelled."""
        index = 0
        due_at = time.monotonic()
        while True:
            now = time.time()
            for place, connection in list(self._connected.items()):
                # Each has a slice of its own for good, else some would be left out for seconds.
                if hash(place) % SLICES == index and now < self._silent_at.get(place, float("inf")):
                    self._events.put_nowait(ParticipantHeard(*place, connection, now))
            index = (index + 1) % SLICES
            due_at += REPORTS_EVERY_S / SLICES
            await asyncio.sleep(max(0.0, due_at - time.monotonic()))
