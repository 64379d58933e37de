"""The messages that control and a media node share.

Control asks (a request class), the node answers (``Done``, ``Answer`` or ``Refused``), and the
node reports (an event class). All are plain frozen dataclasses of strings, numbers and booleans,
so that they cross a process boundary as they are. Times are Unix seconds.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

VERSION = 1

PROBE_LASTS_S = 15.0
"""A probe's media flow for 5 s; what is left is for setting up and for slow networks."""


class VideoCodec(StrEnum):
    """The video codec of a room."""

    VP8 = "vp8"
    VP9 = "vp9"
    AV1 = "av1"
    H264 = "h264"


# Requests: control → node


@dataclass(frozen=True)
class OpenRoom:
    """Make room for one conversation. Opening an open room again changes its settings.

    ``max_video_bps`` caps each video m-line of later answers, in bits per second. A ``probe`` is
    no conversation: one browser, as both participants, finds out what its network carries. Such a
    room closes by itself after PROBE_LASTS_S, and is refused (NODE_FULL) before conversations are.
    """

    room_id: str
    video_codec: VideoCodec = VideoCodec.VP8
    max_video_bps: int = 2_500_000
    probe: bool = False


@dataclass(frozen=True)
class CloseRoom:
    """End a conversation and drop both connections. Closing an unknown room is not an error."""

    room_id: str


@dataclass(frozen=True)
class Join:
    """Connect a participant by its SDP offer; answered with ``Answer`` or ``Refused``.

    A connection that the participant already had in the room is replaced.
    ``connection_id`` is control's name for the new connection.
    """

    room_id: str
    participant_id: str
    connection_id: str
    offer: str


@dataclass(frozen=True)
class RestartIce:
    """New ICE credentials on a live connection, by a re-offer; answered like ``Join``."""

    room_id: str
    participant_id: str
    connection_id: str
    offer: str


@dataclass(frozen=True)
class Remove:
    """Drop a participant's connection, at once and without a replacement."""

    room_id: str
    participant_id: str


@dataclass(frozen=True)
class HasVideo:
    """What a participant would send if nothing of it were paused; answered by ``Done`` or
    ``Refused``.

    While something is paused (``VideoPause``) no packet tells that its camera was turned off, and
    the partner misses nothing then. A new connection counts as one that has both.
    """

    room_id: str
    participant_id: str
    connection_id: str
    camera: bool
    screen: bool


Request = OpenRoom | CloseRoom | Join | RestartIce | Remove | HasVideo


# Replies: node → control


@dataclass(frozen=True)
class Done:
    """The request was carried out and has nothing to say."""


@dataclass(frozen=True)
class Answer:
    """The SDP answer to a ``Join`` or ``RestartIce``."""

    connection_id: str
    answer: str
    video_codec: VideoCodec


class RefusalCode(StrEnum):
    """Why a request was not carried out."""

    BAD_OFFER = "bad-offer"
    UNKNOWN_ROOM = "unknown-room"
    UNKNOWN_CONNECTION = "unknown-connection"
    ROOM_FULL = "room-full"
    NODE_FULL = "node-full"


@dataclass(frozen=True)
class Refused:
    """The request was not carried out; ``detail`` says what happened and what to do."""

    code: RefusalCode
    detail: str


Reply = Done | Answer | Refused


# Events: node → control


@dataclass(frozen=True)
class ParticipantConnected:
    """The first authenticated media-path packet of a connection arrived (DTLS is up)."""

    room_id: str
    participant_id: str
    connection_id: str
    at: float


@dataclass(frozen=True)
class ParticipantHeard:
    """Liveness, reported once a second for each connected participant.

    ``last_heard_at`` is the time of the last *authenticated* packet: SRTP, SRTCP, or STUN
    with good integrity.
    """

    room_id: str
    participant_id: str
    connection_id: str
    last_heard_at: float


@dataclass(frozen=True)
class ConnectionReplaced:
    """A newer join of the same participant took the place of this connection."""

    room_id: str
    participant_id: str
    connection_id: str


