"""What is nobody's: both vanish together, the node or we fail, or nobody looked in time."""

from dataclasses import replace
from decimal import Decimal

import pytest

from control.consultations.commands import (
    Heard,
    Leave,
    ProposeExtension,
    ServiceInterrupted,
    perform,
)
from control.consultations.consultation import End
from control.consultations.deadlines import deadline, due
from control.consultations.events import (
    Ended,
    ExtensionWithdrawn,
    Interrupted,
    LeavingAnnounced,
    Reconnected,
    ReconnectingBegan,
    Resumed,
)
from control.consultations.parties import Actor, Role
from control.consultations.policy import PLATFORM, DropAction, LinkPolicy, Policy
from control.consultations.states import EndReason, State
from tests.control.consultations.cases import (
    ACCEPTED_AT,
    CLIENT,
    SPECIALIST,
    STARTED_AT,
    accepted,
    after,
    requested,
)
from tests.control.consultations.session import Session

SERVICE = End(EndReason.SERVICE, Actor.SERVICE)
DROPPED = End(EndReason.SPECIALIST_CONNECTION_LOST, Actor.SPECIALIST)


class TestTogether:
    """Both fall silent within two seconds of each other."""

    @pytest.mark.parametrize("first", Role)
    @pytest.mark.parametrize("apart", [0, 1, 2])
    def test_it_is_the_service(self, first: Role, apart: float) -> None:
        session = Session().until(100).vanish(first).until(100 + apart).vanish(first.other)
        session.until(150)
        assert session.of(Interrupted) == [Interrupted(STARTED_AT + 104 + apart, STARTED_AT + 100)]
        assert session.consultation.state is State.ACTIVE
        session.until(219.9)
        assert session.consultation.state is State.ACTIVE
        session.until(220)
        assert session.consultation.end == SERVICE
        assert session.consultation.ended_at == STARTED_AT + 220
        assert session.consultation.paid_s(session.now) == 100

    def test_three_seconds_apart_it_is_the_specialists_drop(self) -> None:
        session = Session().until(100).vanish(SPECIALIST).until(103).vanish(CLIENT).until(116)
        assert session.consultation.end == DROPPED
        assert session.of(Interrupted) == []

    def test_the_client_three_seconds_earlier_it_is_still_the_specialists_drop(self) -> None:
        session = Session().until(100).vanish(CLIENT).until(103).vanish(SPECIALIST).until(119)
        assert session.consultation.end == DROPPED

    def test_one_who_is_back_before_anyone_is_told_did_not_vanish(self) -> None:
        session = Session().until(100).vanish(CLIENT, SPECIALIST).until(103.5).come_back(CLIENT)
        session.until(115.5)
        assert session.consultation.end == DROPPED

    @pytest.mark.parametrize("back", Role)
    def test_when_one_is_back_the_other_has_fifteen_seconds_from_then(self, back: Role) -> None:
        session = Session().until(100).vanish(CLIENT, SPECIALIST).until(140).come_back(back)
        assert session.of(Resumed) == [Resumed(STARTED_AT + 140, STARTED_AT + 1840)]
        session.until(143.9)
        assert session.consultation.reconnecting is None
        session.until(154.9)
        assert session.consultation.reconnecting is back.other
        assert session.consultation.state is State.ACTIVE
        session.until(155.5)
        dropped = back.other is SPECIALIST
        assert session.consultation.state is (State.ENDED if dropped else State.ACTIVE)
        assert session.consultation.end == (DROPPED if dropped else None)

    def test_the_nodes_repeated_report_of_an_old_packet_is_no_return(self) -> None:
        session = Session().until(100).vanish(CLIENT, SPECIALIST).until(110)
        for second in range(5):
            session.until(111 + second)
            session.do(Heard(CLIENT, STARTED_AT + 100), Heard(SPECIALIST, STARTED_AT + 99))
        assert session.of(Resumed) == []

    def test_both_back_it_goes_on_for_as_long_as_was_left(self) -> None:
        session = Session().until(100).vanish(CLIENT, SPECIALIST).until(130)
        session.come_back(CLIENT, SPECIALIST).until(5000)
        assert session.consultation.end == End(EndReason.COMPLETED, Actor.SERVICE)
        assert session.consultation.ended_at == STARTED_AT + 1830
        assert session.consultation.paid_s(session.now) == 1800

    def test_vanishing_again_after_that_is_a_new_interruption(self) -> None:
        session = Session().until(100).vanish(CLIENT, SPECIALIST).until(130).come_back(CLIENT)
        session.until(131).vanish(CLIENT).until(140)
        assert [event.at - STARTED_AT for event in session.of(Interrupted)] == [104, 135]
        session.until(260)
        assert session.consultation.end == SERVICE

    def test_a_client_who_has_no_time_to_be_told_vanished_together_too(self) -> None:
        # A policy under which the client's silence is told late must not make it a drop.
        patient = Policy(client=LinkPolicy(reconnecting_after_s=60.0))
        session = Session(policy=patient).until(100).vanish(CLIENT, SPECIALIST).until(120)
        assert session.consultation.state is State.ACTIVE
        assert session.of(Interrupted) == [Interrupted(STARTED_AT + 115.1, STARTED_AT + 100)]


