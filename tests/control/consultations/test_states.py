"""The table of the consultation: every state with every trigger."""

import pytest

from control.consultations.events import Ended, FlowBegan, FlowStopped
from control.consultations.moves import move
from control.consultations.policy import PLATFORM
from control.consultations.states import END_REASONS, TRANSITIONS, EndReason, State, Trigger
from control.errors import NotInThisState
from tests.control.consultations.cases import STARTED_AT, in_state

# Written from the rules, not from the code: what may happen where, and what comes of it.
EXPECTED: dict[State, dict[str, str]] = {
    State.REQUESTED: {
        "accept": "accepted",
        "decline": "declined",
        "cancel": "cancelled",
        "withdraw": "cancelled",
        "accept_time_over": "expired",
    },
    State.ACCEPTED: {
        "both_connected": "active",
        "start_time_over": "ended",
        "specialist_leaves": "ended",
        "client_leaves": "ended",
        "operator_ends": "ended",
    },
    State.ACTIVE: {
        "time_over": "ended",
        "early_end_agreed": "ended",
        "specialist_leaves": "ended",
        "client_leaves": "ended",
        "specialist_dropped": "ended",
        "client_dropped": "ended",
        "operator_ends": "ended",
        "service_failed": "ended",
    },
    State.DECLINED: {},
    State.EXPIRED: {},
    State.CANCELLED: {},
    State.ENDED: {},
}

REASONS = {
    "time_over": "completed",
    "early_end_agreed": "early_end_agreed",
    "specialist_leaves": "specialist_left",
    "client_leaves": "client_left",
    "specialist_dropped": "specialist_connection_lost",
    "client_dropped": "client_connection_lost",
    "operator_ends": "operator",
    "start_time_over": "did_not_start",
    "service_failed": "service",
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("trigger", Trigger)
def test_every_state_with_every_trigger(state: State, trigger: Trigger) -> None:
    consultation = in_state(state)
    assert consultation.state is state
    expected = EXPECTED[state].get(trigger.value)
    if expected is None:
        with pytest.raises(NotInThisState):
            move(consultation, trigger, STARTED_AT + 5, PLATFORM)
        return
    moved, events = move(consultation, trigger, STARTED_AT + 5, PLATFORM)
    assert moved.state == expected
    # What it does to the paid time is another matter.
    (told,) = (each for each in events if not isinstance(each, (FlowBegan, FlowStopped)))
    if moved.state is State.ENDED:
        assert moved.end is not None
        reason = REASONS[trigger.value]
        if state is State.ACCEPTED:
            reason = "did_not_start"
        assert moved.end.reason == reason
        assert moved.ended_at == STARTED_AT + 5
        assert told == Ended(STARTED_AT + 5, moved.end.reason, moved.end.by)


def test_every_reason_can_be_reached() -> None:
    assert set(END_REASONS.values()) == set(EndReason)
    ending = {trigger for (_, trigger), state in TRANSITIONS.items() if state is State.ENDED}
    assert ending == set(END_REASONS)


def test_every_trigger_is_of_use() -> None:
    assert {trigger for _, trigger in TRANSITIONS} == set(Trigger)


def test_a_consultation_says_who_ended_it() -> None:
    by = {
        trigger: end.by
        for trigger in END_REASONS
        if trigger is not Trigger.START_TIME_OVER
        and (end := move(in_state(State.ACTIVE), trigger, STARTED_AT, PLATFORM)[0].end)
    }
    assert by == {
        Trigger.TIME_OVER: "service",
        # By the one who accepts it, which the command says.
        Trigger.EARLY_END_AGREED: "service",
        Trigger.SPECIALIST_LEAVES: "specialist",
        Trigger.CLIENT_LEAVES: "client",
        Trigger.SPECIALIST_DROPPED: "specialist",
        Trigger.CLIENT_DROPPED: "client",
        Trigger.OPERATOR_ENDS: "operator",
        Trigger.SERVICE_FAILED: "service",
    }
