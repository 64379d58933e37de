"""What people and the room do to a consultation."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, assert_never

from control.consultations import proposals, room
from control.consultations.consultation import Change, Consultation
from control.consultations.deadlines import due
from control.consultations.events import QualityMeasured
from control.consultations.moves import move
from control.consultations.parties import Actor, Role
from control.consultations.policy import PLATFORM, Policy
from control.consultations.ratings import Subject
from control.consultations.reviews import rate
from control.consultations.states import COMMANDED_BY, Trigger
from control.consultations.text import cleaned
from control.errors import BadInput, NotInThisState, NotPermitted

MAX_DECLINE_REASON_CHARACTERS = 500
MAX_OPERATOR_REASON_CHARACTERS = 500


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
    """The service: another request of one side was accepted. Or an operator, who blocks one."""

    by: Actor


@dataclass(frozen=True)
class Leave:
    """Someone ends the session outright; a specialist's client is told some seconds before."""

    by: Role


@dataclass(frozen=True)
class ProposeEarlyEnd:
    """Someone asks to end early."""

    by: Role


@dataclass(frozen=True)
class WithdrawEarlyEnd:
    """Who proposed it takes it back."""

    by: Role


@dataclass(frozen=True)
class AnswerEarlyEnd:
    """The other side accepts or refuses the proposal."""

    by: Role
    accepted: bool


@dataclass(frozen=True)
class ProposeExtension:
    """The specialist offers ``duration_s`` more for ``price`` more, in the terms' currency."""

    by: Role
    duration_s: int
    price: Decimal


@dataclass(frozen=True)
class AnswerExtension:
    """The client accepts or refuses the offer."""

    by: Role
    accepted: bool


@dataclass(frozen=True)
class WithdrawExtension:
    """The specialist takes the offer back."""

    by: Role


@dataclass(frozen=True)
class EndByOperator:
    """An operator ends the consultation, and says why; None where that concerns nobody else."""

    detail: str | None


@dataclass(frozen=True)
class Rate:
    """The client rates the specialist or the connection."""

    by: Role
    subject: Subject
    stars: int
    comment: str


@dataclass(frozen=True)
class NoteQuality:
    """The room is closed, and how the connections in it did is summed up."""

    summary: Mapping[str, Any]


@dataclass(frozen=True)
class Heard:
    """The node heard an authenticated packet of a participant ``at`` (Unix seconds)."""

    role: Role
    at: float


@dataclass(frozen=True)
class ServiceInterrupted:
    """Nobody listened to the room after ``since``: control or the node was restarted."""

    since: float


Order = (
    Accept
    | Decline
    | Cancel
    | Withdraw
    | Leave
    | ProposeEarlyEnd
    | WithdrawEarlyEnd
    | AnswerEarlyEnd
    | ProposeExtension
    | AnswerExtension
    | WithdrawExtension
    | EndByOperator
    | Rate
    | NoteQuality
)
Command = Order | Heard | ServiceInterrupted


def perform(
    consultation: Consultation, command: Command, now: float, policy: Policy = PLATFORM
) -> Change:
    """Carry out ``command`` at ``now``, after everything that was due before it.

    Raises a ControlError (and nothing has changed) when the rules refuse it.
    """
    match command:
        case Heard(role, at):
            change = room.heard(consultation, role, at, now, policy)
        case ServiceInterrupted(since):
            change = room.fell_silent(consultation, since, now, policy)
        case _:
            settled = due(consultation, now, policy)
            change = settled.then(lambda it: _obey(it, command, now, policy))
    return change.numbered(consultation.seq)


def _obey(consultation: Consultation, command: Order, now: float, policy: Policy) -> Change:
    match command:
        case Accept(by):
            return _commanded(consultation, Trigger.ACCEPT, by, now, policy)
        case Decline(by, reason):
            text = cleaned(reason or "", MAX_DECLINE_REASON_CHARACTERS) or None
            return _commanded(consultation, Trigger.DECLINE, by, now, policy, text)
        case Cancel(by):
            return _commanded(consultation, Trigger.CANCEL, by, now, policy)
        case Withdraw(cause):
            return move(consultation, Trigger.WITHDRAW, now, policy, by=cause)
        case Leave(by):
            return proposals.leave(consultation, by, now, policy)
        case ProposeEarlyEnd(by):
            return proposals.propose_early_end(consultation, by, now, policy)
        case WithdrawEarlyEnd(by):
            return proposals.withdraw_early_end(consultation, by, now)
        case AnswerEarlyEnd(by, accepted):
            return proposals.answer_early_end(consultation, by, accepted, now, policy)
        case ProposeExtension(by, duration_s, price):
            return proposals.propose_extension(consultation, by, duration_s, price, now, policy)
        case AnswerExtension(by, accepted):
            return proposals.answer_extension(consultation, by, accepted, now)
        case WithdrawExtension(by):
            return proposals.withdraw_extension(consultation, by, now)
        case EndByOperator(detail):
            return _end_by_operator(consultation, detail, now, policy)
        case Rate(by, subject, stars, comment):
            return rate(consultation, by, subject, stars, comment, now, policy)
        case NoteQuality(summary):
            return _note_quality(consultation, summary, now)
        case _:
            assert_never(command)


def _commanded(
    consultation: Consultation,
    trigger: Trigger,
    by: Role,
    now: float,
    policy: Policy,
    detail: str | None = None,
) -> Change:
    if COMMANDED_BY[trigger] is not by:
        raise NotPermitted(f"A {by.value} cannot {trigger.value} a request.")
    return move(consultation, trigger, now, policy, detail=detail)


def _note_quality(consultation: Consultation, summary: Mapping[str, Any], now: float) -> Change:
    if consultation.is_open:
        raise NotInThisState("The quality of a consultation is summed up when it is over.")
    return Change(consultation, (QualityMeasured(now, summary),))


def _end_by_operator(
    consultation: Consultation, detail: str | None, now: float, policy: Policy
) -> Change:
    if detail is not None:
        detail = cleaned(detail, MAX_OPERATOR_REASON_CHARACTERS)
    if detail == "":
        raise BadInput("Say why the consultation is ended.")
    return move(consultation, Trigger.OPERATOR_ENDS, now, policy, detail=detail)
