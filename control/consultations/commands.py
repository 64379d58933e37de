"""What people and the room do to a consultation."""

from dataclasses import dataclass, replace
from typing import assert_never

from control.consultations.consultation import Change, Consultation
from control.consultations.deadlines import due
from control.consultations.early_end import (
    EARLY_END_TRANSITIONS,
    EarlyEnd,
    EarlyEndState,
    EarlyEndTrigger,
)
from control.consultations.events import (
    EarlyEndProposed,
    EarlyEndRefused,
    Interrupted,
    Rated,
    Reconnected,
    Resumed,
)
from control.consultations.liveness import LinkState, LinkTrigger
from control.consultations.moves import move
from control.consultations.parties import Role
from control.consultations.policy import PLATFORM, LinkPolicy, Policy
from control.consultations.ratings import Rating, Subject, rating
from control.consultations.states import COMMANDED_BY, EndReason, State, Trigger
from control.consultations.text import cleaned
from control.errors import (
    EarlyEndAlreadyProposed,
    NoEarlyEndProposed,
    NotInThisState,
    NotPermitted,
    NotRatable,
    OwnEarlyEnd,
)

MAX_DECLINE_REASON_CHARACTERS = 500

# Before the start, only `start_by` limits how long someone may be away.
_NO_DROP = LinkPolicy(drop_after_s=None)


@dataclass(frozen=True)
class Accept:
    """The specialist takes the consultation."""

    by: Role


@dataclass(frozen=True)
class Decline:
    """The specialist does not take it."""

    by: Role
    reason: str | None = None


@dataclass(frozen=True)
class Cancel:
    """The client takes an unanswered request back."""

    by: Role


@dataclass(frozen=True)
class Withdraw:
    """Another request of the same client or specialist was accepted."""


@dataclass(frozen=True)
class Leave:
    """Someone ends the session outright."""

    by: Role


@dataclass(frozen=True)
class ProposeEarlyEnd:
    """Someone asks to end early."""

    by: Role


@dataclass(frozen=True)
class AnswerEarlyEnd:
    """The other side accepts or refuses the proposal."""

    by: Role
    accepted: bool


@dataclass(frozen=True)
class Rate:
    """The client rates the specialist or the connection."""

    by: Role
    subject: Subject
    stars: int
    comment: str


@dataclass(frozen=True)
class Heard:
    """The node heard an authenticated packet of a participant ``at`` (Unix seconds)."""

    role: Role
    at: float


@dataclass(frozen=True)
class ServiceInterrupted:
    """Nobody listened to the room for a while: control or the node was restarted."""


Command = (
    Accept
    | Decline
    | Cancel
    | Withdraw
    | Leave
    | ProposeEarlyEnd
    | AnswerEarlyEnd
    | Rate
    | Heard
    | ServiceInterrupted
)


def perform(
    consultation: Consultation, command: Command, now: float, policy: Policy = PLATFORM
) -> Change:
    """Carry out ``command`` at ``now``, after everything that was due before it.

    Raises a ControlError (and nothing has changed) when the rules refuse it.
    """
    if isinstance(command, Heard):
        # News of a packet goes before the verdict on the silence that it breaks.
        return _then_due(_heard(consultation, command, now, policy), now, policy)
    if isinstance(command, ServiceInterrupted):
        return _then_due(_interrupted(consultation, now, policy), now, policy)
    settled = due(consultation, now, policy)
    change = _perform(settled.consultation, command, now, policy)
    return Change(change.consultation, settled.events + change.events)


def _then_due(change: Change, now: float, policy: Policy) -> Change:
    after = due(change.consultation, now, policy)
    return Change(after.consultation, change.events + after.events)


def _perform(
    consultation: Consultation,
    command: Accept | Decline | Cancel | Withdraw | Leave | ProposeEarlyEnd | AnswerEarlyEnd | Rate,
    now: float,
    policy: Policy,
) -> Change:
    match command:
        case Accept(by):
            return _commanded(consultation, Trigger.ACCEPT, by, now, policy)
        case Decline(by, reason):
            declined = _commanded(consultation, Trigger.DECLINE, by, now, policy)
            text = cleaned(reason or "", MAX_DECLINE_REASON_CHARACTERS) or None
            return Change(replace(declined.consultation, decline_reason=text), declined.events)
        case Cancel(by):
            return _commanded(consultation, Trigger.CANCEL, by, now, policy)
        case Withdraw():
            return move(consultation, Trigger.WITHDRAW, now, policy)
        case Leave(by):
            trigger = Trigger.CLIENT_LEAVES if by is Role.CLIENT else Trigger.SPECIALIST_LEAVES
            return move(consultation, trigger, now, policy)
        case ProposeEarlyEnd(by):
            return _propose_early_end(consultation, by, now, policy)
        case AnswerEarlyEnd(by, accepted):
            return _answer_early_end(consultation, by, accepted, now, policy)
        case Rate(by, subject, stars, comment):
            return _rate(consultation, by, subject, rating(stars, comment, now), now, policy)
        case _:
            assert_never(command)