class TestTooLate:
    """A verdict that was due while nobody looked is not spoken."""

    def specialist_gone(self) -> Session:
        """Silent for ten seconds."""
        return Session().until(100).vanish(SPECIALIST).until(110)

    @pytest.mark.parametrize(("at", "is_drop"), [(15.1, True), (15.5, True), (15.51, False)])
    def test_the_last_moment(self, at: float, is_drop: bool) -> None:
        session = self.specialist_gone()
        change = due(session.consultation, STARTED_AT + 100 + at)
        assert (change.consultation.end == DROPPED) is is_drop
        assert any(isinstance(event, Interrupted) for event in change.events) is not is_drop

    def test_the_clock_jumps_ahead(self) -> None:
        session = self.specialist_gone()
        session.now += 3600
        # Everything is stamped by the new clock from now on.
        session.do(Heard(CLIENT, session.now))
        assert session.consultation.state is State.ACTIVE
        assert session.of(Ended) == []
        # Of the session as much is left as was.
        assert session.consultation.ends_at == STARTED_AT + 1800 + 3600
        now = session.now - STARTED_AT
        session.until(now + 14)
        assert session.consultation.state is State.ACTIVE
        session.until(now + 15.5)
        assert session.consultation.end == DROPPED

    def test_the_clock_jumps_ahead_in_a_session_of_two(self) -> None:
        session = Session().until(100)
        session.now += 86400
        session.do(Heard(SPECIALIST, session.now), Heard(CLIENT, session.now))
        assert session.consultation.state is State.ACTIVE
        assert session.consultation.ends_at == STARTED_AT + 1800 + 86400
        assert session.consultation.paid_s(session.now) == 100
        assert session.until(86400 + 1799).consultation.state is State.ACTIVE
        session.until(86400 + 1801)
        assert session.consultation.end == End(EndReason.COMPLETED, Actor.SERVICE)

    def test_the_clock_is_set_back(self) -> None:
        session = Session().until(100)
        session.now -= 3600
        session.do(Heard(SPECIALIST, session.now), Heard(CLIENT, session.now))
        session.until(50)
        assert session.consultation.state is State.ACTIVE
        session.do(Leave(CLIENT))
        assert session.consultation.paid_s(session.now) <= 100


