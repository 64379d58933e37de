"""The rooms of consultations on the media node, and what the node tells of them."""

import asyncio
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import assert_never

from control.adapters.audience import Audience
from control.adapters.errands import Errands
from control.adapters.live import LiveConsultations
from control.adapters.quality_watch import QualityWatch
from control.consultations.consultation import Consultation
from control.consultations.parties import Role
from control.consultations.quality import PausedVideo
from control.errors import (
    BadOffer,
    ConnectionUnknown,
    ControlError,
    NodeFull,
    NodeUnavailable,
    NotInThisState,
    RoomFull,
)
from sfu.api import (
    Answer,
    CloseRoom,
    CodecUnsupported,
    ConnectionFailed,
    ConnectionQuality,
    ConnectionReplaced,
    Event,
    HasVideo,
    Join,
    NodePort,
    OpenRoom,
    ParticipantConnected,
    ParticipantHeard,
    RefusalCode,
    Refused,
    Reply,
    Request,
    RestartIce,
    VideoCodec,
    VideoPause,
)

log = logging.getLogger(__name__)

NODE_TIMEOUT_S = 10.0

REFUSALS: dict[RefusalCode, type[ControlError]] = {
    RefusalCode.BAD_OFFER: BadOffer,
    RefusalCode.UNKNOWN_ROOM: NodeUnavailable,
    RefusalCode.UNKNOWN_CONNECTION: ConnectionUnknown,
    RefusalCode.ROOM_FULL: RoomFull,
    RefusalCode.NODE_FULL: NodeFull,
}


@dataclass
class _Room:
    # Joins and the closing of a room take turns, so that no join reopens a closed one.
    turn: asyncio.Lock
    video_codec: VideoCodec
    # The connection that each participant has now.
    connections: dict[Role, str]
    # What is not sent to a participant; those who get everything are not in it.
    paused: dict[Role, PausedVideo] = field(default_factory=dict)


