"""What node and browser should have measured, from the log of the impairment proxy. Pure.

Times are Unix nanoseconds. A figure is taken of the same packets, streams and moments of which the
witness speaks: the log says when each packet left the proxy, which is when it came, but for the
wire of one machine.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.impairment.line import Direction, Fate
from benchmarks.impairment.log import Kind, Records, jitter_ms

Column = npt.NDArray[np.float64]
Moments = npt.NDArray[np.int64]

OPUS_CLOCK_HZ = 48_000
_BACK = {Direction.UP: Direction.DOWN, Direction.DOWN: Direction.UP}
SENDER_REPORT, RECEIVER_REPORT = 200, 201  # RFC 3550 section 6.4


class Lost(NamedTuple):
    """So many packets, and how many of them were lost."""

    packets: int
    lost: int

    @property
    def pct(self) -> float | None:
        """None of nothing."""
        return 100 * self.lost / self.packets if self.packets > 0 else None


class Course(NamedTuple):
    """A figure that changes at moments and stays in between."""

    at_ns: Moments
    values: Column

    def mean(self, asked_ns: Moments) -> float | None:
        """Of what it was at each of those moments; None when it was not there at any."""
        places = np.searchsorted(self.at_ns, asked_ns, side="right") - 1
        known = places[places >= 0]
        return float(self.values[known].mean()) if len(known) else None


class Path:
    """What the proxy did to one party's packets, whose socket is ``host`` and ``port``."""

    def __init__(self, records: Records, host: str, port: int) -> None:
        mine = (records["host"] == host.encode()) & (records["port"] == port)
        # Copies are dropped before anybody counts them (RFC 3711 section 3.3.2).
        self._records = records[mine & (records["copy"] == 0)]

    def lost(
        self,
        direction: Direction,
        from_ns: int,
        until_ns: int,
        ssrcs: Sequence[int] | None = None,
    ) -> Lost:
        """Of the RTP packets that came, or were lost, in (from, until]; of some streams, or all."""
        packets = self._packets(Kind.RTP, direction)
        packets = packets[packets["fate"] != Fate.UNDERWAY]
        if ssrcs is not None:
            packets = packets[np.isin(packets["ssrc"], np.array(ssrcs, np.uint32))]
        passed = packets["fate"] == Fate.SENT
        at_ns = np.where(passed, packets["sent_ns"], packets["due_ns"])
        inside = (at_ns > from_ns) & (at_ns <= until_ns)
        return Lost(int(inside.sum()), int((inside & ~passed).sum()))

    def missing(self, direction: Direction, from_ns: int, until_ns: int, ssrc: int) -> Lost:
        """What a receiver of one stream has to miss: numbers that passed in (from, until], and how
        many of them did not come (RFC 3550 A.3). What was lost before the proxy is missing, too.
        """
        packets = self._packets(Kind.RTP, direction)
        sent = _delivered(packets, ssrc)
        numbers = np.unwrap(sent["sequence"].astype(np.int64), period=1 << 16)
        highest = np.maximum.accumulate(numbers) if len(numbers) else numbers
        before, until = np.searchsorted(sent["sent_ns"], [from_ns, until_ns], side="right")
        if before == 0 or until <= before:
            return Lost(0, 0)
        passed = int(highest[until - 1] - highest[before - 1])
        return Lost(passed, passed - int(until - before))

    def jitter(self, direction: Direction, ssrc: int) -> Course:
        """The interarrival jitter of an audio stream behind the proxy, in ms (RFC 3550 A.8)."""
        packets = self._packets(Kind.RTP, direction)
        sent = packets[(packets["ssrc"] == ssrc) & (packets["fate"] == Fate.SENT)]
        sent = np.sort(sent, order="sent_ns", kind="stable")
        return Course(sent["sent_ns"].astype(np.int64), jitter_ms(sent, OPUS_CLOCK_HZ))

    def jitter_reported(self, direction: Direction, ssrc: int) -> Course:
        """The same, as the receiver's reports bring it to the sender: there when they are.

        Which of a browser's reports is about which stream is encrypted, so all are taken.
        """
        reports = self._reports(_BACK[direction])
        course = self.jitter(direction, ssrc)
        places = np.searchsorted(course.at_ns, reports["arrived_ns"], side="right") - 1
        known = places >= 0
        return Course(reports["sent_ns"][known].astype(np.int64), course.values[places[known]])

    def round_trips_at_node(self) -> Course:
        """The node's round trips in ms: a report of its own, and the browser's that answers it."""
        asked = self._sender_reports(Direction.DOWN)
        return _round_trips(asked, self._reports(Direction.UP))

    def round_trips_at_browser(self, own_ssrc: int) -> Course:
        """The browser's, of the stream ``own_ssrc`` that it sends."""
        asked = self._sender_reports(Direction.UP, own_ssrc)
        return _round_trips(asked, self._reports(Direction.DOWN))

    def _packets(self, kind: Kind, direction: Direction) -> Records:
        chosen = (self._records["kind"] == kind) & (self._records["direction"] == direction)
        packets: Records = self._records[chosen]
        return packets

    def _sender_reports(self, direction: Direction, ssrc: int | None = None) -> Records:
        packets = self._packets(Kind.RTCP, direction)
        return _delivered(packets[packets["type"] == SENDER_REPORT], ssrc)

    def _reports(self, direction: Direction) -> Records:
        """Those that say something of what came."""
        packets = self._packets(Kind.RTCP, direction)
        says = np.isin(packets["type"], (SENDER_REPORT, RECEIVER_REPORT)) & (packets["format"] > 0)
        return _delivered(packets[says], None)


def _delivered(packets: Records, ssrc: int | None) -> Records:
    if ssrc is not None:
        packets = packets[packets["ssrc"] == ssrc]
    return np.sort(packets[packets["fate"] == Fate.SENT], order="sent_ns", kind="stable")


def _round_trips(asked: Records, answers: Records) -> Course:
    """Each answer is to the last report that had come by then."""
    places = np.searchsorted(asked["sent_ns"], answers["arrived_ns"], side="right") - 1
    known = places >= 0
    answers, asked = answers[known], asked[places[known]]
    trips_ms = (_delay_ns(answers) + _delay_ns(asked)) / 1e6
    return Course(answers["sent_ns"].astype(np.int64), trips_ms)


def _delay_ns(packets: Records) -> npt.NDArray[Any]:
    return np.asarray(packets["sent_ns"] - packets["arrived_ns"], np.float64)
