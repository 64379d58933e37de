"""The 15-second rule, in simulated time."""

import pytest

from control.consultations.commands import Heard, ServiceInterrupted, perform
from control.consultations.consultation import Consultation
from control.consultations.deadlines import deadline, due
from control.consultations.events import (
    Ended,
    Event,
    FlowBegan,
    FlowStopped,
    Interrupted,
    Reconnected,
    ReconnectingBegan,
    Resumed,
)
from control.consultations.liveness import Link, LinkState
from control.consultations.parties import Actor, Role
from control.consultations.policy import LinkPolicy
from control.consultations.states import EndReason, State
from tests.control.consultations.cases import CLIENT, SPECIALIST, STARTED_AT, active

# The time of the last packet before a silence.
LAST = STARTED_AT


class Room:
    """A session whose clock a test moves; what is due happens at its time, as the shell does it."""

    def __init__(self) -> None:
        self.consultation: Consultation = active()
        self.happened: list[Event] = []
        self._now = STARTED_AT

    def until(self, now: float, heard: Role | None = CLIENT) -> "Room":
        """Let time pass, with ``heard`` heard each second as the node reports it."""
        second = self._now
        while second < now:
            second = min(second + 1.0, now)
            self._due(second)
            if heard is not None:
                self.hear(heard, second, second)
        self._due(now)
        self._now = now
        return self

    def hear(self, role: Role, at: float, now: float) -> "Room":
        """A report of the node at ``now``."""
        self._take(perform(self.consultation, Heard(role, at), now))
        return self

    def _due(self, now: float) -> None:
        while (at := deadline(self.consultation)) is not None and at <= now:
            self._take(due(self.consultation, at))

    def _take(self, change: tuple[Consultation, tuple[Event, ...]]) -> None:
        self.consultation, events = change
        self.happened += events


def test_fourteen_seconds_of_silence_end_nothing() -> None:
    room = Room().until(LAST + 14.0)
    assert room.consultation.state is State.ACTIVE


def test_specialist_back_at_14_9_seconds_resumes() -> None:
    room = Room().until(LAST + 14.9).hear(SPECIALIST, LAST + 14.9, LAST + 14.9)
    assert room.consultation.state is State.ACTIVE
    assert room.consultation.reconnecting is None
    assert room.happened[-2:] == [Reconnected(LAST + 14.9, SPECIALIST), FlowBegan(LAST + 14.9)]
    assert room.until(LAST + 29.8).consultation.state is State.ACTIVE


def test_specialist_back_at_15_0_whose_report_comes_late_resumes() -> None:
    room = Room().until(LAST + 15.08).hear(SPECIALIST, LAST + 15.0, LAST + 15.08)
    assert room.consultation.state is State.ACTIVE


def test_specialist_back_at_15_01_is_too_late() -> None:
    room = Room().until(LAST + 15.01).hear(SPECIALIST, LAST + 15.01, LAST + 15.02)
    assert room.consultation.end is not None
    assert room.consultation.end.reason is EndReason.SPECIALIST_CONNECTION_LOST
    assert room.consultation.end.by is Actor.SPECIALIST


def test_silence_over_15_seconds_ends_the_session_before_15_5() -> None:
    room = Room().until(LAST + 15.0)
    assert room.consultation.end is None
    room.until(LAST + 15.5)
    ended = room.happened[-1]
    assert isinstance(ended, Ended)
    assert ended.reason is EndReason.SPECIALIST_CONNECTION_LOST
    assert LAST + 15.0 < ended.at <= LAST + 15.5


@pytest.mark.parametrize("role", Role)
def test_the_other_side_is_told_from_4_seconds_on(role: Role) -> None:
    room = Room().until(LAST + 3.9, heard=role.other)
    assert room.consultation.reconnecting is None
    room.until(LAST + 4.0, heard=role.other)
    assert room.consultation.reconnecting is role
    drop_at = LAST + 15 if role is SPECIALIST else None
    told = ReconnectingBegan(LAST + 4.0, role, drop_at)
    assert room.happened == [FlowStopped(LAST, LAST, 0.0), told]
    room.until(LAST + 10, heard=role.other)
    assert len(room.happened) == 2


@pytest.mark.parametrize("role", Role)
def test_from_2_seconds_on_the_silent_one_is_suspect_and_nobody_is_told(role: Role) -> None:
    def links(room: Room) -> tuple[LinkState, LinkState]:
        held = room.consultation.links
        return held[role].state, held[role.other].state

    room = Room().until(LAST + 1.9, heard=role.other)
    assert links(room) == (LinkState.CONNECTED, LinkState.CONNECTED)
    room.until(LAST + 2.0, heard=role.other)
    assert links(room) == (LinkState.SUSPECT, LinkState.CONNECTED)
    assert room.happened == []
    room.until(LAST + 3.5, heard=role.other).hear(role, LAST + 3.5, LAST + 3.5)
    assert links(room) == (LinkState.CONNECTED, LinkState.CONNECTED)
    assert [type(each) for each in room.happened] == [FlowStopped, FlowBegan]
    room.until(LAST + 7.5, heard=role.other)
    assert links(room) == (LinkState.RECONNECTING, LinkState.CONNECTED)


