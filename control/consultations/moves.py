"""The one place where a consultation changes its state."""

from dataclasses import replace

from control.consultations.consultation import Change, Consultation, End
from control.consultations.events import (
    Accepted,
    Cancelled,
    Declined,
    Ended,
    Event,
    Expired,
    Started,
    Withdrawn,
)
from control.consultations.flow import flow_began, flow_ended
from control.consultations.paid_time import FlowTrigger
from control.consultations.parties import Actor
from control.consultations.policy import Policy
from control.consultations.states import (
    COMMANDED_BY,
    END_REASONS,
    TRANSITIONS,
    EndReason,
    State,
    Trigger,
)
from control.errors import NotInThisState

# Who caused an end that neither side commanded; where nothing stands it is the service.
_CAUSED_BY = {
    Trigger.SPECIALIST_DROPPED: Actor.SPECIALIST,
    Trigger.CLIENT_DROPPED: Actor.CLIENT,
    Trigger.OPERATOR_ENDS: Actor.OPERATOR,
}

_MOVED: dict[Trigger, type[Cancelled | Expired]] = {
    Trigger.CANCEL: Cancelled,
    Trigger.ACCEPT_TIME_OVER: Expired,
}


def move(
    consultation: Consultation,
    trigger: Trigger,
    at: float,
    policy: Policy,
    *,
    by: Actor | None = None,
    detail: str | None = None,
) -> Change:
    """Carry out ``trigger``; raises NotInThisState where the table has no such step.

    ``by`` is who caused it where the trigger does not say it; ``detail`` are the words of a
    specialist who declines or of an operator.
    """
    state = TRANSITIONS.get((consultation.state, trigger))
    if state is None:
        raise NotInThisState(
            f"The consultation is {consultation.state.value}; "
            f"{trigger.value.replace('_', ' ')} is not possible then."
        )
    moved = replace(consultation, state=state)
    event: Event
    if state is State.ENDED:
        cause = by or _cause(trigger)
        return flow_ended(consultation, FlowTrigger.ENDED, at, policy).then(
            lambda stopped: _ended(stopped, trigger, at, cause, detail)
        )
    if state is State.ACTIVE:
        ends_at = at + consultation.terms.duration_s
        moved = replace(moved, started_at=at, ends_at=ends_at, start_by=None)
        return Change(moved, (Started(at, ends_at),)).then(
            lambda started: flow_began(started, at, policy)
        )
    if state is State.ACCEPTED:
        moved = replace(moved, accepted_at=at, start_by=at + policy.start_within_s)
        event = Accepted(at)
    elif state is State.DECLINED:
        moved = replace(moved, decline_reason=detail)
        event = Declined(at, detail)
    elif trigger is Trigger.WITHDRAW:
        cause = by or _cause(trigger)
        moved = replace(moved, withdrawn_by=cause)
        event = Withdrawn(at, cause)
    else:
        event = _MOVED[trigger](at)
    return Change(moved, (event,))


def _cause(trigger: Trigger) -> Actor:
    role = COMMANDED_BY.get(trigger)
    return role.actor if role else _CAUSED_BY.get(trigger, Actor.SERVICE)


def _ended(
    consultation: Consultation, trigger: Trigger, at: float, by: Actor, detail: str | None
) -> Change:
    # Whoever ended it before the start: there was no session, none is paid for, none is rated.
    started = consultation.state is State.ACTIVE
    end = End(END_REASONS[trigger] if started else EndReason.DID_NOT_START, by, detail)
    ended = replace(
        consultation,
        state=State.ENDED,
        end=end,
        ended_at=at,
        start_by=None,
        early_end=None,
        extension=None,
        leaving=None,
        interrupted_since=None,
        service_by=None,
    )
    return Change(ended, (Ended(at, end.reason, by, detail),))
