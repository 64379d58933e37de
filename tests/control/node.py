"""A media node in memory: writes down what it is asked, and says what a test wants."""

import asyncio

from sfu.api import (
    Answer,
    CloseRoom,
    ConnectionQuality,
    Done,
    Event,
    Join,
    LegQuality,
    LegScore,
    OpenRoom,
    QualityLevel,
    Reason,
    ReasonCode,
    RefusalCode,
    Refused,
    Reply,
    Request,
    RestartIce,
    VideoCodec,
)


class MemoryNode:
    """Implements NodePort. ``refuse_next`` makes it refuse one request of that type."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.rooms: dict[str, VideoCodec] = {}
        self.refuse_next: dict[type[Request], RefusalCode] = {}
        self._is_read = asyncio.Event()
        # Requests of these types are never answered.
        self.silent_to: set[type[Request]] = set()
        self._events: asyncio.Queue[Event] = asyncio.Queue()

    async def request(self, message: Request) -> Reply:
        """Answer as a node would."""
        # The ping of /readyz is not worth remembering.
        if message != CloseRoom(""):
            self.asked.append(message)
        if type(message) in self.silent_to:
            await asyncio.Event().wait()
        code = self.refuse_next.pop(type(message), None)
        if code is not None:
            return Refused(code, "as the test wants")
        match message:
            case OpenRoom():
                self.rooms[message.room_id] = message.video_codec
            case CloseRoom():
                self.rooms.pop(message.room_id, None)
            case Join() | RestartIce():
                if message.room_id not in self.rooms:
                    return Refused(RefusalCode.UNKNOWN_ROOM, "no such room")
                codec = self.rooms[message.room_id]
                return Answer(message.connection_id, f"answer to {message.offer}", codec)
        return Done()

    async def next_event(self) -> Event:
        """What the test reported."""
        # Asked again, the reader is done with what it got before.
        if self._events.empty():
            self._is_read.set()
        return await self._events.get()

    def report(self, event: Event) -> None:
        """Let control hear of ``event``."""
        self._is_read.clear()
        self._events.put_nowait(event)

    async def read(self) -> None:
        """Wait until everything that was reported has been dealt with."""
        await self._is_read.wait()


def quality_of(session: str, participant: str, loss_pct: float = 0.0) -> ConnectionQuality:
    """A second in which so much is lost on the way up, and nothing down."""
    bad = LegScore(3.5, QualityLevel.POOR, (Reason(ReasonCode.LOSS, loss_pct),))
    good = LegScore(4.3, QualityLevel.EXCELLENT)
    lost = round(10 * loss_pct)
    up = LegQuality(
        score=bad if loss_pct else good,
        packets=1000,
        bitrate_bps=1e6,
        expected=1000,
        lost=lost,
        repaired=lost // 2,
        given_up=lost // 10,
        jitter_ms=2.0,
        video_jitter_ms=None,
        freezes=1 if lost else 0,
        silent_s=0.01,
    )
    down = LegQuality(good, 1000, 1e6, 500, 0, 0, 0, None, None, 0, 0.01)
    best = LegScore(4.39, QualityLevel.EXCELLENT)
    return ConnectionQuality(session, participant, "c", 30.0, up, down, best)
