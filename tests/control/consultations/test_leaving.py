"""A specialist who leaves: the client is told, then it ends; and what comes first wins."""

import pytest

from control.consultations.commands import (
    AnswerEarlyEnd,
    EndByOperator,
    Heard,
    Leave,
    ProposeEarlyEnd,
    ProposeExtension,
    ServiceInterrupted,
    WithdrawEarlyEnd,
    perform,
)
from control.consultations.consultation import End
from control.consultations.events import (
    EarlyEndWithdrawn,
    Ended,
    ExtensionWithdrawn,
    Interrupted,
    LeavingAnnounced,
    ReconnectingBegan,
)
from control.consultations.parties import Actor, Role
from control.consultations.states import EndReason, State
from control.errors import AlreadyLeaving, NotInThisState
from tests.control.consultations.cases import CLIENT, SPECIALIST, STARTED_AT, TERMS, in_state
from tests.control.consultations.session import Session

LEFT = End(EndReason.SPECIALIST_LEFT, Actor.SPECIALIST)


def leaving(at: float = 100.0) -> Session:
    """The specialist has just said that they leave."""
    return Session().until(at).do(Leave(SPECIALIST))


def test_the_client_is_told_and_ten_seconds_later_it_ends() -> None:
    session = leaving()
    told = LeavingAnnounced(STARTED_AT + 100, SPECIALIST, STARTED_AT + 110)
    assert session.of(LeavingAnnounced) == [told]
    assert session.until(109.9).consultation.state is State.ACTIVE
    session.until(110)
    assert session.consultation.end == LEFT
    assert session.consultation.ended_at == STARTED_AT + 110
    assert session.consultation.leaving is None
    assert session.consultation.paid_s(session.now) == 110


def test_leaving_twice_is_refused() -> None:
    with pytest.raises(AlreadyLeaving):
        leaving().do(Leave(SPECIALIST))


def test_a_client_who_does_not_wait_did_not_end_it() -> None:
    session = leaving().until(103).do(Leave(CLIENT))
    assert session.consultation.end == LEFT
    assert session.consultation.ended_at == STARTED_AT + 103


def test_the_sessions_own_end_comes_first() -> None:
    session = leaving(1795).until(1810)
    assert session.consultation.end == End(EndReason.COMPLETED, Actor.SERVICE)
    assert session.consultation.ended_at == STARTED_AT + 1800


def test_at_the_same_moment_the_whole_session_was_given() -> None:
    session = leaving(1790).until(1810)
    assert session.consultation.end == End(EndReason.COMPLETED, Actor.SERVICE)


def test_both_lines_are_cut_meanwhile() -> None:
    session = leaving().vanish(CLIENT, SPECIALIST).until(130)
    assert session.consultation.end == LEFT
    assert session.consultation.ended_at == STARTED_AT + 110
    assert session.of(Interrupted) == []
    # Until the last packets.
    assert session.consultation.paid_s(session.now) == 100


def test_the_specialist_was_silent_before_and_no_drop_is_declared() -> None:
    session = Session().until(100).vanish(SPECIALIST).until(112).do(Leave(SPECIALIST)).until(130)
    assert session.consultation.end == LEFT
    assert session.consultation.ended_at == STARTED_AT + 122


def test_a_packet_after_long_silence_is_no_drop_either() -> None:
    session = Session().until(100).vanish(SPECIALIST).until(112).do(Leave(SPECIALIST)).until(118)
    session.come_back(SPECIALIST)
    assert session.consultation.state is State.ACTIVE
    assert session.until(122).consultation.end == LEFT


def test_the_silence_of_one_who_leaves_is_told_without_a_limit() -> None:
    session = leaving().vanish(SPECIALIST).until(105)
    told = ReconnectingBegan(STARTED_AT + 104, SPECIALIST, None)
    assert session.of(ReconnectingBegan) == [told]


def test_the_service_is_interrupted_meanwhile() -> None:
    session = leaving(1797)
    # Control is away until after both ends.
    consultation, _ = perform(
        session.consultation, ServiceInterrupted(STARTED_AT + 1798), STARTED_AT + 1850
    )
    assert consultation.end == LEFT
    assert consultation.ended_at == STARTED_AT + 1807


def test_what_the_specialist_proposed_is_withdrawn() -> None:
    offer = ProposeExtension(SPECIALIST, 600, TERMS.price)
    session = Session().until(5).do(offer, ProposeEarlyEnd(SPECIALIST), Leave(SPECIALIST))
    at = STARTED_AT + 5
    assert session.happened[-3:] == [
        ExtensionWithdrawn(at),
        EarlyEndWithdrawn(at, SPECIALIST),
        LeavingAnnounced(at, SPECIALIST, at + 10),
    ]
    assert session.consultation.early_end is None
    assert session.consultation.extension is None


def test_the_clients_proposal_stands_and_may_be_accepted() -> None:
    session = Session().until(5).do(ProposeEarlyEnd(CLIENT), Leave(SPECIALIST)).until(8)
    session.do(AnswerEarlyEnd(SPECIALIST, accepted=True))
    assert session.consultation.end == End(EndReason.EARLY_END_AGREED, Actor.SPECIALIST)
    assert session.consultation.leaving is None


def test_the_clients_proposal_stands_and_may_be_withdrawn_or_refused() -> None:
    for answer in (WithdrawEarlyEnd(CLIENT), AnswerEarlyEnd(SPECIALIST, accepted=False)):
        session = Session().until(5).do(ProposeEarlyEnd(CLIENT), Leave(SPECIALIST), answer)
        assert session.consultation.early_end is None
        assert session.until(15).consultation.end == LEFT


@pytest.mark.parametrize("by", [CLIENT, SPECIALIST])
def test_nothing_new_is_proposed(by: Role) -> None:
    with pytest.raises(AlreadyLeaving):
        leaving().do(ProposeEarlyEnd(by))


def test_an_operator_ends_it_sooner() -> None:
    session = leaving().until(101).do(EndByOperator("  Оплакване "))
    assert session.consultation.end == End(EndReason.OPERATOR, Actor.OPERATOR, "Оплакване")
    assert session.of(Ended) == [
        Ended(STARTED_AT + 101, EndReason.OPERATOR, Actor.OPERATOR, "Оплакване")
    ]


def test_one_end_only() -> None:
    session = leaving().until(5000)
    assert len(session.of(Ended)) == 1
    for command in (Leave(CLIENT), Leave(SPECIALIST), EndByOperator("x")):
        with pytest.raises(NotInThisState):
            session.do(command)
    assert perform(in_state(State.ENDED), Heard(CLIENT, 9000.0), 9000.0).events == ()
