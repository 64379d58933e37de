"""What happens by itself."""

from control.consultations.commands import Heard, Leave, ProposeEarlyEnd, perform
from control.consultations.deadlines import deadline, due
from control.consultations.events import (
    EarlyEndLapsed,
    Ended,
    Expired,
    FlowStopped,
    Interrupted,
    ReconnectingBegan,
)
from control.consultations.parties import Actor
from control.consultations.states import EndReason, State
from tests.control.consultations.cases import (
    ACCEPTED_AT,
    ASKED_AT,
    CLIENT,
    SPECIALIST,
    STARTED_AT,
    accepted,
    active,
    after,
    heard_until,
    in_state,
    requested,
)


def test_an_unanswered_request_expires_after_five_minutes() -> None:
    assert deadline(requested()) == ASKED_AT + 300
    assert due(requested(), ASKED_AT + 299.9) == (requested(), ())
    expired, events = due(requested(), ASKED_AT + 300)
    assert expired.state is State.EXPIRED
    assert events == (Expired(ASKED_AT + 300),)


def test_not_started_within_two_minutes_it_did_not_start() -> None:
    assert deadline(accepted()) == ACCEPTED_AT + 120
    ended, events = due(accepted(), ACCEPTED_AT + 500)
    assert events == (Ended(ACCEPTED_AT + 120, EndReason.DID_NOT_START, Actor.SERVICE),)
    assert ended.ended_at == ACCEPTED_AT + 120


def test_the_session_ends_after_the_specialists_duration() -> None:
    end = STARTED_AT + 1800
    running = heard_until(active(), end - 1)
    assert running.state is State.ACTIVE
    ended = due(running, end).consultation
    assert ended.end is not None
    assert ended.end.reason is EndReason.COMPLETED
    assert ended.ended_at == end


def test_a_proposal_lapses_after_sixty_seconds() -> None:
    proposed = after(active(), STARTED_AT, ProposeEarlyEnd(CLIENT))
    proposed = heard_until(proposed, STARTED_AT + 59)
    assert proposed.early_end is not None
    lapsed, events = perform(proposed, Heard(SPECIALIST, STARTED_AT + 60), STARTED_AT + 60)
    assert EarlyEndLapsed(STARTED_AT + 60) in events
    assert lapsed.early_end is None
    assert lapsed.state is State.ACTIVE


def test_what_is_over_has_no_deadlines() -> None:
    for state in (State.DECLINED, State.EXPIRED, State.CANCELLED, State.ENDED):
        consultation = in_state(state)
        assert deadline(consultation) is None
        assert due(consultation, ASKED_AT + 1e6) == (consultation, ())


def test_looked_at_late_things_happened_in_the_order_of_their_times() -> None:
    proposed = after(active(), STARTED_AT, ProposeEarlyEnd(CLIENT))
    _, events = due(proposed, STARTED_AT + 9000)
    assert [type(event) for event in events] == [
        FlowStopped,
        ReconnectingBegan,
        ReconnectingBegan,
        Interrupted,
        EarlyEndLapsed,
    ]
    times = [event.at for event in events]
    assert times == sorted(times)


def test_one_end_only() -> None:
    ended = after(active(), STARTED_AT + 1, Leave(CLIENT))
    assert due(ended, STARTED_AT + 5000) == (ended, ())
