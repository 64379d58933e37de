"""The record of a consultation that is over, for both sides to keep."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from control.consultations.consultation import Consultation
from control.consultations.journal import Entry
from control.consultations.parties import Actor, Party
from control.consultations.quality import summary
from control.consultations.ratings import Rating, Subject
from control.errors import NotInThisState

VERSION = 1

# What a specialist is told of a rating: they see ratings as sums, not who gave what.
_RATED_FOR_SPECIALIST = frozenset({"subject"})


def receipt(
    consultation: Consultation,
    entries: Sequence[Entry],
    issued_to: Actor,
    periods: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """The receipt as JSON: numbers, strings, null, lists and objects. Times are Unix seconds.

    ``entries`` is the whole journal of the consultation from its first event on. A receipt of
    later (after a rating) has the events of an earlier one as its first, and differs otherwise
    only in ``ratings``. That of a specialist is without stars and comments. ``periods`` is what was
    measured of the connections, as it is stored.

    Raises:
        NotInThisState: while something can still happen to the consultation by itself.
    """
    if consultation.is_open:
        raise NotInThisState(
            f"The consultation is {consultation.state.value}; its receipt is there once it is over."
        )
    terms, end = consultation.terms, consultation.end
    # Only what ended had paid time and gaps.
    over_at = consultation.ended_at or consultation.requested_at
    return {
        "version": VERSION,
        "issued_to": issued_to.value,
        "consultation_id": consultation.id,
        "client": _party(consultation.client),
        "specialist": _party(consultation.specialist),
        "purpose": consultation.purpose,
        "terms": {
            "duration_s": terms.duration_s,
            "price": f"{terms.price:.2f}",
            "currency": terms.currency,
            "takes_video": terms.takes_video,
        },
        "extensions": [
            {
                "duration_s": each.duration_s,
                "price": f"{each.price:.2f}",
                "accepted_at": each.accepted_at,
            }
            for each in consultation.extensions
        ],
        "state": consultation.state.value,
        "requested_at": consultation.requested_at,
        "accepted_at": consultation.accepted_at,
        "started_at": consultation.started_at,
        "ended_at": consultation.ended_at,
        "end": (
            {"reason": end.reason.value, "by": end.by.value, "detail": end.detail} if end else None
        ),
        "events": [
            {
                "seq": seq,
                "at": entry.at,
                "type": entry.type,
                "by": entry.by.value,
                "data": _told(entry, issued_to),
            }
            for seq, entry in enumerate(entries, 1)
        ],
        "paid_intervals": [
            {"began_at": each.began_at, "stopped_at": each.stopped_at} for each in consultation.paid
        ],
        "paid_s": consultation.paid_s(over_at),
        "reconnect_gaps": _gaps(entries, over_at),
        "ratings": None if issued_to is Actor.SPECIALIST else _ratings(consultation.ratings),
        "quality": _quality(periods),
    }


def _quality(periods: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The sums, and the score of each leg every five seconds."""
    summed_up = summary(periods)
    if summed_up is None:
        return None
    timeline = [
        {
            "at": each["at"],
            "duration_s": each["duration_s"],
            "mos": {leg: score["mos"] for leg, score in each["legs"].items()},
        }
        for each in periods
    ]
    return {**summed_up, "timeline": timeline}


def _party(party: Party) -> dict[str, str]:
    return {"id": party.id, "name": party.name}


def _told(entry: Entry, issued_to: Actor) -> dict[str, Any]:
    if entry.type == "rated" and issued_to is Actor.SPECIALIST:
        return {name: value for name, value in entry.data.items() if name in _RATED_FOR_SPECIALIST}
    return dict(entry.data)


def _ratings(ratings: Mapping[Subject, Rating]) -> dict[str, Any]:
    return {
        subject.value: (
            {"stars": given.stars, "comment": given.comment, "given_at": given.given_at}
            if (given := ratings.get(subject))
            else None
        )
        for subject in Subject
    }


def _gaps(entries: Iterable[Entry], over_at: float) -> list[dict[str, Any]]:
    """When someone was being reconnected, and when the service was away (no participant)."""
    gaps: list[dict[str, Any]] = []
    lasting: dict[str | None, float] = {}

    def close(participant: str | None, at: float) -> None:
        began_at = lasting.pop(participant, None)
        if began_at is not None:
            gaps.append({"participant": participant, "began_at": began_at, "ended_at": at})

    for entry in entries:
        match entry.type:
            case "reconnecting":
                lasting[entry.data["participant"]] = entry.at
            case "reconnected":
                close(entry.data["participant"], entry.at)
            case "interrupted":
                # From here on a silence is nobody's.
                for participant in list(lasting):
                    close(participant, entry.at)
                lasting[None] = entry.data["since"]
            case "resumed":
                close(None, entry.at)
            case "ended":
                for participant in list(lasting):
                    close(participant, over_at)
    return gaps
