"""Paid time: the intervals in which both sides were connected."""

import pytest

from control.consultations.commands import Heard, Leave, ServiceInterrupted, perform
from control.consultations.deadlines import due
from control.consultations.events import FlowBegan, FlowStopped
from control.consultations.paid_time import Interval
from control.consultations.parties import Role
from tests.control.consultations.cases import (
    ACCEPTED_AT,
    CLIENT,
    SPECIALIST,
    STARTED_AT,
    accepted,
    active,
    after,
)
from tests.control.consultations.session import Session


def intervals(session: Session) -> list[tuple[float, float]]:
    """The paid intervals, in seconds from the start."""
    return [
        (each.began_at - STARTED_AT, each.stopped_at - STARTED_AT)
        for each in session.consultation.paid
    ]


def test_it_begins_with_the_session() -> None:
    assert active().flowing_since == STARTED_AT
    assert active().paid == ()


def test_a_whole_session_is_paid_from_start_to_end() -> None:
    session = Session().until(1801)
    assert intervals(session) == [(0, 1800)]
    assert session.of(FlowBegan, FlowStopped) == [
        FlowStopped(STARTED_AT + 1800, STARTED_AT, 1800.0)
    ]
    assert session.consultation.paid_s(session.now) == 1800


@pytest.mark.parametrize("role", Role)
def test_it_stops_with_the_last_packet_of_the_one_who_fell_silent(role: Role) -> None:
    session = Session().until(100).vanish(role).until(110)
    assert intervals(session) == [(0, 100)]
    assert session.consultation.paid_s(session.now) == 100
    session.come_back(role).until(200).do(Leave(CLIENT))
    assert intervals(session) == [(0, 100), (110, 200)]
    assert session.of(FlowBegan, FlowStopped) == [
        FlowStopped(STARTED_AT + 100, STARTED_AT, 100.0),
        FlowBegan(STARTED_AT + 110),
        FlowStopped(STARTED_AT + 200, STARTED_AT + 110, 190.0),
    ]


def test_a_silence_of_two_seconds_is_none() -> None:
    session = Session().until(100).vanish(SPECIALIST).until(102).come_back(SPECIALIST).until(110)
    assert session.of(FlowBegan, FlowStopped) == []


def test_a_report_that_is_late_by_less_than_the_grace_costs_nothing() -> None:
    session = Session().until(100).vanish(SPECIALIST).until(102.08)
    session.do(Heard(SPECIALIST, STARTED_AT + 101))
    assert session.of(FlowBegan, FlowStopped) == []


def test_a_gap_between_two_packets_is_not_paid_however_late_we_look() -> None:
    consultation = after(active(), STARTED_AT + 1, Heard(SPECIALIST, STARTED_AT + 1))
    # Nobody looked for three seconds; then a packet is told of.
    change = perform(consultation, Heard(SPECIALIST, STARTED_AT + 4), STARTED_AT + 4)
    assert change.events[0] == FlowStopped(STARTED_AT + 1, STARTED_AT, 1.0)


def test_silent_for_less_than_two_seconds_at_the_end_one_was_there() -> None:
    session = Session().until(100).vanish(SPECIALIST).until(101.5).do(Leave(CLIENT))
    assert intervals(session) == [(0, 101.5)]


def test_silent_for_more_one_was_not() -> None:
    session = Session().until(100).vanish(SPECIALIST).until(102.1).do(Leave(CLIENT))
    assert intervals(session) == [(0, 100)]


def test_while_it_runs_it_is_told_up_to_now_but_not_beyond_the_end() -> None:
    assert active().paid_s(STARTED_AT + 5.5) == 5.5
    assert active().paid_s(STARTED_AT + 5000) == 1800
    assert active().paid_s(STARTED_AT - 5) == 0


def test_an_interruption_stops_it_when_we_were_last_alive() -> None:
    session = Session().until(100)
    session.now += 60
    session.do(ServiceInterrupted(STARTED_AT + 100.5))
    assert intervals(session) == [(0, 100.5)]
    session.vanish(SPECIALIST).come_back(CLIENT)
    assert session.consultation.flowing_since is None
    session.until(162).come_back(SPECIALIST).until(5000)
    # All of the duration was there to be used; 1.5 s of it the specialist was away.
    assert intervals(session) == [(0, 100.5), (162, 1859.5)]


def test_after_an_interruption_both_must_have_been_heard_again() -> None:
    session = Session().until(100).do(ServiceInterrupted(STARTED_AT + 100)).vanish(SPECIALIST)
    session.until(100.5).come_back(CLIENT)
    # The specialist's last packet is half a second old, but of before.
    assert session.consultation.flowing_since is None
    session.until(100.7).come_back(SPECIALIST)
    assert session.consultation.flowing_since == STARTED_AT + 100.7


def test_what_did_not_start_is_not_paid() -> None:
    ended = due(accepted(), ACCEPTED_AT + 200).consultation
    assert (ended.paid, ended.paid_s(ACCEPTED_AT + 200)) == ((), 0)
    left = after(accepted(), ACCEPTED_AT + 5, Leave(SPECIALIST))
    assert left.paid_s(ACCEPTED_AT + 200) == 0


def test_a_clock_that_is_set_back_pays_nothing_twice() -> None:
    session = Session().until(100).vanish(SPECIALIST).until(103)
    session.now = STARTED_AT + 40
    session.come_back(CLIENT, SPECIALIST)
    session.now = STARTED_AT + 104
    session.come_back(CLIENT, SPECIALIST).until(200).do(Leave(CLIENT))
    assert sum(each.seconds for each in session.consultation.paid) <= 200
    for before, later in zip(
        session.consultation.paid, session.consultation.paid[1:], strict=False
    ):
        assert before.stopped_at <= later.began_at


def test_an_interval_has_a_length() -> None:
    assert Interval(5.0, 7.5).seconds == 2.5
