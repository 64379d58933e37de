"""What the two sides say to each other of the session's end: proposals, answers, farewells."""

from dataclasses import replace
from decimal import Decimal

from control.consultations.announcement import announce
from control.consultations.consultation import Change, Consultation
from control.consultations.early_end import (
    EARLY_END_TRANSITIONS,
    EarlyEnd,
    EarlyEndState,
    EarlyEndTrigger,
)
from control.consultations.events import (
    EarlyEndProposed,
    EarlyEndRefused,
    EarlyEndWithdrawn,
    ExtensionAccepted,
    ExtensionProposed,
    ExtensionRefused,
    ExtensionWithdrawn,
)
from control.consultations.extension import (
    EXTENSION_TRANSITIONS,
    AcceptedExtension,
    Extension,
    ExtensionState,
    ExtensionTrigger,
    extension,
)
from control.consultations.leaving import (
    LEAVING_TRANSITIONS,
    Leaving,
    LeavingState,
    LeavingTrigger,
)
from control.consultations.moves import move
from control.consultations.parties import Role
from control.consultations.policy import Policy
from control.consultations.states import State, Trigger
from control.errors import (
    AlreadyLeaving,
    EarlyEndAlreadyProposed,
    ExtensionAlreadyProposed,
    NoEarlyEndProposed,
    NoExtensionProposed,
    NotInThisState,
    NotPermitted,
    OwnEarlyEnd,
)


def propose_early_end(consultation: Consultation, by: Role, now: float, policy: Policy) -> Change:
    """``by`` asks to end early."""
    _must_be_active(consultation, "ends early")
    _must_stay(consultation)
    if (early_end_state(consultation), EarlyEndTrigger.PROPOSE) not in EARLY_END_TRANSITIONS:
        raise EarlyEndAlreadyProposed("One proposal at a time; this one waits for its answer.")
    proposal = EarlyEnd(by, now, now + policy.early_end_within_s)
    proposed = replace(consultation, early_end=proposal, early_end_refused_at=None)
    return Change(proposed, (EarlyEndProposed(now, by, proposal.lapses_at),))


def answer_early_end(
    consultation: Consultation, by: Role, accepted: bool, now: float, policy: Policy
) -> Change:
    """``by``, who did not propose it, accepts or refuses."""
    trigger = EarlyEndTrigger.ACCEPT if accepted else EarlyEndTrigger.REFUSE
    proposal, state = _early_end_after(consultation, trigger)
    if proposal.by is by:
        raise OwnEarlyEnd("The other side answers this proposal.")
    if state is EarlyEndState.AGREED:
        return move(consultation, Trigger.EARLY_END_AGREED, now, policy, by=by.actor)
    refused = replace(consultation, early_end=None, early_end_refused_at=now)
    return Change(refused, (EarlyEndRefused(now, by),))


def withdraw_early_end(consultation: Consultation, by: Role, now: float) -> Change:
    """``by``, who proposed it, takes it back."""
    proposal, _ = _early_end_after(consultation, EarlyEndTrigger.WITHDRAW)
    if proposal.by is not by:
        raise NotPermitted("Only the side that proposed it withdraws a proposal.")
    return Change(replace(consultation, early_end=None), (EarlyEndWithdrawn(now, by),))


def propose_extension(
    consultation: Consultation,
    by: Role,
    duration_s: int,
    price: Decimal,
    now: float,
    policy: Policy,
) -> Change:
    """The specialist offers to go on for longer."""
    if by is not Role.SPECIALIST:
        raise NotPermitted("Only the specialist proposes an extension.")
    _must_be_active(consultation, "is extended")
    _must_stay(consultation)
    if (extension_state(consultation), ExtensionTrigger.PROPOSE) not in EXTENSION_TRANSITIONS:
        raise ExtensionAlreadyProposed("One extension at a time; this one waits for its answer.")
    assert consultation.ends_at is not None
    lapses_at = min(now + policy.extension_within_s, consultation.ends_at)
    if consultation.service_by is not None:
        # The end moves when the interruption is over; the client has the whole time to answer.
        lapses_at = now + policy.extension_within_s
    offer = extension(duration_s, price, now, lapses_at)
    proposed = replace(consultation, extension=offer, extension_refused_at=None)
    currency = consultation.terms.currency
    told = ExtensionProposed(now, offer.duration_s, offer.price, currency, offer.lapses_at)
    return Change(proposed, (told,))


