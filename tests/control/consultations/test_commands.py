"""Who may command what, and when."""

from collections.abc import Callable
from itertools import product

import pytest

from control.consultations.commands import (
    Accept,
    AnswerEarlyEnd,
    Cancel,
    Command,
    Decline,
    Heard,
    Leave,
    ProposeEarlyEnd,
    Rate,
    perform,
)
from control.consultations.consultation import Consultation, End
from control.consultations.parties import Actor, Role
from control.consultations.ratings import Subject
from control.consultations.states import EndReason, State
from control.errors import BadInput, ControlError, NotInThisState, NotPermitted
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

# command → (by whom, in which states) it is carried out, written from the rules.
COMMANDS: dict[str, tuple[Callable[[Role], Command], set[Role], set[State]]] = {
    "accept": (Accept, {SPECIALIST}, {State.REQUESTED}),
    "decline": (Decline, {SPECIALIST}, {State.REQUESTED}),
    "cancel": (Cancel, {CLIENT}, {State.REQUESTED}),
    "leave": (Leave, {CLIENT, SPECIALIST}, {State.ACCEPTED, State.ACTIVE}),
    "propose": (ProposeEarlyEnd, {CLIENT, SPECIALIST}, {State.ACTIVE}),
    "rate": (lambda by: Rate(by, Subject.TECHNICAL, 3, ""), {CLIENT}, {State.ENDED}),
}


@pytest.mark.parametrize(("name", "role", "state"), list(product(COMMANDS, Role, State)))
def test_every_command_by_every_role_in_every_state(name: str, role: Role, state: State) -> None:
    command, roles, states = COMMANDS[name]
    consultation = in_state(state)
    now = consultation.requested_at + 1
    if role in roles and state in states:
        change = perform(consultation, command(role), now)
        assert change.events
        assert change.consultation != consultation
        return
    with pytest.raises(ControlError) as refused:
        perform(consultation, command(role), now)
    if role not in roles:
        assert isinstance(refused.value, NotPermitted)
    else:
        assert refused.value.status == 409


def test_acceptance_sets_the_time_to_start() -> None:
    assert accepted().accepted_at == ACCEPTED_AT
    assert accepted().start_by == ACCEPTED_AT + 120


@pytest.mark.parametrize(
    ("seconds", "state"), [(299.9, State.ACCEPTED), (300.0, State.EXPIRED), (301, State.EXPIRED)]
)
def test_acceptance_in_the_last_moment_and_too_late(seconds: float, state: State) -> None:
    consultation = requested()
    now = ASKED_AT + seconds
    if state is State.ACCEPTED:
        assert after(consultation, now, Accept(SPECIALIST)).state is State.ACCEPTED
    else:
        with pytest.raises(NotInThisState, match="expired"):
            perform(consultation, Accept(SPECIALIST), now)


def test_declining_keeps_the_reason() -> None:
    declined = after(requested(), ACCEPTED_AT, Decline(SPECIALIST, "  Утре съм на линия. "))
    assert declined.decline_reason == "Утре съм на линия."
    assert after(requested(), ACCEPTED_AT, Decline(SPECIALIST, "  ")).decline_reason is None


def test_a_reason_without_end_is_refused() -> None:
    with pytest.raises(BadInput):
        perform(requested(), Decline(SPECIALIST, "x" * 501), ACCEPTED_AT)


def test_the_session_starts_when_both_are_heard_within_two_seconds() -> None:
    waiting = after(accepted(), STARTED_AT, Heard(CLIENT, STARTED_AT))
    assert waiting.state is State.ACCEPTED
    late = after(waiting, STARTED_AT + 2.1, Heard(SPECIALIST, STARTED_AT + 2.1))
    assert late.state is State.ACCEPTED
    started = after(late, STARTED_AT + 3, Heard(CLIENT, STARTED_AT + 2.9))
    assert started.state is State.ACTIVE
    assert started.started_at == STARTED_AT + 3
    assert started.ends_at == STARTED_AT + 3 + 1800
    assert started.start_by is None


def test_someone_away_for_long_before_the_start_may_still_come() -> None:
    once = after(accepted(), STARTED_AT, Heard(SPECIALIST, STARTED_AT))
    back = after(
        once, STARTED_AT + 60, Heard(SPECIALIST, STARTED_AT + 60), Heard(CLIENT, STARTED_AT + 60)
    )
    assert back.state is State.ACTIVE


def test_a_client_leaves_at_once() -> None:
    ended = after(active(), STARTED_AT + 5, Leave(CLIENT))
    assert ended.end == End(EndReason.CLIENT_LEFT, Actor.CLIENT)
    assert ended.ended_at == STARTED_AT + 5


@pytest.mark.parametrize("role", Role)
def test_leaving_before_the_start_there_was_no_session(role: Role) -> None:
    ended = after(accepted(), STARTED_AT, Leave(role))
    assert ended.end is not None
    assert (ended.end.reason, ended.end.by) == ("did_not_start", role.actor)
    rate = Rate(CLIENT, Subject.SPECIALIST, 1, "")
    assert _refusal(ended, rate) == "not-ratable"


def test_a_command_comes_after_what_was_due_before_it() -> None:
    with pytest.raises(NotInThisState, match="ended"):
        perform(heard_until(active(), STARTED_AT + 1799), Leave(CLIENT), STARTED_AT + 1800)