class TestRestart:
    """Control was away."""

    def test_requests_and_acceptances_keep_their_deadlines(self) -> None:
        for waiting in (requested(), accepted()):
            consultation, events = perform(
                waiting, ServiceInterrupted(ACCEPTED_AT), ACCEPTED_AT + 9
            )
            assert events == ()
            assert deadline(consultation) == deadline(waiting)

    def test_nobody_is_connected_by_what_was_heard_before(self) -> None:
        waiting = after(accepted(), STARTED_AT, Heard(CLIENT, STARTED_AT))
        waiting = after(waiting, STARTED_AT + 1, ServiceInterrupted(STARTED_AT))
        now = STARTED_AT + 1.5
        assert after(waiting, now, Heard(SPECIALIST, now)).state is State.ACTIVE

    def test_the_clock_was_set_back_meanwhile(self) -> None:
        # It stopped at 100 s; by the new clock that is an hour ahead.
        stored = replace(Session().until(100).consultation, links=requested().links)
        consultation = after(stored, STARTED_AT - 3500, ServiceInterrupted(STARTED_AT + 100))
        assert consultation.service_by == STARTED_AT - 3500 + 120
        now = STARTED_AT - 3490
        back = after(consultation, now, Heard(CLIENT, now))
        assert back.ends_at == now + 1700

    def test_a_long_absence_of_ours_is_nobodys(self) -> None:
        session = Session().until(100).vanish(SPECIALIST).until(110)
        session.now += 1000
        session.do(ServiceInterrupted(STARTED_AT + 110))
        assert session.consultation.state is State.ACTIVE
        assert session.consultation.reconnecting is None
        session.come_back(SPECIALIST)
        assert session.of(Reconnected) == []
        assert session.consultation.ends_at == STARTED_AT + 2800


class TestPolicy:
    """What silence means is a matter of the policy, role by role."""

    def test_a_clients_silence_may_end_it(self) -> None:
        strict = Policy(client=LinkPolicy(drop_after_s=30.0))
        session = Session(policy=strict).until(100).vanish(CLIENT).until(130.05)
        assert session.of(ReconnectingBegan) == [
            ReconnectingBegan(STARTED_AT + 104, CLIENT, STARTED_AT + 130)
        ]
        assert session.consultation.state is State.ACTIVE
        session.until(130.5)
        assert session.consultation.end == End(EndReason.CLIENT_CONNECTION_LOST, Actor.CLIENT)

    def test_a_specialists_silence_may_end_nothing(self) -> None:
        lenient = Policy(specialist=LinkPolicy(drop_after_s=None))
        session = Session(policy=lenient).until(100).vanish(SPECIALIST).until(1000)
        assert session.consultation.state is State.ACTIVE
        session.until(1800)
        assert session.consultation.end == End(EndReason.COMPLETED, Actor.SERVICE)

    def test_the_platforms(self) -> None:
        assert PLATFORM.link(SPECIALIST) == LinkPolicy(2.0, 4.0, 15.0, DropAction.END)
        assert PLATFORM.link(CLIENT) == LinkPolicy(2.0, 4.0, None)

    @pytest.mark.parametrize("times", [(0.0, 4.0, 15.0), (5.0, 4.0, 15.0), (2.0, 15.0, 15.0)])
    def test_times_out_of_their_order_are_none(self, times: tuple[float, float, float]) -> None:
        with pytest.raises(ValueError, match="suspect first"):
            LinkPolicy(*times)


class TestAnnouncedDrop:
    """The policy may have a drop announced, as a specialist's leaving is."""

    ANNOUNCED = Policy(specialist=LinkPolicy(drop_after_s=15.0, on_drop=DropAction.ANNOUNCE))

    def test_the_client_has_the_countdown(self) -> None:
        session = Session(policy=self.ANNOUNCED).until(100)
        session.do(ProposeExtension(SPECIALIST, 600, Decimal("10")))
        session.vanish(SPECIALIST).until(115.08)
        assert session.consultation.leaving is None
        session.until(115.3)
        lost = EndReason.SPECIALIST_CONNECTION_LOST
        told = LeavingAnnounced(STARTED_AT + 115.1, SPECIALIST, STARTED_AT + 125.1, lost)
        assert session.happened[-2:] == [ExtensionWithdrawn(STARTED_AT + 115.1), told]
        session.until(125.08)
        assert session.consultation.state is State.ACTIVE
        session.until(125.3)
        assert session.consultation.end == DROPPED
        assert session.consultation.ended_at == STARTED_AT + 125.1
        # It was not paid for.
        assert session.consultation.paid_s(session.now) == pytest.approx(100)

    def test_there_is_no_way_back(self) -> None:
        session = Session(policy=self.ANNOUNCED).until(100).vanish(SPECIALIST).until(116)
        session.come_back(SPECIALIST).until(126)
        assert session.consultation.end == DROPPED
        assert session.of(Reconnected) == []

    def test_a_report_that_comes_too_late_announces_it_too(self) -> None:
        session = Session(policy=self.ANNOUNCED).until(100).vanish(SPECIALIST).until(115.1)
        session.do(Heard(SPECIALIST, session.now)).until(115.1)
        assert session.consultation.leaving is not None
        assert session.consultation.leaving.dropped

    def test_the_client_need_not_wait(self) -> None:
        session = Session(policy=self.ANNOUNCED).until(100).vanish(SPECIALIST).until(116)
        session.do(Leave(CLIENT))
        assert session.consultation.end == DROPPED
        assert session.consultation.ended_at == STARTED_AT + 116

    def test_an_interruption_of_the_service_does_not_stop_the_countdown(self) -> None:
        session = Session(policy=self.ANNOUNCED).until(100).vanish(SPECIALIST).until(116)
        session.do(ServiceInterrupted(session.now)).come_back(CLIENT).until(126)
        assert session.consultation.end == DROPPED

    def test_a_client_may_be_dropped_so(self) -> None:
        announced = LinkPolicy(drop_after_s=15.0, on_drop=DropAction.ANNOUNCE)
        session = Session(policy=Policy(client=announced)).until(100).vanish(CLIENT).until(126)
        assert session.consultation.end == End(EndReason.CLIENT_CONNECTION_LOST, Actor.CLIENT)