def test_the_clients_silence_does_not_end_the_session() -> None:
    room = Room().until(LAST + 600, heard=SPECIALIST)
    assert room.consultation.state is State.ACTIVE
    room.hear(CLIENT, LAST + 600, LAST + 600)
    assert room.consultation.reconnecting is None


def test_when_both_are_silent_the_specialist_is_shown() -> None:
    room = Room().until(LAST + 3).until(LAST + 8, heard=None)
    assert [link.state for link in room.consultation.links.values()] == [LinkState.RECONNECTING] * 2
    assert room.consultation.reconnecting is SPECIALIST


def test_older_news_change_nothing() -> None:
    room = Room().until(LAST + 10)
    before = room.consultation
    for at in (LAST, LAST - 5):
        assert perform(before, Heard(SPECIALIST, at), LAST + 10) == (before, ())


def test_a_packet_from_the_future_came_now() -> None:
    room = Room().hear(SPECIALIST, LAST + 100, LAST + 1)
    assert room.consultation.links[SPECIALIST].last_heard_at == LAST + 1


def test_drops_in_a_row_are_counted_each_from_its_own_last_packet() -> None:
    room = Room()
    for n in range(1, 20):
        room.until(LAST + n * 14.9).hear(SPECIALIST, LAST + n * 14.9, LAST + n * 14.9)
    assert room.consultation.state is State.ACTIVE


class TestInterruption:
    """Control was restarted: silence of meanwhile is nobody's."""

    def test_no_drop_is_declared_before_the_room_is_heard_of(self) -> None:
        consultation, events = perform(active(), ServiceInterrupted(LAST + 1), LAST + 40)
        assert consultation.state is State.ACTIVE
        assert events == (FlowStopped(LAST + 1, LAST, 1.0), Interrupted(LAST + 40, LAST + 1))
        assert due(consultation, LAST + 40 + 119).consultation.state is State.ACTIVE

    def test_heard_again_a_fresh_silence_counts_for_both(self) -> None:
        consultation, _ = perform(active(), ServiceInterrupted(LAST + 1), LAST + 40)
        consultation, events = perform(consultation, Heard(CLIENT, LAST + 50), LAST + 50)
        assert events == (Resumed(LAST + 50, LAST + 1849),)
        assert consultation.service_by is None
        for second in range(51, 66):
            consultation, _ = perform(consultation, Heard(CLIENT, LAST + second), LAST + second)
        assert consultation.state is State.ACTIVE
        assert consultation.reconnecting is SPECIALIST
        ended = due(consultation, LAST + 65.5).consultation
        assert ended.end is not None
        assert ended.end.reason is EndReason.SPECIALIST_CONNECTION_LOST

    def test_with_nobody_back_in_two_minutes_it_ends_as_service(self) -> None:
        consultation, _ = perform(active(), ServiceInterrupted(LAST + 1), LAST + 40)
        ended = due(consultation, LAST + 160).consultation
        assert ended.end is not None
        assert (ended.end.reason, ended.end.by) == (EndReason.SERVICE, Actor.SERVICE)
        assert ended.ended_at == LAST + 160

    def test_interrupted_twice_only_the_time_in_which_we_listen_counts(self) -> None:
        consultation, _ = perform(active(), ServiceInterrupted(LAST + 1), LAST + 40)
        assert consultation.service_by == LAST + 160
        again, events = perform(consultation, ServiceInterrupted(LAST + 100), LAST + 500)
        assert again.service_by == LAST + 560
        assert events == (Interrupted(LAST + 500, LAST + 100),)
        back, _ = perform(again, Heard(CLIENT, LAST + 510), LAST + 510)
        # All of it is one gap.
        assert back.ends_at == LAST + 1800 + 509

    def test_what_had_ended_before_has_ended(self) -> None:
        ended, _ = perform(active(), ServiceInterrupted(LAST + 1900), LAST + 5000)
        assert ended.end is not None
        assert ended.end.reason is EndReason.COMPLETED
        assert ended.ended_at == LAST + 1800

    def test_its_end_does_not_come_while_it_is_interrupted(self) -> None:
        consultation, _ = perform(active(), ServiceInterrupted(LAST + 1790), LAST + 1830)
        assert consultation.state is State.ACTIVE
        consultation, _ = perform(consultation, Heard(CLIENT, LAST + 1840), LAST + 1840)
        # There were ten seconds left, and still are.
        assert consultation.ends_at == LAST + 1850


def test_a_dropped_link_stays_dropped() -> None:
    dropped = Link(LinkState.DROPPED, LAST)
    assert dropped.heard(LAST + 1, LinkPolicy()) == dropped
