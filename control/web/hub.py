"""The open event connections: who is online, and what each is told."""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from control.adapters.people import User
from control.adapters.records import Recorded
from control.adapters.scheduler import Clock
from control.consultations.consultation import Consultation
from control.consultations.parties import Role
from control.consultations.policy import Policy
from control.consultations.quality import Leg, PausedVideo, Score, worst
from control.web.schema.consultations import Snapshot
from control.web.schema.events import EventOut

# A page that lags this many messages behind is closed; it reconnects and reads afresh.
MAX_WAITING = 64
# News of connection quality is worth nothing when late: not put in line behind so many.
MAX_WAITING_FOR_QUALITY = 4
MAX_CONNECTIONS_A_USER = 16

Message = dict[str, Any]


class Here(NamedTuple):
    """Whether a page of somebody is open, and whether one passed its device check."""

    online: bool
    camera_ready: bool


class Place(NamedTuple):
    """Of which consultation a message tells, and after how many of its events that is so."""

    consultation_id: str
    seq: int


class EventConnection:
    """One open page of a user.

    Until ``caught_up`` it holds back what happens, for the page is told first what it missed.

    ``close`` is called when it does not keep up, ``shut_out`` when its user may not stay.
    """

    def __init__(self, user: User, close: Callable[[], None], shut_out: Callable[[], None]) -> None:
        self.shut_out = shut_out
        self.user = user
        self.camera_ready = False
        self._close = close
        self._waiting: asyncio.Queue[str] = asyncio.Queue(MAX_WAITING)
        self._held: list[tuple[str, Place | None]] | None = []

    def send(self, text: str, place: Place | None = None) -> None:
        """Put a message in line."""
        if self._held is None:
            self._put(text)
        elif len(self._held) < MAX_WAITING:
            self._held.append((text, place))
        else:
            self._close()

    def send_unless_late(self, text: str) -> None:
        """Put a message in line if the line is short, else drop it."""
        if self._held is None and self._waiting.qsize() < MAX_WAITING_FOR_QUALITY:
            self._waiting.put_nowait(text)

    def caught_up(self, told: Mapping[str, int]) -> None:
        """The page was told everything up to these numbers, by consultation."""
        held, self._held = self._held or [], None
        for text, place in held:
            if place is None or place.seq > told.get(place.consultation_id, 0):
                self._put(text)

    async def next_message(self) -> str:
        """The next message to write."""
        return await self._waiting.get()

    def _put(self, text: str) -> None:
        try:
            self._waiting.put_nowait(text)
        except asyncio.QueueFull:
            self._close()


