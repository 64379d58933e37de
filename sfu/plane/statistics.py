"""What the plane has counted of each connection, read once a second for every one of them.

Fields of NumPy's records take long to look up; so the records, whose numbers are all int64, are
looked at as rows of numbers.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from sfu.plane.downlink import DownlinkCounts
from sfu.plane.feedback import (
    TOLD,
    TOLD_AUDIO,
    TOLD_AUDIO_LOST,
    TOLD_FIELDS,
    TOLD_LOST,
    TOLD_OCTETS,
)
from sfu.plane.reception import FIRST, HIGHEST, JITTER_SCALED, RECEIVED, RECEPTION_FIELDS
from sfu.plane.tables import (
    INBOUND,
    OUTBOUND,
    SLOT,
    SOURCE,
    STREAM,
    Integers,
    Records,
    Role,
    Tables,
)
from sfu.rtp.media import CLOCK_RATE_AUDIO, CLOCK_RATE_VIDEO, TrackKind

_FRESH_REPORT_NS: Final = 6_000_000_000  # browsers report of audio every 2.5 to 7.5 s
_JUST_REPORTED_NS: Final = 1_500_000_000


@dataclass(frozen=True)
class ConnectionStatistics:
    """What the plane has counted of one connection since it was opened. Directions are the node's.

    Attributes:
        packets_in, octets_in: authentic SRTP and SRTCP from the browser, UDP payload.
        packets_out, octets_out: SRTP and SRTCP given to the socket for the browser.
        expected_in, received_in: RTP packets over all its sources (RFC 3550 appendix A.3).
        jitter_in_s: the largest interarrival jitter of its sources (RFC 3550 appendix A.8).
        media_packets_out: RTP packets sent to it.
        lost_out: of these, how many it reports lost in all; less than 0 when some came twice.
        fraction_lost_out: the fraction of them that its last reports called lost (0 to 1), None
            when it has not reported for some seconds.
        round_trip_s: by its last report, None when not known.
        downlink: what ``sfu.survival`` judges by.
    """

    packets_in: int
    octets_in: int
    packets_out: int
    octets_out: int
    expected_in: int
    received_in: int
    jitter_in_s: float | None
    media_packets_out: int
    lost_out: int
    fraction_lost_out: float | None
    round_trip_s: float | None
    downlink: DownlinkCounts = field(default_factory=DownlinkCounts)


def _place(kind: np.dtype[np.void], name: str) -> int:
    """Which number of a record the field is, or begins with."""
    assert kind.fields is not None
    return kind.fields[name][1] // 8


def _numbers(records: Records, a_slot: int) -> Integers:
    """Records as numbers: int64[slots × records a slot × numbers]."""
    return records.view(np.int64).reshape(-1, a_slot, records.itemsize // 8)


_TRAFFIC: Final = slice(_place(SLOT, "packets_in"), _place(SLOT, "octets_out") + 1)
_NUMBERED: Final = slice(_place(SLOT, "numbered_packets"), _place(SLOT, "numbered_octets") + 1)
_TOLD: Final = slice(_place(SLOT, "told"), _place(SLOT, "told") + TOLD_FIELDS)
_ROUND_TRIP: Final = _place(SLOT, "round_trip_ns")
_RECEPTION: Final = slice(
    _place(SOURCE, "reception"), _place(SOURCE, "reception") + RECEPTION_FIELDS
)
_SENT: Final = slice(_place(STREAM, "packets"), _place(STREAM, "octets") + 1)
_REPORTED: Final = slice(_place(STREAM, "reported_ns"), _place(STREAM, "packets_lost") + 1)


class Statistics:
    """Reads the counts of connections. From any thread; each is up to date."""

    def __init__(self, t: Tables) -> None:
        slots = _numbers(t.slots, 1)[:, 0]
        self._traffic = slots[:, _TRAFFIC]
        self._numbered = slots[:, _NUMBERED]
        self._told = slots[:, _TOLD]
        self._round_trip_ns = slots[:, _ROUND_TRIP]
        sources = _numbers(t.sources, INBOUND)
        self._ssrcs = sources[:, :, _place(SOURCE, "ssrc")]
        self._kinds = sources[:, :, _place(SOURCE, "kind")]
        self._rtx = sources[:, :, _place(SOURCE, "rtx")]
        self._reception = sources[:, :, _RECEPTION]
        streams = _numbers(t.streams, OUTBOUND)
        self._sent = streams[:, :, _SENT]
        self._reported = streams[:, :, _REPORTED]

    def of(self, slot: int, now_ns: int) -> ConnectionStatistics:
        """The counts of ``slot``. Together they may be a packet apart."""
        packets_in, octets_in, packets_out, octets_out = self._traffic[slot].tolist()
        expected, received, jitter_s = self._received(slot)
        sent = self._sent[slot].tolist()
        reported = self._reported[slot].tolist()
        weight = lost = lost_in_all = packets_sent = 0
        for (packets, _), (reported_ns, fraction, packets_lost) in zip(sent, reported, strict=True):
            packets_sent += packets
            lost_in_all += packets_lost
            if now_ns - reported_ns < _FRESH_REPORT_NS:
                weight += packets
                lost += fraction * packets
        trip_ns = int(self._round_trip_ns[slot])
        return ConnectionStatistics(
            packets_in=packets_in,
            octets_in=octets_in,
            packets_out=packets_out,
            octets_out=octets_out,
            expected_in=expected,
            received_in=received,
            jitter_in_s=jitter_s,
            media_packets_out=packets_sent,
            lost_out=lost_in_all,
            fraction_lost_out=lost / 256 / weight if weight else None,
            round_trip_s=trip_ns / 1e9 if trip_ns >= 0 else None,
            downlink=self._downlink(slot, sent, reported, trip_ns, now_ns),
        )

    def _received(self, slot: int) -> tuple[int, int, float | None]:
        """RTP packets expected and received, and the largest jitter in seconds."""
        expected = received = 0
        jitter_s: float | None = None
        for place, ssrc in enumerate(self._ssrcs[slot].tolist()):
            if ssrc < 0:
                continue
            reception = self._reception[slot, place].tolist()
            if reception[RECEIVED] == 0:
                continue
            expected += reception[HIGHEST] - reception[FIRST] + 1
            received += reception[RECEIVED]
            if self._rtx[slot, place] == 0:
                is_audio = self._kinds[slot, place] == TrackKind.AUDIO
                rate = CLOCK_RATE_AUDIO if is_audio else CLOCK_RATE_VIDEO
                jitter_s = max(reception[JITTER_SCALED] / 16 / rate, jitter_s or 0.0)
        return expected, received, jitter_s

    def _downlink(
        self,
        slot: int,
        sent: list[list[int]],
        reported: list[list[int]],
        trip_ns: int,
        now_ns: int,
    ) -> DownlinkCounts:
        told = self._told[slot].tolist()
        numbered_packets, numbered_octets = self._numbered[slot].tolist()
        audio, camera, camera_rtx, screen, screen_rtx = sent
        audio_reported_ns, audio_fraction, _ = reported[Role.AUDIO]
        last_report_ns = max(each[0] for each in reported)
        is_just_measured = trip_ns >= 0 and now_ns - last_report_ns < _JUST_REPORTED_NS
        is_known = now_ns - audio_reported_ns < _FRESH_REPORT_NS
        return DownlinkCounts(
            audio_packets=audio[0],
            audio_octets=audio[1],
            camera_packets=camera[0] + camera_rtx[0],
            camera_octets=camera[1] + camera_rtx[1],
            screen_packets=screen[0] + screen_rtx[0],
            screen_octets=screen[1] + screen_rtx[1],
            numbered_packets=numbered_packets,
            numbered_octets=numbered_octets,
            told_packets=told[TOLD],
            told_lost=told[TOLD_LOST],
            told_octets=told[TOLD_OCTETS],
            told_audio=told[TOLD_AUDIO],
            told_audio_lost=told[TOLD_AUDIO_LOST],
            fraction_lost=audio_fraction / 256 if is_known else None,
            round_trip_s=trip_ns / 1e9 if is_just_measured else None,
        )
