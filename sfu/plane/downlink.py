"""What went down to a participant, and what it said of it: the counts that survival judges by."""

from dataclasses import dataclass


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
