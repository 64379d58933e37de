"""A room: at most two participants, who see each other when both are connected. Pure."""

from dataclasses import dataclass

from sfu.admission import JoinAllowance
from sfu.api import CodecUnsupported, ConnectionReplaced, VideoCodec
from sfu.plane_commands import CloseSlot, PairSlots

CAPACITY = 2

FALLBACK = VideoCodec.VP8
"""Every answer lists it (RFC 7742 section 5 makes browsers have it)."""

RoomOutput = PairSlots | CloseSlot | ConnectionReplaced | CodecUnsupported


@dataclass
class Member:
    """A participant's present connection.

    Attributes:
        lacks: a room codec that its browser does not have.
        connected: its DTLS association stands.
    """

    participant_id: str
    connection_id: str
    slot: int
    lacks: VideoCodec | None = None
    connected: bool = False


class Room:
    """One conversation's place on the node.

    Args:
        video_codec: what joins from now on are answered with, where the browser has it.
        max_video_bps: cap of each video m-line in later answers, in bits per second.
    """

    def __init__(self, room_id: str, video_codec: VideoCodec, max_video_bps: int) -> None:
        self.room_id = room_id
        self.video_codec = video_codec
        self.max_video_bps = max_video_bps
        self.joins = JoinAllowance()
        self._members: dict[str, Member] = {}

    def set(self, video_codec: VideoCodec, max_video_bps: int) -> None:
        """Change the settings; connections that stand keep theirs."""
        self.video_codec = video_codec
        self.max_video_bps = max_video_bps

    @property
    def members(self) -> tuple[Member, ...]:
        """Who is in the room."""
        return tuple(self._members.values())

    def member(self, participant_id: str) -> Member | None:
        """The participant's present connection, if there is one."""
        return self._members.get(participant_id)

    def partner(self, participant_id: str) -> Member | None:
        """The other participant's present connection, if there is one."""
        others = (each for each in self.members if each.participant_id != participant_id)
        return next(others, None)

    def admits(self, participant_id: str) -> bool:
        """Whether the participant may join: it is in already, or there is room."""
        return participant_id in self._members or len(self._members) < CAPACITY

    def codec_for(self, participant_id: str) -> VideoCodec:
        """The codec to answer a join with: one that a partner lacks would be of no use."""
        partner = self.partner(participant_id)
        if partner is not None and partner.lacks is self.video_codec:
            return FALLBACK
        return self.video_codec

    def join(
        self, participant_id: str, connection_id: str, slot: int, lacks: VideoCodec | None
    ) -> list[RoomOutput]:
        """Take in a connection that ``admits`` has allowed; an earlier one gives way."""
        outputs: list[RoomOutput] = []
        earlier = self._members.get(participant_id)
        if earlier is not None:
            outputs.append(CloseSlot(earlier.slot))
            outputs.append(ConnectionReplaced(self.room_id, participant_id, earlier.connection_id))
        self._members[participant_id] = Member(participant_id, connection_id, slot, lacks)
        if lacks is not None:
            outputs.append(CodecUnsupported(self.room_id, participant_id, FALLBACK))
        return outputs

    def connected(self, participant_id: str) -> list[RoomOutput]:
        """The participant's connection stands: media flows when the partner's does too."""
        member = self._members[participant_id]
        member.connected = True
        partner = self.partner(participant_id)
        if partner is None or not partner.connected:
            return []
        return [PairSlots(member.slot, partner.slot)]

    def leave(self, participant_id: str) -> list[RoomOutput]:
        """The participant's connection ends without a replacement."""
        member = self._members.pop(participant_id, None)
        return [] if member is None else [CloseSlot(member.slot)]

    def close(self) -> list[RoomOutput]:
        """Everybody out."""
        return [output for member in self.members for output in self.leave(member.participant_id)]
