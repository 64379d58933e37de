"""What the plane has counted, read for many connections together.

A snapshot is a copy of whole records, so that everything after it is NumPy over columns: a field of
it is an array with a row for each connection.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from sfu.plane.downlink import DownlinkCounts
from sfu.plane.layouts import INBOUND, OUTBOUND, SLOT, SOURCE, STREAM, Records, Role
from sfu.plane.reception import FIRST, HIGHEST, JITTER_SCALED, RECEIVED
from sfu.plane.tables import Tables
from sfu.plane.tally import TOLD, TOLD_AUDIO, TOLD_AUDIO_LOST, TOLD_LOST, TOLD_OCTETS
from sfu.rtp.media import CLOCK_RATE_AUDIO, CLOCK_RATE_VIDEO, TrackKind

_FRESH_REPORT_NS: Final = 6_000_000_000  # browsers report of audio every 2.5 to 7.5 s
_JUST_REPORTED_NS: Final = 1_500_000_000

Column = npt.NDArray[Any]


class Snapshot(NamedTuple):
    """The counts of some connections at one time. Together they may be a packet apart.

    Attributes:
        at_ns: CLOCK_REALTIME.
        slots: records of ``SLOT`` [n].
        sources: of ``SOURCE`` [n × INBOUND], those with ``ssrc`` −1 are empty.
        streams: of ``STREAM`` [n × OUTBOUND], by ``Role``.
    """

    at_ns: int
    slots: Records
    sources: Records
    streams: Records

    def of(self, places: Column) -> "Snapshot":
        """The connections at these places of it, copied."""
        return Snapshot(self.at_ns, self.slots[places], self.sources[places], self.streams[places])

    @property
    def expected(self) -> Column:
        """RTP packets of each source up to the highest that came (RFC 3550 appendix A.3)."""
        reception = self.sources["reception"]
        counted = reception[..., HIGHEST] - reception[..., FIRST] + 1
        return np.where(reception[..., RECEIVED] > 0, counted, 0)

    @property
    def received(self) -> Column:
        """RTP packets of each source that came."""
        return self.sources["reception"][..., RECEIVED]

    @property
    def jitter_s(self) -> Column:
        """Interarrival jitter of each source (RFC 3550 appendix A.8); NaN for none, and of RTX."""
        rate = np.where(self.sources["kind"] == TrackKind.AUDIO, CLOCK_RATE_AUDIO, CLOCK_RATE_VIDEO)
        scaled = self.sources["reception"][..., JITTER_SCALED] / (16.0 * rate)
        is_known = (self.sources["ssrc"] >= 0) & (self.received > 0) & (self.sources["rtx"] == 0)
        return np.where(is_known, scaled, np.nan)

    @property
    def downlink(self) -> Column:
        """``DownlinkCounts`` as numbers [n × fields], without its last two."""
        told, sent = self.slots["told"], self.streams
        camera, screen = [Role.VIDEO, Role.VIDEO_RTX], [Role.SCREEN, Role.SCREEN_RTX]
        columns = [
            sent["packets"][:, Role.AUDIO],
            sent["octets"][:, Role.AUDIO],
            sent["packets"][:, camera].sum(1),
            sent["octets"][:, camera].sum(1),
            sent["packets"][:, screen].sum(1),
            sent["octets"][:, screen].sum(1),
            self.slots["numbered_packets"],
            self.slots["numbered_octets"],
            told[:, TOLD],
            told[:, TOLD_LOST],
            told[:, TOLD_OCTETS],
            told[:, TOLD_AUDIO],
            told[:, TOLD_AUDIO_LOST],
        ]
        return np.stack(columns, axis=1)

    @property
    def downlink_counts(self) -> list[DownlinkCounts]:
        """What ``sfu.survival`` judges by, of each connection."""
        reported_ns = self.streams["reported_ns"]
        fresh = self.at_ns - reported_ns[:, Role.AUDIO] < _FRESH_REPORT_NS
        fraction = self.streams["fraction_lost"][:, Role.AUDIO] / 256
        trip_ns = self.slots["round_trip_ns"]
        just_now = (trip_ns >= 0) & (self.at_ns - reported_ns.max(1) < _JUST_REPORTED_NS)
        lost = [
            each if known else None for each, known in zip(fraction.tolist(), fresh, strict=True)
        ]
        trips = [
            each / 1e9 if known else None
            for each, known in zip(trip_ns.tolist(), just_now, strict=True)
        ]
        return list(map(DownlinkCounts, *self.downlink.T.tolist(), lost, trips))


class OwnCounts(NamedTuple):
    """Counted since the start: lost in front of the full socket, and not taken by the kernel."""

    overflow: int = 0
    not_sent: int = 0


def blank_snapshot(count: int) -> Snapshot:
    """Of ``count`` connections of which nothing was counted yet."""
    blank = Snapshot(
        0,
        np.zeros(count, SLOT),
        np.zeros((count, INBOUND), SOURCE),
        np.zeros((count, OUTBOUND), STREAM),
    )
    blank.slots["round_trip_ns"] = -1
    blank.sources["ssrc"] = -1
    blank.streams["ssrc"] = -1
    return blank


class Statistics:
    """Reads the counts of connections. From any thread."""

    def __init__(self, t: Tables) -> None:
        self._slots = t.slots
        self._sources = t.sources.reshape(-1, INBOUND)
        self._streams = t.streams.reshape(-1, OUTBOUND)

    def snapshot(self, slots: Sequence[int] | Column, now_ns: int) -> Snapshot:
        """The counts of these slots, in their order."""
        places = np.asarray(slots, np.int64)
        return Snapshot(now_ns, self._slots[places], self._sources[places], self._streams[places])
