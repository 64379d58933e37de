"""What the node wants of the plane."""

from dataclasses import dataclass

from sfu.rtp.media import MediaMap
from sfu.transport.stun import Address


@dataclass(frozen=True)
class OpenSlot:
    """Listen for checks that are addressed to ``ufrag``."""

    slot: int
    ufrag: str


@dataclass(frozen=True)
class SetUfrag:
    """Listen for checks that are addressed to ``ufrag`` from now on."""

    slot: int
    ufrag: str


@dataclass(frozen=True)
class SetMedia:
    """Forward by this map; ``cname`` names the sender of what the browser receives.

    ``ssrc`` is who reports to a browser that receives nothing.
    """

    slot: int
    media: MediaMap
    cname: str
    ssrc: int


@dataclass(frozen=True)
class AddAddress:
    """Listen to ``address``."""

    slot: int
    address: Address


@dataclass(frozen=True)
class SetRemote:
    """Send to ``address``."""

    slot: int
    address: Address


@dataclass(frozen=True)
class PauseVideo:
    """Send nothing again of what is paused towards ``slot``."""

    slot: int
    camera: bool
    screen: bool


@dataclass(frozen=True)
class PairSlots:
    """Forward between two slots; ``partner`` None parts ``slot`` from its partner."""

    slot: int
    partner: int | None


@dataclass(frozen=True)
class CloseSlot:
    """End the connection in ``slot``."""

    slot: int


PlaneCommand = (
    OpenSlot | SetUfrag | SetMedia | AddAddress | SetRemote | PauseVideo | PairSlots | CloseSlot
)
