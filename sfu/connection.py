"""One participant's connection on the node: its life, and what is reported of it. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Protocol

from sfu.api import ConnectionQuality, ParticipantHeard, VideoCodec, VideoPause
from sfu.plane import ConnectionStatistics
from sfu.slots import Slot
from sfu.survival import Survival, sample_between
from sfu.transport.ice import IceAgent

CONNECT_WITHIN_S = 30.0
"""A connection without DTLS this long after its join has failed."""

REPORT_EVERY_S = 1.0

RETURN_AFTER_S = 2.0
"""Whoever is heard again after such a silence is reported at once."""


class State(Enum):
    """Where a connection is between its join and its slot's being free again."""

    JOINING = auto()
    CONNECTED = auto()
    CLOSING = auto()
    RELEASED = auto()


class Trigger(Enum):
    """What moves a connection on."""

    SECURED = auto()
    CLOSED = auto()
    LET_GO = auto()


TRANSITIONS: dict[tuple[State, Trigger], State] = {
    (State.JOINING, Trigger.SECURED): State.CONNECTED,
    (State.JOINING, Trigger.CLOSED): State.CLOSING,
    (State.CONNECTED, Trigger.CLOSED): State.CLOSING,
    (State.CLOSING, Trigger.LET_GO): State.RELEASED,
}
"""CLOSED covers a replacement, a removal, a failure and the end of the room. Anything that is
not here comes too late and changes nothing."""


class Readings(Protocol):
    """What the plane has measured, by slot."""

    def last_heard_ns(self, slot: int) -> int:
        """Time of the last authenticated SRTP or SRTCP, CLOCK_MONOTONIC ns; 0 for never."""
        ...

    def statistics(self, slot: int) -> ConnectionStatistics:
        """The counts since the slot was opened."""
        ...


Report = ParticipantHeard | ConnectionQuality | VideoPause


@dataclass
class Connection:
    """One join.

    Attributes:
        fingerprints: of the browser's certificate; they stay over an ICE restart.
        remote_credentials: ICE ufrag and pwd of the browser's last offer.
        outbound_ssrcs: the node's, as long as the slot lives.
        video_codec: what the join was answered with; a later answer says the same.
        answers: how many SDP answers it has had.
    """

    room_id: str
    participant_id: str
    connection_id: str
    slot: Slot
    agent: IceAgent
    fingerprints: frozenset[tuple[str, str]]
    remote_credentials: tuple[str, str]
    outbound_ssrcs: tuple[int, int, int, int, int]
    video_codec: VideoCodec
    max_video_bps: int
    joined_at: float
    answers: int = 1
    state: State = State.JOINING
    # The last report: when the next is due, what it said, and the counts at the time.
    _report_at: float = 0.0
    _reported_heard_at: float = 0.0
    _counted_at: float = 0.0
    _counted: ConnectionStatistics | None = field(default=None)
    _survival: Survival = field(init=False)

    def move(self, trigger: Trigger) -> bool:
        """Go on to the next state; False when ``trigger`` means nothing in this one."""
        after = TRANSITIONS.get((self.state, trigger))
        if after is None:
            return False
        self.state = after
        return True

    def overdue(self, now: float) -> bool:
        """Whether it has had its time to connect and has not."""
        return self.state is State.JOINING and now - self.joined_at >= CONNECT_WITHIN_S

    def begin_reports(self, now: float, counts: ConnectionStatistics) -> None:
        """It is connected: the first report is due a second from now."""
        self._report_at = now + REPORT_EVERY_S
        self._reported_heard_at = now
        self._counted_at, self._counted = now, counts
        self._survival = Survival(now)

    def heard_at(self, readings: Readings) -> float:
        """Time of the last authenticated packet of any kind, in ``now``'s seconds; 0 for never."""
        media_at = readings.last_heard_ns(self.slot.number) / 1e9
        return max(media_at, self.agent.heard_at or 0.0)

    def report(
        self, now: float, readings: Readings, unix_time: Callable[[float], float]
    ) -> list[Report]:
        """What is due to be said at ``now`` of a connected participant."""
        heard_at = self.heard_at(readings)
        returned = heard_at - self._reported_heard_at >= RETURN_AFTER_S
        due = now >= self._report_at
        if not due and not returned:
            return []
        self._reported_heard_at = heard_at
        reports: list[Report] = [
            ParticipantHeard(
                self.room_id, self.participant_id, self.connection_id, unix_time(heard_at)
            )
        ]
        if due:
            # In step with the first report; a thread that slept through some starts anew.
            self._report_at = max(self._report_at + REPORT_EVERY_S, now)
            counts = readings.statistics(self.slot.number)
            earlier, seconds = self._counted or counts, now - self._counted_at
            self._counted, self._counted_at = counts, now
            reports.append(self._quality(earlier, counts, seconds))
            reports += self._survive(earlier, counts, seconds, now)
        return reports

    def _survive(
        self,
        earlier: ConnectionStatistics,
        counts: ConnectionStatistics,
        seconds: float,
        now: float,
    ) -> list[VideoPause]:
        if seconds <= 0:
            return []
        pause = self._survival.take(sample_between(earlier.downlink, counts.downlink, seconds), now)
        if pause is None:
            return []
        names = (self.room_id, self.participant_id, self.connection_id)
        return [VideoPause(*names, pause.camera, pause.screen)]

    def _quality(
        self, earlier: ConnectionStatistics, counts: ConnectionStatistics, seconds: float
    ) -> ConnectionQuality:
        expected = counts.expected_in - earlier.expected_in
        received = counts.received_in - earlier.received_in
        return ConnectionQuality(
            room_id=self.room_id,
            participant_id=self.participant_id,
            connection_id=self.connection_id,
            loss_up_pct=_percent(expected - received, expected),
            loss_down_pct=_scaled(counts.fraction_lost_out, 100),
            rtt_ms=_scaled(counts.round_trip_s, 1000),
            jitter_up_ms=_scaled(counts.jitter_in_s, 1000),
            bitrate_up_bps=_rate(counts.octets_in - earlier.octets_in, seconds),
            bitrate_down_bps=_rate(counts.octets_out - earlier.octets_out, seconds),
        )


def _percent(part: int, whole: int) -> float | None:
    """None of nothing; duplicates and late arrivals may make ``part`` negative."""
    return None if whole <= 0 else 100 * min(max(part, 0), whole) / whole


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _rate(octets: int, seconds: float) -> float:
    return 8 * max(octets, 0) / seconds if seconds > 0 else 0.0
