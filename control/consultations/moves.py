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
from control.consultations.parties import Role
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

# Who caused an end that nobody commanded.
_CAUSED_BY = {Trigger.SPECIALIST_DROPPED: Role.SPECIALIST}

_MOVED: dict[Trigger, type[Declined | Cancelled | Withdrawn | Expired]] = {
    Trigger.DECLINE: Declined,
    Trigger.CANCEL: Cancelled,
    Trigger.WITHDRAW: Withdrawn,
    Trigger.ACCEPT_TIME_OVER: Expired,
}


def move(consultation: Consultation, trigger: Trigger, at: float, policy: Policy) -> Change:
    """Carry out ``trigger``; raises NotInThisState where the table has no such step."""
    state = TRANSITIONS.get((consultation.state, trigger))
    if state is None:
        raise NotInThisState(
            f"The consultation is {consultation.state.value}; "
            f"{trigger.value.replace('_', ' ')} is not possible then."
        )
    moved = replace(consultation, state=state)
    event: Event
    if state is State.ENDED:
        by = COMMANDED_BY.get(trigger, _CAUSED_BY.get(trigger))
        # Whoever left before the start: there was no session, and none is paid for.
        started = consultation.state is State.ACTIVE
        end = End(END_REASONS[trigger] if started else EndReason.DID_NOT_START, by)
        moved = replace(moved, end=end, ended_at=at, start_by=None, service_by=None, early_end=None)
        event = Ended(at, end.reason, by)
    elif state is State.ACCEPTED:
        moved = replace(moved, accepted_at=at, start_by=at + policy.start_within_s)
        event = Accepted(at)
    elif state is State.ACTIVE:
        ends_at = at + consultation.terms.duration_s
        moved = replace(moved, started_at=at, ends_at=ends_at, start_by=None)
        event = Started(at)
    else:
        moved = replace(moved, withdrawn=trigger is Trigger.WITHDRAW)
        event = _MOVED[trigger](at)
    return Change(moved, (event,))