def test_nothing_is_heard_of_the_ended() -> None:
    ended = after(active(), STARTED_AT + 5, Leave(CLIENT))
    assert perform(ended, Heard(CLIENT, STARTED_AT + 6), STARTED_AT + 6) == (ended, ())


class TestEarlyEnd:
    """The proposal, by either side, and the answer of the other."""

    @pytest.mark.parametrize("by", Role)
    def test_accepted_it_ends_the_session(self, by: Role) -> None:
        proposed = after(active(), STARTED_AT + 5, ProposeEarlyEnd(by))
        assert proposed.early_end is not None
        assert proposed.early_end.by is by
        assert proposed.early_end.lapses_at == STARTED_AT + 65
        ended = after(proposed, STARTED_AT + 6, AnswerEarlyEnd(by.other, accepted=True))
        assert ended.end is not None
        assert ended.end.reason == "early_end_agreed"
        assert ended.early_end is None

    @pytest.mark.parametrize("by", Role)
    def test_refused_it_leaves_the_session_running(self, by: Role) -> None:
        proposed = after(active(), STARTED_AT + 5, ProposeEarlyEnd(by))
        refused = after(proposed, STARTED_AT + 6, AnswerEarlyEnd(by.other, accepted=False))
        assert refused.state is State.ACTIVE
        assert refused.early_end is None
        assert refused.early_end_refused_at == STARTED_AT + 6
        assert refused.ends_at == active().ends_at
        again = after(refused, STARTED_AT + 7, ProposeEarlyEnd(by))
        assert again.early_end is not None
        assert again.early_end_refused_at is None

    @pytest.mark.parametrize("accepted", [True, False])
    @pytest.mark.parametrize("by", Role)
    def test_nobody_answers_their_own(self, by: Role, accepted: bool) -> None:
        proposed = after(active(), STARTED_AT + 5, ProposeEarlyEnd(by))
        assert _refusal(proposed, AnswerEarlyEnd(by, accepted)) == "own-early-end"

    @pytest.mark.parametrize("by", Role)
    def test_one_at_a_time(self, by: Role) -> None:
        proposed = after(active(), STARTED_AT + 5, ProposeEarlyEnd(CLIENT))
        assert _refusal(proposed, ProposeEarlyEnd(by)) == "early-end-already-proposed"

    @pytest.mark.parametrize("accepted", [True, False])
    def test_there_must_be_one_to_answer(self, accepted: bool) -> None:
        assert _refusal(active(), AnswerEarlyEnd(CLIENT, accepted)) == "no-early-end-proposed"

    def test_answered_after_it_lapsed(self) -> None:
        proposed = after(active(), STARTED_AT, ProposeEarlyEnd(CLIENT))
        late = STARTED_AT + 60
        kept = heard_until(proposed, late - 1)
        assert kept.early_end is not None
        answer = AnswerEarlyEnd(SPECIALIST, accepted=True)
        assert _refusal(kept, answer, late) == "no-early-end-proposed"

    def test_only_in_an_active_session(self) -> None:
        assert _refusal(accepted(), ProposeEarlyEnd(CLIENT)) == "not-in-this-state"
        assert _refusal(accepted(), AnswerEarlyEnd(CLIENT, True)) == "not-in-this-state"


class TestRatings:
    """Two, by the client, after the end."""

    def test_each_is_kept(self) -> None:
        ended = in_state(State.ENDED)
        rated = after(
            ended,
            STARTED_AT + 10,
            Rate(CLIENT, Subject.SPECIALIST, 5, " Чудесно "),
            Rate(CLIENT, Subject.TECHNICAL, 2, ""),
        )
        kept = {subject: (each.stars, each.comment) for subject, each in rated.ratings.items()}
        assert kept == {"specialist": (5, "Чудесно"), "technical": (2, "")}

    def test_changeable_for_a_day_after_it_was_first_given(self) -> None:
        rated = after(in_state(State.ENDED), 2000.0, Rate(CLIENT, Subject.SPECIALIST, 1, ""))
        day = 24 * 3600
        changed = after(rated, 2000.0 + day, Rate(CLIENT, Subject.SPECIALIST, 4, ""))
        assert changed.ratings[Subject.SPECIALIST].stars == 4
        late = 2000.0 + day + 1
        change = Rate(CLIENT, Subject.SPECIALIST, 5, "")
        assert _refusal(changed, change, late) == "not-ratable"

    def test_what_did_not_start_is_not_rated(self) -> None:
        unstarted = after(accepted(), ACCEPTED_AT + 120, Heard(CLIENT, ACCEPTED_AT))
        assert unstarted.end is not None
        assert unstarted.end.reason == "did_not_start"
        assert _refusal(unstarted, Rate(CLIENT, Subject.TECHNICAL, 1, "")) == "not-ratable"

    @pytest.mark.parametrize("stars", [0, 6, -1])
    def test_stars_out_of_bounds(self, stars: int) -> None:
        rate = Rate(CLIENT, Subject.TECHNICAL, stars, "")
        assert _refusal(in_state(State.ENDED), rate) == "rating-invalid"

    def test_a_comment_without_end(self) -> None:
        rate = Rate(CLIENT, Subject.TECHNICAL, 1, "x" * 2001)
        assert _refusal(in_state(State.ENDED), rate) == "rating-invalid"


def _refusal(consultation: Consultation, command: Command, now: float = STARTED_AT + 8) -> str:
    with pytest.raises(ControlError) as refused:
        perform(consultation, command, now)
    return refused.value.code
