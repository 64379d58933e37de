"""What went down to a participant, and what it said of it: the counts that survival judges by."""

from dataclasses import dataclass
from typing import Final

from sfu.plane.feedback import TOLD, TOLD_AUDIO, TOLD_AUDIO_LOST, TOLD_LOST, TOLD_OCTETS
from sfu.plane.tables import OUTBOUND, Role, Tables

_FRESH_REPORT_NS: Final = 6_000_000_000  # browsers report of audio every 2.5 to 7.5 s
_JUST_REPORTED_NS: Final = 1_500_000_000


@dataclass(frozen=True)
class DownlinkCounts:
    """What went to a participant and what it said of it, counted since its connection began.

    Attributes:
        audio_packets, audio_octets: RTP sent, octets of payload; likewise of camera and screen,
            their retransmissions included.
        numbered_packets, numbered_octets: packets sent with a transport-wide number, octets as
            the link sees them.
        told_packets, told_lost: of these, those that its transport-wide feedback has told of, and
            told as lost.
        told_octets: of those told as received, octets as the link sees them.
        told_audio, told_audio_lost: like ``told_packets``, of audio alone.
        fraction_lost: by its last receiver reports (0 to 1), None when they are old.
        round_trip_s: by a report of the last moments, None when there was none.
    """

    audio_packets: int = 0
    audio_octets: int = 0
    camera_packets: int = 0
    camera_octets: int = 0
    screen_packets: int = 0
    screen_octets: int = 0
    numbered_packets: int = 0
    numbered_octets: int = 0
    told_packets: int = 0
    told_lost: int = 0
    told_octets: int = 0
    told_audio: int = 0
    told_audio_lost: int = 0
    fraction_lost: float | None = None
    round_trip_s: float | None = None


def read_downlink(t: Tables, slot: int, now_ns: int) -> DownlinkCounts:
    """The counts of ``slot``; from any thread, each is up to date."""
    record = t.slots[slot]
    streams = t.streams[slot * OUTBOUND : (slot + 1) * OUTBOUND]
    told = record["told"].tolist()
    packets, octets = streams["packets"].tolist(), streams["octets"].tolist()
    reported_ns = streams["reported_ns"].tolist()
    trip_ns = int(record["round_trip_ns"])
    is_just_measured = trip_ns >= 0 and now_ns - max(reported_ns) < _JUST_REPORTED_NS
    is_known = now_ns - reported_ns[Role.AUDIO] < _FRESH_REPORT_NS

    return DownlinkCounts(
        audio_packets=packets[Role.AUDIO],
        audio_octets=octets[Role.AUDIO],
        camera_packets=packets[Role.VIDEO] + packets[Role.VIDEO_RTX],
        camera_octets=octets[Role.VIDEO] + octets[Role.VIDEO_RTX],
        screen_packets=packets[Role.SCREEN] + packets[Role.SCREEN_RTX],
        screen_octets=octets[Role.SCREEN] + octets[Role.SCREEN_RTX],
        numbered_packets=int(record["numbered_packets"]),
        numbered_octets=int(record["numbered_octets"]),
        told_packets=told[TOLD],
        told_lost=told[TOLD_LOST],
        told_octets=told[TOLD_OCTETS],
        told_audio=told[TOLD_AUDIO],
        told_audio_lost=told[TOLD_AUDIO_LOST],
        fraction_lost=int(streams["fraction_lost"][Role.AUDIO]) / 256 if is_known else None,
        round_trip_s=trip_ns / 1e9 if is_just_measured else None,
    )