class Rooms:
    """A room is named like its consultation, a participant in it like their role."""

    def __init__(
        self,
        node: NodePort,
        live: LiveConsultations,
        audience: Audience,
        errands: Errands,
        video_codec: VideoCodec,
        max_video_bps: int,
        from_wall: Callable[[float], float],
        quality: QualityWatch,
        others: Callable[[Event], None],
    ) -> None:
        self._node = node
        self._live = live
        self._audience = audience
        self._errands = errands
        self._video_codec = video_codec
        self._max_video_bps = max_video_bps
        # The node stamps by the wall clock; consultations have their own.
        self._from_wall = from_wall
        self._quality = quality
        # News of rooms that are no consultations'.
        self._others = others
        self._rooms: dict[str, _Room] = {}
        # Where a live connection belongs.
        self._places: dict[str, tuple[str, Role]] = {}

    async def join(self, consultation_id: str, role: Role, offer: str) -> Answer:
        """Connect a participant by their SDP offer; an earlier connection of theirs is replaced."""
        return await self._errands.undisturbed(self._join(consultation_id, role, offer))

    async def _join(self, consultation_id: str, role: Role, offer: str) -> Answer:
        room = self._room(consultation_id)
        async with room.turn:
            consultation = self._live.joinable(consultation_id)
            if consultation is None:
                if not room.connections:
                    self._rooms.pop(consultation_id, None)
                raise NotInThisState("The room of this consultation is not open.")
            await self.ask(OpenRoom(consultation_id, room.video_codec, self._max_video_bps))
            connection_id = uuid.uuid4().hex
            reply = await self.ask(Join(consultation_id, role.value, connection_id, offer))
            if not isinstance(reply, Answer):
                raise NodeUnavailable("The media node gave no answer to a join.")
            self._places.pop(room.connections.get(role, ""), None)
            room.connections[role] = connection_id
            self._places[connection_id] = (consultation_id, role)
            self._tell_pauses_anew(consultation, room, role)
        return reply

    async def restart_ice(self, user_id: str, connection_id: str, offer: str) -> Answer:
        """New ICE credentials on a user's own live connection, by a re-offer."""
        place = self._own(user_id, connection_id)
        reply = await self.ask(RestartIce(*place, connection_id, offer))
        if not isinstance(reply, Answer):
            raise NodeUnavailable("The media node gave no answer to an ICE restart.")
        return reply

    async def has_video(
        self, user_id: str, connection_id: str, *, camera: bool, screen: bool
    ) -> None:
        """What a user's own live connection would send if nothing of it were paused."""
        place = self._own(user_id, connection_id)
        await self.ask(HasVideo(*place, connection_id, camera, screen))

    def _own(self, user_id: str, connection_id: str) -> tuple[str, str]:
        """Consultation and role of a user's own live connection; ConnectionUnknown of any other."""
        consultation_id, role = self._places.get(connection_id, ("", Role.CLIENT))
        consultation = self._live.joinable(consultation_id)
        if consultation is None or consultation.role_of(user_id) is not role:
            raise ConnectionUnknown("Join anew with a fresh token.")
        return consultation_id, role.value

    def close(self, consultation_id: str) -> None:
        """Close the room, without waiting for it."""
        self._errands.send(self._close(consultation_id))
        self._errands.send(self._quality.over(consultation_id))

    async def ping(self) -> None:
        """Raises NodeUnavailable when the node does not answer."""
        # Closing an unknown room changes nothing, and is answered.
        await self.ask(CloseRoom(""))

    async def ask(self, request: Request) -> Reply:
        """Ask the node; what it refuses, and its silence, are ControlErrors."""
        try:
            async with asyncio.timeout(NODE_TIMEOUT_S):
                reply = await self._node.request(request)
        except TimeoutError:
            raise NodeUnavailable(
                f"The media node did not answer within {NODE_TIMEOUT_S:.0f} s."
            ) from None
        if isinstance(reply, Refused):
            raise REFUSALS[reply.code](reply.detail)
        return reply

    async def run(self) -> None:
        """Follow the node's events, until cancelled."""
        while True:
            event = await self._node.next_event()
            try:
                await self._take(event)
            except Exception:
                log.exception("an event of the media node was lost: %s", event)
            if isinstance(event, ConnectionQuality):
                await asyncio.sleep(0)  # hundreds come at once, and deadlines are due in between

    def _room(self, consultation_id: str) -> _Room:
        return self._rooms.setdefault(consultation_id, _Room(asyncio.Lock(), self._video_codec, {}))

    async def _close(self, consultation_id: str) -> None:
        # Also a room that we know nothing of: the node may have outlived us.
        room = self._room(consultation_id)
        async with room.turn:
            self._rooms.pop(consultation_id, None)
            for connection_id in room.connections.values():
                self._places.pop(connection_id, None)
            await self.ask(CloseRoom(consultation_id))

    async def _take(self, event: Event) -> None:
        consultation = self._live.joinable(event.room_id)
        if consultation is None:
            # Of a probe, or of a room that was closed a moment ago.
            self._others(event)
            return
        role = Role(event.participant_id)
        match event:
            case ParticipantConnected():
                self._live.heard(event.room_id, role, self._from_wall(event.at))
            case ParticipantHeard():
                self._live.heard(event.room_id, role, self._from_wall(event.last_heard_at))
            case ConnectionReplaced():
                self._audience.connection_replaced(consultation, role, event.connection_id)
            case ConnectionFailed():
                if self._connection(event.room_id, role) == event.connection_id:
                    self._audience.rejoin(consultation, role, event.connection_id, "failed")
            case CodecUnsupported():
                # Not waited for: it takes its turn behind joins, and liveness must not.
                self._errands.send(self._fall_back(consultation, role.other, event.fallback))
            case ConnectionQuality():
                self._quality.take(consultation, role, event)
            case VideoPause():
                if self._connection(event.room_id, role) == event.connection_id:
                    self._pause(consultation, role, PausedVideo(event.camera, event.screen))
            case _:
                assert_never(event)

    async def _fall_back(
        self, consultation: Consultation, role: Role, video_codec: VideoCodec
    ) -> None:
        room = self._room(consultation.id)
        async with room.turn:
            if self._live.joinable(consultation.id) is None:
                return
            room.video_codec = video_codec
            await self.ask(OpenRoom(consultation.id, video_codec, self._max_video_bps))
        connection_id = room.connections.get(role)
        if connection_id is not None:
            self._audience.rejoin(consultation, role, connection_id, "codec")

    def _connection(self, room_id: str, role: Role) -> str | None:
        room = self._rooms.get(room_id)
        return room.connections.get(role) if room else None

    def paused(self, consultation_id: str) -> dict[Role, PausedVideo]:
        """What is not sent to each who has a connection."""
        room = self._rooms.get(consultation_id)
        return (
            {}
            if room is None
            else {role: room.paused.get(role, PausedVideo()) for role in room.connections}
        )

    def _pause(self, consultation: Consultation, role: Role, paused: PausedVideo) -> None:
        room = self._room(consultation.id)
        if paused == PausedVideo():
            room.paused.pop(role, None)
        else:
            room.paused[role] = paused
        self._audience.video_pause(consultation, role, paused)

    def _tell_pauses_anew(self, consultation: Consultation, room: _Room, role: Role) -> None:
        """``role`` has a new connection: it carries everything until it is seen not to.

        The page that it belongs to may be a new one, too, and has to hold what the other's
        connection does not carry.
        """
        if role in room.paused:
            self._pause(consultation, role, PausedVideo())
        if role.other in room.paused:
            self._audience.video_pause(consultation, role.other, room.paused[role.other])
