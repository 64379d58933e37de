"""How a consultation lies in the store."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from control.adapters.database import Row
from control.consultations.consultation import Change, Consultation, End
from control.consultations.early_end import EarlyEnd
from control.consultations.extension import AcceptedExtension, Extension
from control.consultations.journal import Entry, entry
from control.consultations.leaving import Leaving
from control.consultations.paid_time import Interval
from control.consultations.parties import Actor, Party, Role, Terms
from control.consultations.ratings import Rating, Subject
from control.consultations.states import EndReason, State


@dataclass(frozen=True)
class Recorded:
    """An event as it is kept: the journal's entry, and which number it has in its consultation."""

    consultation_id: str
    seq: int
    entry: Entry
    # In the order of all consultations' events. Given by the database.
    id: int | None = None


def recorded(change: Change) -> list[Recorded]:
    """What a change adds to the record."""
    consultation, events = change
    first = consultation.seq - len(events) + 1
    return [Recorded(consultation.id, seq, entry(event)) for seq, event in enumerate(events, first)]


def to_event_row(event: Recorded) -> dict[str, Any]:
    """The columns of an event, but for the number that the database gives."""
    return {
        "consultation_id": event.consultation_id,
        "seq": event.seq,
        "at": event.entry.at,
        "type": event.entry.type,
        "by": event.entry.by.value,
        "data": dict(event.entry.data),
    }


def from_event_row(row: Row) -> Recorded:
    """The event that ``to_event_row`` wrote."""
    data: Mapping[str, Any] = row["data"]
    written = Entry(row["type"], row["at"], Actor(row["by"]), data)
    return Recorded(row["consultation_id"], row["seq"], written, row["id"])


def to_row(consultation: Consultation) -> dict[str, Any]:
    """The columns of a consultation, without its ratings, which have a table of their own."""
    terms, end, early_end = consultation.terms, consultation.end, consultation.early_end
    return {
        "id": consultation.id,
        "client_id": consultation.client.id,
        "specialist_id": consultation.specialist.id,
        "state": consultation.state.value,
        "requested_at": consultation.requested_at,
        "accept_by": consultation.accept_by,
        "start_by": consultation.start_by,
        "ends_at": consultation.ends_at,
        "lapses_at": early_end.lapses_at if early_end else None,
        "service_by": consultation.service_by,
        "rest": {
            "client_name": consultation.client.name,
            "specialist_name": consultation.specialist.name,
            "purpose": consultation.purpose,
            "terms": {
                "duration_s": terms.duration_s,
                "price": str(terms.price),
                "currency": terms.currency,
                "takes_video": terms.takes_video,
            },
            "accepted_at": consultation.accepted_at,
            "started_at": consultation.started_at,
            "ended_at": consultation.ended_at,
            "end": (
                {"reason": end.reason.value, "by": end.by.value, "detail": end.detail}
                if end
                else None
            ),
            "decline_reason": consultation.decline_reason,
            "withdrawn_by": consultation.withdrawn_by and consultation.withdrawn_by.value,
            "early_end": (
                {"by": early_end.by.value, "proposed_at": early_end.proposed_at}
                if early_end
                else None
            ),
            "early_end_refused_at": consultation.early_end_refused_at,
            "extension": _extension_to_json(consultation.extension),
            "extensions": [
                {
                    "duration_s": each.duration_s,
                    "price": str(each.price),
                    "accepted_at": each.accepted_at,
                }
                for each in consultation.extensions
            ],
            "extension_refused_at": consultation.extension_refused_at,
            "leaving": _leaving_to_json(consultation.leaving),
            "interrupted_since": consultation.interrupted_since,
            "paid": [[each.began_at, each.stopped_at] for each in consultation.paid],
            "flowing_since": consultation.flowing_since,
            "seq": consultation.seq,
            "changed_at": consultation.changed_at,
        },
    }


def from_row(row: Row, rating_rows: Iterable[Row] = ()) -> Consultation:
    """The consultation that ``to_row`` wrote, with its ratings."""
    rest = row["rest"]
    terms, end, early_end = rest["terms"], rest["end"], rest["early_end"]
    return Consultation(
        id=row["id"],
        client=Party(row["client_id"], rest["client_name"]),
        specialist=Party(row["specialist_id"], rest["specialist_name"]),
        purpose=rest["purpose"],
        terms=Terms(
            terms["duration_s"], Decimal(terms["price"]), terms["currency"], terms["takes_video"]
        ),
        state=State(row["state"]),
        requested_at=row["requested_at"],
        accept_by=row["accept_by"],
        accepted_at=rest["accepted_at"],
        start_by=row["start_by"],
        started_at=rest["started_at"],
        ends_at=row["ends_at"],
        ended_at=rest["ended_at"],
        end=End(EndReason(end["reason"]), Actor(end["by"]), end["detail"]) if end else None,
        decline_reason=rest["decline_reason"],
        withdrawn_by=_withdrawn_by(rest),
        early_end=(
            EarlyEnd(Role(early_end["by"]), early_end["proposed_at"], row["lapses_at"])
            if early_end
            else None
        ),
        early_end_refused_at=rest["early_end_refused_at"],
        extension=_extension(rest["extension"]),
        extensions=tuple(
            AcceptedExtension(each["duration_s"], Decimal(each["price"]), each["accepted_at"])
            for each in rest["extensions"]
        ),
        extension_refused_at=rest["extension_refused_at"],
        leaving=_leaving(rest["leaving"]),
        interrupted_since=rest["interrupted_since"],
        service_by=row["service_by"],
        paid=tuple(Interval(*each) for each in rest["paid"]),
        flowing_since=rest["flowing_since"],
        seq=rest["seq"],
        changed_at=rest["changed_at"],
        ratings=MappingProxyType(
            {
                Subject(each["subject"]): Rating(each["stars"], each["comment"], each["given_at"])
                for each in rating_rows
            }
        ),
    )


def rating_rows(consultation: Consultation) -> list[dict[str, Any]]:
    """The rows of its ratings."""
    return [
        {
            "consultation_id": consultation.id,
            "subject": subject.value,
            "stars": rating.stars,
            "comment": rating.comment,
            "given_at": rating.given_at,
        }
        for subject, rating in consultation.ratings.items()
    ]


def _extension_to_json(offer: Extension | None) -> dict[str, Any] | None:
    if offer is None:
        return None
    return {
        "duration_s": offer.duration_s,
        "price": str(offer.price),
        "proposed_at": offer.proposed_at,
        "lapses_at": offer.lapses_at,
    }


def _extension(stored: dict[str, Any] | None) -> Extension | None:
    if stored is None:
        return None
    return Extension(
        stored["duration_s"], Decimal(stored["price"]), stored["proposed_at"], stored["lapses_at"]
    )


def _withdrawn_by(rest: dict[str, Any]) -> Actor | None:
    if "withdrawn_by" in rest:
        return Actor(rest["withdrawn_by"]) if rest["withdrawn_by"] else None
    # What was written before operators were told apart says only whether.
    return Actor.SERVICE if rest["withdrawn"] else None


def _leaving_to_json(leaving: Leaving | None) -> dict[str, Any] | None:
    if leaving is None:
        return None
    return {
        "by": leaving.by.value,
        "at": leaving.at,
        "ends_at": leaving.ends_at,
        "dropped": leaving.dropped,
    }


def _leaving(stored: dict[str, Any] | None) -> Leaving | None:
    if stored is None:
        return None
    # What was written before drops were announced has no word of it.
    dropped = stored.get("dropped", False)
    return Leaving(Role(stored["by"]), stored["at"], stored["ends_at"], dropped)
