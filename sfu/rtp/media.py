"""What one connection carries: its tracks, payload types and header extensions.

Directions are the server's: an *inbound* track comes from the browser, an *outbound* track
goes to it. The numbers in these enumerations are shared with the compiled plane.
"""

from dataclasses import dataclass
from enum import IntEnum


class TrackKind(IntEnum):
    """The three things a participant sends, each on an m-line of its own."""

    AUDIO = 0
    VIDEO = 1
    SCREEN = 2


class Codec(IntEnum):
    """What a payload type stands for. ``RTX_x`` is the RFC 4588 retransmission of ``x``."""

    UNKNOWN = 0
    OPUS = 1
    RED = 2
    VP8 = 3
    VP9 = 4
    AV1 = 5
    H264 = 6
    RTX_VP8 = 11
    RTX_VP9 = 12
    RTX_AV1 = 13
    RTX_H264 = 14


RTX_OFFSET = 8
"""``Codec(codec + RTX_OFFSET)`` is the retransmission codec of a video codec."""

CLOCK_RATE_AUDIO = 48_000
CLOCK_RATE_VIDEO = 90_000


class Extension(IntEnum):
    """RTP header extensions that the node understands (RFC 8285 elements)."""

    UNKNOWN = 0
    MID = 1
    ABS_SEND_TIME = 2
    TRANSPORT_WIDE_CC = 3
    AUDIO_LEVEL = 4
    VIDEO_ORIENTATION = 5
    PLAYOUT_DELAY = 6


EXTENSION_URIS: dict[Extension, str] = {
    Extension.MID: "urn:ietf:params:rtp-hdrext:sdes:mid",
    Extension.ABS_SEND_TIME: "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    Extension.TRANSPORT_WIDE_CC: (
        "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
    ),
    Extension.AUDIO_LEVEL: "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    Extension.VIDEO_ORIENTATION: "urn:3gpp:video-orientation",
    Extension.PLAYOUT_DELAY: "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
}


@dataclass(frozen=True)
class InboundTrack:
    """A track that the browser sends.

    ``ssrc`` and ``rtx_ssrc`` are what its offer declares; None when it declares none, then
    the MID header extension tells (RFC 8843 section 9.2).
    """

    kind: TrackKind
    mid: str
    ssrc: int | None
    rtx_ssrc: int | None


@dataclass(frozen=True)
class OutboundTrack:
    """A track that the node sends to the browser, under SSRCs of the node's choosing."""

    kind: TrackKind
    mid: str
    ssrc: int
    rtx_ssrc: int | None


@dataclass(frozen=True)
class MediaMap:
    """What the two ends of one connection agreed on.

    Attributes:
        payload_types: payload type (0–127) → codec, valid in both directions.
        extension_ids: header extension id (1–14) → extension, valid in both directions.
        inbound: tracks that the browser may send.
        outbound: tracks that the node may send.
    """

    payload_types: dict[int, Codec]
    extension_ids: dict[int, Extension]
    inbound: tuple[InboundTrack, ...]
    outbound: tuple[OutboundTrack, ...]