class TestLateNews:
    """Reports that were held up tell of the past."""

    def test_a_report_of_long_ago_does_not_resume(self) -> None:
        session = Session().until(100).vanish(CLIENT, SPECIALIST).until(120)
        for ago in (15, 12, 9, 6):
            session.do(Heard(SPECIALIST, session.now - ago))
        assert session.of(Resumed) == []
        session.come_back(SPECIALIST)
        # Twenty seconds were lost, and count once.
        assert session.consultation.ends_at == STARTED_AT + 1800 + 20

    def test_after_an_interruption_both_have_the_whole_time(self) -> None:
        session = Session().until(100).vanish(CLIENT, SPECIALIST).until(120)
        session.do(Heard(SPECIALIST, session.now - 3)).come_back(CLIENT).until(134.9)
        assert session.consultation.state is State.ACTIVE
        session.until(136)
        assert session.consultation.end == DROPPED
        assert session.consultation.ended_at == pytest.approx(STARTED_AT + 135.1)


def test_who_fell_silent_just_before_the_start_has_lost_nothing_of_the_session() -> None:
    session = Session(accepted(), now=STARTED_AT)
    session.do(Heard(CLIENT, STARTED_AT - 1.5), Heard(SPECIALIST, STARTED_AT))
    session.there.clear()
    session.until(10).come_back(CLIENT, SPECIALIST)
    assert [each.since for each in session.of(Interrupted) if isinstance(each, Interrupted)] == [
        STARTED_AT
    ]
    assert session.consultation.ends_at == STARTED_AT + 1800 + 10


def test_a_record_by_a_clock_that_was_ahead_does_not_take_time_from_the_session() -> None:
    ahead = replace(Session().until(100).consultation, changed_at=STARTED_AT + 3700)
    session = Session(ahead, now=STARTED_AT + 110)
    session.do(ServiceInterrupted(STARTED_AT + 100)).come_back(CLIENT)
    assert session.consultation.ends_at == STARTED_AT + 1800 + 10


def test_what_was_paid_after_the_last_heartbeat_is_not_paid_again_by_a_clock_set_back() -> None:
    session = Session().until(10)
    # The node was gone for a moment, just before control went.
    session.now = STARTED_AT + 10.1
    session.do(ServiceInterrupted(STARTED_AT + 10)).come_back(CLIENT, SPECIALIST)
    stored = replace(session.consultation, links=requested().links)
    # Control is back under a clock by which the last of this is yet to come.
    session = Session(stored, now=STARTED_AT + 9.9)
    session.do(ServiceInterrupted(STARTED_AT + 9.5)).come_back(CLIENT, SPECIALIST)
    session.until(1810)
    assert session.consultation.end == End(EndReason.COMPLETED, Actor.SERVICE)
    assert session.consultation.paid_s(session.now) == pytest.approx(1800, abs=0.3)
    assert session.consultation.paid_s(session.now) <= 1800