class Hub:
    """Implements ``Audience`` for the pages that are open here."""

    def __init__(self, policy: Policy, clock: Clock) -> None:
        self._policy = policy
        self._clock = clock
        self._connections: dict[str, set[EventConnection]] = {}
        # Called after both sides were told of a change.
        self.on_changed: Callable[[Consultation], None] = lambda _: None

    def __len__(self) -> int:
        return sum(len(each) for each in self._connections.values())

    def add(self, connection: EventConnection) -> bool:
        """Take a connection in; False when the user has too many."""
        theirs = self._connections.setdefault(connection.user.id, set())
        if len(theirs) >= MAX_CONNECTIONS_A_USER:
            return False
        theirs.add(connection)
        return True

    def remove(self, connection: EventConnection) -> None:
        """Forget a connection."""
        theirs = self._connections.get(connection.user.id, set())
        theirs.discard(connection)
        if not theirs:
            self._connections.pop(connection.user.id, None)

    def shut_out(self, user_id: str) -> None:
        """A user's pages hear nothing more, and are closed."""
        for connection in self._connections.pop(user_id, ()):
            connection.shut_out()

    def here(self, user_id: str) -> Here:
        """What a user's open pages make of their presence."""
        theirs = self._connections.get(user_id, ())
        ready = any(connection.camera_ready for connection in theirs)
        return Here(online=bool(theirs), camera_ready=ready)

    def tell(self, user_ids: Iterable[str], message: Message, place: Place | None = None) -> None:
        """Send ``message`` to every page of these users."""
        text = as_text(message)
        for user_id in user_ids:
            # A copy, for a connection that does not keep up leaves the set.
            for connection in list(self._connections.get(user_id, ())):
                connection.send(text, place)

    def consultation_message(self, consultation: Consultation, seen_by: Role) -> Message:
        """The message that carries a snapshot, as a participant may see it."""
        snapshot = Snapshot.of(consultation, self._clock(), self._policy, seen_by)
        return {"type": "consultation", "consultation": snapshot.model_dump(mode="json")}

    @staticmethod
    def event_message(event: Recorded, seen_by: Role) -> Message:
        """The message that carries an event, as a participant may see it."""
        return {"type": "event", "event": EventOut.of(event, seen_by).model_dump(mode="json")}

    @staticmethod
    def pause_message(consultation: Consultation, role: Role, paused: PausedVideo) -> Message:
        """The message that says what is not sent to the participant."""
        return {
            "type": "video_pause",
            "consultation_id": consultation.id,
            "receiver": role.value,
            "camera": paused.camera,
            "screen": paused.screen,
        }

    # Audience

    def consultation_changed(self, consultation: Consultation, events: Sequence[Recorded]) -> None:
        """Both sides get the events, then the snapshot."""
        present = [role for role in Role if consultation.party(role).id in self._connections]
        for role in present:
            for event in events:
                place = Place(consultation.id, event.seq)
                message = self.event_message(event, role)
                self.tell([consultation.party(role).id], message, place)
            place = Place(consultation.id, consultation.seq)
            message = self.consultation_message(consultation, role)
            self.tell([consultation.party(role).id], message, place)
        self.on_changed(consultation)

    def connection_replaced(
        self, consultation: Consultation, role: Role, connection_id: str
    ) -> None:
        """All pages of the participant hear it; the one with this connection stands down."""
        message = {
            "type": "connection_replaced",
            "consultation_id": consultation.id,
            "connection_id": connection_id,
        }
        self.tell([consultation.party(role).id], message)

    def rejoin(
        self, consultation: Consultation, role: Role, connection_id: str, reason: str
    ) -> None:
        """All pages of the participant hear it; the one with this connection joins anew."""
        message = {
            "type": "rejoin",
            "consultation_id": consultation.id,
            "connection_id": connection_id,
            "reason": reason,
        }
        self.tell([consultation.party(role).id], message)

    def video_pause(self, consultation: Consultation, role: Role, paused: PausedVideo) -> None:
        """Both sides hear it: the one whose connection it is, and the one who is to stop."""
        self.tell(_people(consultation), self.pause_message(consultation, role, paused))

    def quality(self, consultation: Consultation, role: Role, legs: Mapping[Leg, Score]) -> None:
        """Both sides hear how the participant's connection did, unless they lag behind."""
        text = as_text(quality_message(consultation.id, role, legs))
        for user_id in _people(consultation):
            for connection in self._connections.get(user_id, ()):
                connection.send_unless_late(text)


def as_text(message: Message) -> str:
    """As short as JSON can be: it may share a narrow connection with the sound of a call."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


def quality_message(consultation_id: str, role: Role, legs: Mapping[Leg, Score]) -> Message:
    """A word for the connection as a whole, that of its worst leg, with the reasons of it."""
    blamed = worst(legs)
    score = None if blamed is None else legs[blamed]
    return {
        "type": "quality",
        "consultation_id": consultation_id,
        "participant": role.value,
        "level": None if score is None else score.level.value,
        "leg": None if blamed is None else blamed.value,
        "reasons": [] if score is None else score.to_json()["reasons"],
        "legs": {
            leg.value: {name: value for name, value in each.to_json().items() if value is not None}
            for leg, each in legs.items()
        },
    }


def _people(consultation: Consultation) -> tuple[str, str]:
    return consultation.client.id, consultation.specialist.id
