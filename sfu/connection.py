"""One participant's connection on the node: its life, and what its downlink carries. Pure."""

from dataclasses import dataclass, field
from enum import Enum, auto

from sfu.api import VideoCodec, VideoPause
from sfu.plane import DownlinkCounts
from sfu.slots import Slot
from sfu.survival import NOTHING, Pause, Survival, sample_between
from sfu.transport.ice import IceAgent

CONNECT_WITHIN_S = 30.0
"""A connection without DTLS this long after its join has failed."""


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


@dataclass
class Connection:
    """One join.

    Attributes:
        fingerprints: of the browser's certificate; they stay over an ICE restart.
        remote_credentials: ICE ufrag and pwd of the browser's last offer.
        outbound_ssrcs: the node's, as long as the slot lives.
        video_codec: what the join was answered with; a later answer says the same.
        answers: how many SDP answers it has had.
        has_camera: its browser would send one if it was not paused, as far as its page told.
        has_screen: the same of a shared screen.
        pause: what its partner should not send now.
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
    has_camera: bool = True
    has_screen: bool = True
    pause: Pause = NOTHING
    state: State = State.JOINING
    # What went down as of the last report.
    _downlink: DownlinkCounts = field(default_factory=DownlinkCounts)
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

    def secured(self, now: float) -> None:
        """It is connected: from now on it is seen what its downlink carries."""
        self._survival = Survival(now)

    def survive(self, counts: DownlinkCounts, seconds: float, now: float) -> VideoPause | None:
        """What its partner should send from now on, by ``counts`` of the last ``seconds``; None
        for no change."""
        sample = sample_between(self._downlink, counts, seconds)
        self._downlink = counts
        pause = self._survival.take(sample, now)
        if pause is None:
            return None
        self.pause = pause
        names = (self.room_id, self.participant_id, self.connection_id)
        return VideoPause(*names, pause.camera, pause.screen)

    def misses(self, partner: "Connection | None") -> bool:
        """Whether a picture that ``partner`` has is kept from its participant."""
        if partner is None:
            return self.pause != NOTHING
        camera = self.pause.camera and partner.has_camera
        return camera or (self.pause.screen and partner.has_screen)