def answer_extension(consultation: Consultation, by: Role, accepted: bool, now: float) -> Change:
    """The client accepts, and the session's end moves; or refuses."""
    if by is not Role.CLIENT:
        raise NotPermitted("Only the client answers the offer of an extension.")
    trigger = ExtensionTrigger.ACCEPT if accepted else ExtensionTrigger.REFUSE
    offer = _extension_before(consultation, trigger)
    if not accepted:
        refused = replace(consultation, extension=None, extension_refused_at=now)
        return Change(refused, (ExtensionRefused(now),))
    assert consultation.ends_at is not None
    ends_at = consultation.ends_at + offer.duration_s
    agreed = AcceptedExtension(offer.duration_s, offer.price, now)
    extended = replace(
        consultation,
        ends_at=ends_at,
        extension=None,
        extensions=(*consultation.extensions, agreed),
    )
    currency = consultation.terms.currency
    told = ExtensionAccepted(now, offer.duration_s, offer.price, currency, ends_at)
    return Change(extended, (told,))


def withdraw_extension(consultation: Consultation, by: Role, now: float) -> Change:
    """The specialist takes the offer back."""
    if by is not Role.SPECIALIST:
        raise NotPermitted("Only the specialist withdraws the offer of an extension.")
    _extension_before(consultation, ExtensionTrigger.WITHDRAW)
    return Change(replace(consultation, extension=None), (ExtensionWithdrawn(now),))


def leave(consultation: Consultation, by: Role, now: float, policy: Policy) -> Change:
    """``by`` goes: a client at once, a specialist in an active session after a countdown.

    The client is told then. Whoever ends it in that time, the end is the specialist's.
    """
    state = leaving_state(consultation)
    if by is Role.CLIENT:
        announced = (state, LeavingTrigger.CLIENT_LEAVES) in LEAVING_TRANSITIONS
        if announced and consultation.leaving is not None:
            return move(consultation, consultation.leaving.trigger, now, policy)
        return move(consultation, Trigger.CLIENT_LEAVES, now, policy)
    if consultation.state is not State.ACTIVE:
        return move(consultation, Trigger.SPECIALIST_LEAVES, now, policy)
    if (state, LeavingTrigger.ANNOUNCE) not in LEAVING_TRANSITIONS:
        raise AlreadyLeaving("The client has been told; the session ends in a few seconds.")
    return announce(consultation, Leaving(by, now, now + policy.leave_countdown_s))


def early_end_state(consultation: Consultation) -> EarlyEndState:
    """Where the proposal to end early stands."""
    if consultation.early_end is not None:
        return EarlyEndState.PROPOSED
    return EarlyEndState.NONE


def extension_state(consultation: Consultation) -> ExtensionState:
    """Where the offer of an extension stands."""
    return ExtensionState.NONE if consultation.extension is None else ExtensionState.PROPOSED


def leaving_state(consultation: Consultation) -> LeavingState:
    """Whether the countdown of a specialist who leaves runs."""
    return LeavingState.STAYING if consultation.leaving is None else LeavingState.LEAVING


def _early_end_after(
    consultation: Consultation, trigger: EarlyEndTrigger
) -> tuple[EarlyEnd, EarlyEndState]:
    _must_be_active(consultation, "ends early")
    state = EARLY_END_TRANSITIONS.get((early_end_state(consultation), trigger))
    if consultation.early_end is None or state is None:
        raise NoEarlyEndProposed("There is no open proposal; it may have lapsed.")
    return consultation.early_end, state


def _extension_before(consultation: Consultation, trigger: ExtensionTrigger) -> Extension:
    _must_be_active(consultation, "is extended")
    known = (extension_state(consultation), trigger) in EXTENSION_TRANSITIONS
    if consultation.extension is None or not known:
        raise NoExtensionProposed("There is no open offer of an extension; it may have lapsed.")
    return consultation.extension


def _must_be_active(consultation: Consultation, what: str) -> None:
    if consultation.state is not State.ACTIVE:
        raise NotInThisState(
            f"Only an active session {what}; this consultation is {consultation.state.value}."
        )


def _must_stay(consultation: Consultation) -> None:
    if consultation.leaving is not None:
        raise AlreadyLeaving("The specialist is leaving; nothing is proposed any more.")