@dataclass(frozen=True)
class ConnectionFailed:
    """The connection could not be set up (ICE or DTLS deadline); the page should join anew."""

    room_id: str
    participant_id: str
    connection_id: str
    detail: str


@dataclass(frozen=True)
class CodecUnsupported:
    """A participant who has joined lacks the room's video codec.

    ``participant_id`` lacks it; the other participant's page must rejoin with ``fallback``.
    """

    room_id: str
    participant_id: str
    fallback: VideoCodec


class QualityLevel(StrEnum):
    """A score as a word. What each means is in docs/quality.md."""

    EXCELLENT = "excellent"
    GOOD = "good"
    POOR = "poor"
    LOST = "lost"


class ReasonCode(StrEnum):
    """What takes a score down, and the unit of the number beside it."""

    LOSS = "loss"  # percent of packets
    UNREPAIRED = "unrepaired"  # percent of video packets
    FREEZES = "freezes"  # percent of the time
    JITTER = "jitter"  # ms
    DELAY = "delay"  # ms, there and back
    SILENT = "silent"  # s
    PAUSED = "paused"  # s; a picture is not sent, since the network is too slow for it
    # The node's own
    OVERFLOW = "overflow"  # percent of what came
    NOT_SENT = "not_sent"  # percent of what was to go
    LATE = "late"  # ms


@dataclass(frozen=True)
class Reason:
    """One thing that takes a score down."""

    code: ReasonCode
    value: float


@dataclass(frozen=True)
class LegScore:
    """How a leg does: ``mos`` is 1 to 4.5, and the reasons are the worst first."""

    mos: float
    level: QualityLevel
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class LegQuality:
    """One direction of one connection over the last second; None where nothing is known.

    Attributes:
        score: of the last five seconds.
        packets: SRTP and SRTCP.
        bitrate_bps: of them, UDP payload.
        expected: RTP packets whose fate became known: sent by the browser, or told of by it.
        lost: of these. Less than 0 when packets that were told as lost came late.
        repaired: lost ones that came again, or (from the node) were sent again.
        given_up: lost ones that are not asked for any more.
        jitter_ms, video_jitter_ms: interarrival jitter of audio and of the camera (RFC 3550).
        freezes: pauses of 250 ms to 1 s of the camera; from the node: keyframes asked for.
        silent_s: since the last packet.
    """

    score: LegScore
    packets: int
    bitrate_bps: float
    expected: int
    lost: int
    repaired: int
    given_up: int
    jitter_ms: float | None
    video_jitter_ms: float | None
    freezes: int
    silent_s: float | None

    @property
    def loss_pct(self) -> float | None:
        """None when nothing was expected; late packets do not make it negative."""
        return 100 * max(self.lost, 0) / self.expected if self.expected > 0 else None


@dataclass(frozen=True)
class ConnectionQuality:
    """What the node measured of one connection over the last second, or since it began.

    ``up`` is from the browser to the node, ``down`` from the node to it; ``node`` is what the node
    itself does to packets, of all connections. ``rtt_ms`` is that of RTCP (RFC 3550); None when not
    known yet.
    """

    room_id: str
    participant_id: str
    connection_id: str
    rtt_ms: float | None
    up: LegQuality
    down: LegQuality
    node: LegScore


@dataclass(frozen=True)
class VideoPause:
    """The partner of this participant should send only what this participant's downlink carries.

    ``camera`` and ``screen`` are True while the partner's page is to keep that sender inactive.
    Reported at each change; a new connection begins with nothing paused.
    """

    room_id: str
    participant_id: str
    connection_id: str
    camera: bool
    screen: bool


Event = (
    ParticipantConnected
    | ParticipantHeard
    | ConnectionReplaced
    | ConnectionFailed
    | CodecUnsupported
    | ConnectionQuality
    | VideoPause
)


class NodePort(Protocol):
    """A media node as control sees it, in this process or elsewhere."""

    async def request(self, message: Request) -> Reply:
        """Carry out ``message``. Never raises for what a peer sent."""
        ...

    async def next_event(self) -> Event:
        """Wait for the next event. One reader only; events are in order."""
        ...
