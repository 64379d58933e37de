"""What happened to a consultation."""

from typing import Any

from control.adapters.records import Recorded
from control.consultations.parties import Actor, Role
from control.web.schema.base import Output


class EventOut(Output):
    """Something that happened to a consultation. The numbers of its events have no gaps."""

    consultation_id: str
    seq: int
    at: float
    type: str
    by: Actor
    data: dict[str, Any]

    @classmethod
    def of(cls, event: Recorded, seen_by: Role | None) -> "EventOut":
        """The event as a participant or (None) an operator may see it.

        A rating is told to the specialist added up.
        """
        entry = event.entry
        hides = entry.type == "rated" and seen_by is Role.SPECIALIST
        return cls(
            consultation_id=event.consultation_id,
            seq=event.seq,
            at=entry.at,
            type=entry.type,
            by=entry.by,
            data={"subject": entry.data["subject"]} if hides else dict(entry.data),
        )


class EventsOut(Output):
    """Events of one consultation. ``seq`` is the number of its last one so far."""

    events: list[EventOut]
    seq: int