def _commanded(
    consultation: Consultation, trigger: Trigger, by: Role, now: float, policy: Policy
) -> Change:
    if COMMANDED_BY[trigger] is not by:
        raise NotPermitted(f"A {by.value} cannot {trigger.value} a request.")
    return move(consultation, trigger, now, policy)


def _propose_early_end(consultation: Consultation, by: Role, now: float, policy: Policy) -> Change:
    _must_be_active(consultation)
    if (_early_end_state(consultation), EarlyEndTrigger.PROPOSE) not in EARLY_END_TRANSITIONS:
        raise EarlyEndAlreadyProposed("One proposal at a time; this one waits for its answer.")
    proposal = EarlyEnd(by, now, now + policy.early_end_within_s)
    proposed = replace(consultation, early_end=proposal, early_end_refused_at=None)
    return Change(proposed, (EarlyEndProposed(now, by),))


def _answer_early_end(
    consultation: Consultation, by: Role, accepted: bool, now: float, policy: Policy
) -> Change:
    _must_be_active(consultation)
    trigger = EarlyEndTrigger.ACCEPT if accepted else EarlyEndTrigger.REFUSE
    state = EARLY_END_TRANSITIONS.get((_early_end_state(consultation), trigger))
    if consultation.early_end is None or state is None:
        raise NoEarlyEndProposed("There is no open proposal; it may have lapsed.")
    if consultation.early_end.by is by:
        raise OwnEarlyEnd("The other side answers this proposal.")
    if state is EarlyEndState.AGREED:
        return move(consultation, Trigger.EARLY_END_AGREED, now, policy)
    refused = replace(consultation, early_end=None, early_end_refused_at=now)
    return Change(refused, (EarlyEndRefused(now, by),))


def _early_end_state(consultation: Consultation) -> EarlyEndState:
    return EarlyEndState.NONE if consultation.early_end is None else EarlyEndState.PROPOSED


def _must_be_active(consultation: Consultation) -> None:
    if consultation.state is not State.ACTIVE:
        raise NotInThisState(
            f"Only an active session ends early; this consultation is {consultation.state.value}."
        )


def _rate(
    consultation: Consultation,
    by: Role,
    subject: Subject,
    given: Rating,
    now: float,
    policy: Policy,
) -> Change:
    if by is not Role.CLIENT:
        raise NotPermitted("Only the client rates.")
    if consultation.end is None:
        raise NotRatable("A consultation is rated after its end.")
    if consultation.end.reason is EndReason.DID_NOT_START:
        raise NotRatable("A consultation that did not start is not rated.")
    earlier = consultation.ratings.get(subject)
    if earlier is not None:
        if now - earlier.given_at > policy.rating_change_within_s:
            raise NotRatable("The rating was given too long ago to be changed.")
        given = replace(given, given_at=earlier.given_at)
    return Change(consultation.with_rating(subject, given), (Rated(now, subject),))


def _heard(consultation: Consultation, heard: Heard, now: float, policy: Policy) -> Change:
    if not consultation.is_joinable:
        return Change(consultation)
    before = consultation.links[heard.role]
    # The node's clock may be ahead of ours; a packet from the future came now.
    active = consultation.state is State.ACTIVE
    link = before.heard(min(heard.at, now), policy.link(heard.role) if active else _NO_DROP)
    if link == before:
        return Change(consultation)
    consultation = consultation.with_link(heard.role, link)
    if not active:
        return _start_when_both_are_here(consultation, now, policy)
    if link.state is LinkState.DROPPED:
        return move(consultation, Trigger.SPECIALIST_DROPPED, now, policy)
    if before.state is LinkState.RECONNECTING:
        return Change(consultation, (Reconnected(now, heard.role),))
    if consultation.service_by is not None:
        return _resumed(consultation, heard.role.other, now, policy)
    return Change(consultation)


def _resumed(consultation: Consultation, other: Role, now: float, policy: Policy) -> Change:
    """The room is heard of again. From now on silence counts afresh, the other side's too."""
    link = consultation.links[other].heard(now, policy.link(other))
    resumed = replace(consultation.with_link(other, link), service_by=None)
    return Change(resumed, (Resumed(now),))


def _start_when_both_are_here(consultation: Consultation, now: float, policy: Policy) -> Change:
    links = consultation.links.values()
    if not all(link.heard_within(policy.connected_within_s, now) for link in links):
        return Change(consultation)
    return move(consultation, Trigger.BOTH_CONNECTED, now, policy)


def _interrupted(consultation: Consultation, now: float, policy: Policy) -> Change:
    for role, link in consultation.links.items():
        if link.state is not LinkState.DROPPED:
            link = link.moved(LinkTrigger.SERVICE_INTERRUPTED)
            consultation = consultation.with_link(role, link)
    if consultation.state is not State.ACTIVE or consultation.service_by is not None:
        # Interrupted again before anyone came back, it does not get a longer life by that.
        return Change(consultation)
    interrupted = replace(consultation, service_by=now + policy.service_within_s)
    return Change(interrupted, (Interrupted(now),))
