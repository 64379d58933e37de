"""A consultation as it stands."""

from typing import Annotated

from pydantic import Field

from control.consultations.consultation import Consultation, End
from control.consultations.parties import Actor, Role
from control.consultations.policy import Policy
from control.consultations.requests import MAX_PURPOSE_CHARACTERS
from control.consultations.states import EndReason, State
from control.web.schema.base import SOME_TEXT_PATTERN, Input, Output, text
from control.web.schema.proposals import (
    AcceptedExtensionOut,
    EarlyEndOut,
    ExtensionOut,
    LeavingOut,
)
from control.web.schema.ratings import RatingsOut
from control.web.schema.terms import TermsOut


class RequestIn(Input):
    """A request for a consultation. ``purpose``: 1 to 500 characters after trimming."""

    specialist_id: Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f]+$")]
    # The rules have the last word on it, and a problem of its own.
    purpose: Annotated[
        str,
        Field(
            json_schema_extra={
                "minLength": 1,
                "maxLength": MAX_PURPOSE_CHARACTERS,
                "pattern": SOME_TEXT_PATTERN,
            }
        ),
    ]


class DeclineIn(Input):
    """The specialist's answer."""

    reason: Annotated[str, text(500)] | None = None


class PartyOut(Output):
    """One side of a consultation."""

    id: str
    name: str


class EndOut(Output):
    """Why it ended; ``by`` is who caused it. ``detail``: an operator's words."""

    reason: EndReason
    by: Actor
    detail: str | None

    @classmethod
    def of(cls, end: End) -> "EndOut":
        """From the rules' form."""
        return cls(reason=end.reason, by=end.by, detail=end.detail)


class InterruptionOut(Output):
    """The service was interrupted; unless someone is back by ``ends_by``, the session ends."""

    since: float
    ends_by: float


class ReconnectingOut(Output):
    """A participant is silent. ``drop_at``: this ends the session then; null: it goes on."""

    role: Role
    since: float
    drop_at: float | None


class Snapshot(Output):
    """A consultation as it stands at ``now``. Times are Unix seconds; null: not (yet)."""

    id: str
    state: State
    client: PartyOut
    specialist: PartyOut
    purpose: str
    terms: TermsOut
    requested_at: float
    accept_by: float
    accepted_at: float | None
    start_by: float | None
    started_at: float | None
    ends_at: float | None
    ended_at: float | None
    end: EndOut | None
    decline_reason: str | None
    withdrawn_by: Actor | None = Field(
        description="who cancelled it where it was not the client: the `service`, for another"
        " request of one side was accepted; or an `operator`"
    )
    early_end: EarlyEndOut | None
    early_end_refused_at: float | None
    extension: ExtensionOut | None
    extensions: list[AcceptedExtensionOut] = Field(description="those agreed on, oldest first")
    extension_refused_at: float | None
    leaving: LeavingOut | None
    reconnecting: ReconnectingOut | None
    interrupted: InterruptionOut | None
    paid_s: float = Field(description="seconds until `now` in which both sides were connected")
    paid_since: float | None = Field(description="paid time runs since then; null: not now")
    ratings: RatingsOut | None = Field(description="null to the specialist")
    seq: int = Field(description="the number of the last event")
    now: float

    @classmethod
    def of(
        cls, consultation: Consultation, now: float, policy: Policy, seen_by: Role | None
    ) -> "Snapshot":
        """The consultation at ``now``, as a participant or (None) an operator may see it.

        A specialist is told ratings added up, never who gave what.
        """
        hides = seen_by is Role.SPECIALIST
        end, early_end = consultation.end, consultation.early_end
        offer, leaving = consultation.extension, consultation.leaving
        return cls(
            id=consultation.id,
            state=consultation.state,
            client=PartyOut(id=consultation.client.id, name=consultation.client.name),
            specialist=PartyOut(id=consultation.specialist.id, name=consultation.specialist.name),
            purpose=consultation.purpose,
            terms=TermsOut.of(consultation.terms),
            requested_at=consultation.requested_at,
            accept_by=consultation.accept_by,
            accepted_at=consultation.accepted_at,
            start_by=consultation.start_by,
            started_at=consultation.started_at,
            ends_at=consultation.ends_at,
            ended_at=consultation.ended_at,
            end=EndOut.of(end) if end else None,
            decline_reason=consultation.decline_reason,
            withdrawn_by=consultation.withdrawn_by,
            early_end=EarlyEndOut.of(early_end) if early_end else None,
            early_end_refused_at=consultation.early_end_refused_at,
            extension=ExtensionOut.of(offer) if offer else None,
            extensions=[AcceptedExtensionOut.of(each) for each in consultation.extensions],
            extension_refused_at=consultation.extension_refused_at,
            leaving=LeavingOut.of(leaving) if leaving else None,
            reconnecting=_reconnecting(consultation, policy),
            interrupted=_interruption(consultation),
            paid_s=consultation.paid_s(now),
            paid_since=consultation.flowing_since,
            ratings=None if hides else RatingsOut.of(consultation.ratings, policy),
            seq=consultation.seq,
            now=now,
        )


def _reconnecting(consultation: Consultation, policy: Policy) -> ReconnectingOut | None:
    role = consultation.reconnecting
    if role is None or not consultation.is_joinable:
        return None
    link = consultation.links[role]
    assert link.silent_from is not None
    # Who has said that they leave is not waited for.
    drop_at = None if consultation.leaving else link.drop_at(policy.link(role))
    return ReconnectingOut(role=role, since=link.silent_from, drop_at=drop_at)


def _interruption(consultation: Consultation) -> InterruptionOut | None:
    since, ends_by = consultation.interrupted_since, consultation.service_by
    if since is None or ends_by is None:
        return None
    return InterruptionOut(since=since, ends_by=ends_by)
