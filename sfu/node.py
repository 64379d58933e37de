"""The node: rooms and connections by what control, the network and the clock say. Pure.

Every method takes what has happened and returns what is to be done, in order: commands to the
plane, datagrams, handshakes to begin, and events for control. ``sfu.server`` carries them out.
"""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from sfu.admission import ROOMS_A_SLOT
from sfu.api import (
    Answer,
    CloseRoom,
    ConnectionFailed,
    ConnectionQuality,
    Done,
    Event,
    HasVideo,
    Join,
    OpenRoom,
    ParticipantConnected,
    ParticipantHeard,
    RefusalCode,
    Refused,
    Remove,
    Reply,
    Request,
    RestartIce,
    VideoCodec,
)
from sfu.connection import CONNECT_WITHIN_S, Connection, State, Trigger
from sfu.negotiation import AnswerTerms, BadOffer, Candidate, Negotiated, Offer, answer, read_offer
from sfu.plane import MAX_PARTICIPANTS
from sfu.plane_commands import (
    AddAddress,
    CloseSlot,
    OpenSlot,
    PauseVideo,
    PlaneCommand,
    SetMedia,
    SetRemote,
    SetUfrag,
)
from sfu.probes import Probes
from sfu.reporting import Readings, Reporting
from sfu.room import FALLBACK, Room, RoomOutput
from sfu.rtp.media import Codec
from sfu.slots import Slots, random_text
from sfu.transport.ice import (
    AddressSelected,
    AddressValidated,
    CheckDropped,
    Credentials,
    IceAgent,
    SendResponse,
)
from sfu.transport.stun import Address

_TOO_OFTEN = "this room joins too often; try again in some seconds"

PWD_LENGTH = 24  # RFC 8839 section 5.4: at least 22

CODECS: dict[VideoCodec, Codec] = {
    VideoCodec.VP8: Codec.VP8,
    VideoCodec.VP9: Codec.VP9,
    VideoCodec.AV1: Codec.AV1,
    VideoCodec.H264: Codec.H264,
}


@dataclass(frozen=True)
class StartHandshake:
    """Expect a DTLS client with one of these certificates; ``CloseSlot`` ends it."""

    slot: int
    fingerprints: tuple[tuple[str, str], ...]


Output = PlaneCommand | StartHandshake | SendResponse | Event


class Node:
    """All rooms of one worker.

    Args:
        candidates: where the worker can be reached, best first.
        fingerprints: of the worker's certificate.
        source: of ICE credentials and SSRCs; a ``SystemRandom`` outside tests.
        unix_time: tells ``now``, which is of a clock that nobody sets, to control.
        max_participants: slots that the plane has.
    """

    def __init__(
        self,
        candidates: tuple[Candidate, ...],
        fingerprints: tuple[tuple[str, str], ...],
        source: random.Random,
        unix_time: Callable[[float], float],
        max_participants: int = MAX_PARTICIPANTS,
    ) -> None:
        self._candidates = candidates
        self._fingerprints = fingerprints
        self._source = source
        self._unix_time = unix_time
        self._slots = Slots(max_participants)
        self._max_rooms = ROOMS_A_SLOT * max_participants
        self._rooms: dict[str, Room] = {}
        self._probes = Probes(max_participants)
        # Every connection whose slot is not free yet, by slot number.
        self._connections: dict[int, Connection] = {}
        # Those that have no keys yet, and some that had none a moment ago.
        self._joining: dict[int, Connection] = {}
        self._reporting = Reporting(max_participants)
        # What was dropped here, by reason.
        self.drops: Counter[str] = Counter()

    @property
    def room_count(self) -> int:
        """Rooms that are open, without probes."""
        return len(self._rooms) - len(self._probes)

    @property
    def probe_count(self) -> int:
        """Probes that are open."""
        return len(self._probes)

    def count(self, state: State) -> int:
        """Connections in ``state``, without those of probes that are open."""
        return sum(
            connection.state is state and connection.room_id not in self._probes
            for connection in self._connections.values()
        )

    # What control asks.

    def request(self, message: Request, now: float) -> tuple[Reply, list[Output]]:
        """Answer control. ``now`` in seconds of ``clock.steady_time``, here and below."""
        match message:
            case OpenRoom():
                return self._open_room(message, now)
            case CloseRoom():
                return Done(), self._close_room(message.room_id)
            case Remove():
                remaining = self._rooms.get(message.room_id)
                if remaining is None:
                    return Done(), []
                return Done(), self._carry_out(remaining.leave(message.participant_id))
            case Join():
                return self._join(message, now)
            case RestartIce():
                return self._restart(message, now)
            case HasVideo():
                return self._note_video(message), []
            case _:
                assert_never(message)

    def _open_room(self, message: OpenRoom, now: float) -> tuple[Reply, list[Output]]:
        room = self._rooms.get(message.room_id)
        if room is not None:
            room.set(message.video_codec, message.max_video_bps)
            return Done(), []
        why_not = self._probes.refusal(self._slots.free, now) if message.probe else None
        if why_not is None and len(self._rooms) >= self._max_rooms:
            why_not = f"{self._max_rooms} rooms are open already"
        if why_not is not None:
            return _refuse(RefusalCode.NODE_FULL, why_not)
        self._rooms[message.room_id] = Room(
            message.room_id, message.video_codec, message.max_video_bps
        )
        if message.probe:
            self._probes.begin(message.room_id, now)
        return Done(), []

    def _close_room(self, room_id: str) -> list[Output]:
        self._probes.end(room_id)
        room = self._rooms.pop(room_id, None)
        return [] if room is None else self._carry_out(room.close())

    def _join(self, message: Join, now: float) -> tuple[Reply, list[Output]]:
        room = self._rooms.get(message.room_id)
        if room is None:
            return _refuse(RefusalCode.UNKNOWN_ROOM, f"no room {message.room_id!r} is open here")
        if not room.admits(message.participant_id):
            return _refuse(RefusalCode.ROOM_FULL, "two participants are in the room already")
        if not room.joins.take(now):
            return _refuse(RefusalCode.NODE_FULL, _TOO_OFTEN)
        try:
            offer = read_offer(message.offer)
        except BadOffer as error:
            return _refuse(RefusalCode.BAD_OFFER, str(error))
        slot = self._slots.take()
        if slot is None:
            return _refuse(RefusalCode.NODE_FULL, "all places for connections are taken")
        connection = Connection(
            room_id=message.room_id,
            participant_id=message.participant_id,
            connection_id=message.connection_id,
            slot=slot,
            agent=IceAgent(
                Credentials(slot.ufrag(self._source), random_text(PWD_LENGTH, self._source)),
                offer.ice_ufrag,
            ),
            fingerprints=frozenset(offer.fingerprints),
            remote_credentials=(offer.ice_ufrag, offer.ice_pwd),
            outbound_ssrcs=self._choose_ssrcs(offer),
            video_codec=room.codec_for(message.participant_id),
            max_video_bps=room.max_video_bps,
            joined_at=now,
        )
        negotiated = self._answer(connection, offer)
        lacks = None
        if not negotiated.video_codec_supported:
            lacks, connection.video_codec = connection.video_codec, FALLBACK
        self._connections[slot.number] = self._joining[slot.number] = connection
        outputs: list[Output] = [
            OpenSlot(slot.number, connection.agent.credentials.ufrag),
            _set_media(connection, negotiated),
            StartHandshake(slot.number, offer.fingerprints),
        ]
        outputs += self._carry_out(
            room.join(message.participant_id, message.connection_id, slot.number, lacks)
        )
        return Answer(message.connection_id, negotiated.sdp, connection.video_codec), outputs

    def _restart(self, message: RestartIce, now: float) -> tuple[Reply, list[Output]]:
        connection = self._find(message)
        if connection is None:
            return _unknown(message), []
        if not self._rooms[message.room_id].joins.take(now):
            return _refuse(RefusalCode.NODE_FULL, _TOO_OFTEN)
        try:
            offer = read_offer(message.offer)
        except BadOffer as error:
            return _refuse(RefusalCode.BAD_OFFER, str(error))
        if frozenset(offer.fingerprints) != connection.fingerprints:
            return _refuse(
                RefusalCode.BAD_OFFER,
                "the offer has another certificate fingerprint than the connection; join anew",
            )
        taken = sorted(offer.ssrcs.intersection(connection.outbound_ssrcs))
        if taken:  # ours stay as long as the slot; the plane would refuse to hear these
            return _refuse(
                RefusalCode.BAD_OFFER,
                f"the offer sends with an SSRC that the node sends with, {taken[0]};"
                " join anew, or offer another SSRC",
            )
        outputs: list[Output] = []
        if (offer.ice_ufrag, offer.ice_pwd) != connection.remote_credentials:
            connection.remote_credentials = (offer.ice_ufrag, offer.ice_pwd)
            ufrag = connection.slot.ufrag(self._source)
            while ufrag == connection.agent.credentials.ufrag:
                ufrag = connection.slot.ufrag(self._source)
            connection.agent.restart(
                Credentials(ufrag, random_text(PWD_LENGTH, self._source)), offer.ice_ufrag
            )
            outputs.append(SetUfrag(connection.slot.number, ufrag))
        connection.answers += 1
        negotiated = self._answer(connection, offer)
        outputs.append(_set_media(connection, negotiated))
        return Answer(message.connection_id, negotiated.sdp, connection.video_codec), outputs

    def _note_video(self, message: HasVideo) -> Reply:
        connection = self._find(message)
        if connection is None:
            return _unknown(message)
        connection.has_camera, connection.has_screen = message.camera, message.screen
        self._judge_pause_beside(connection)
        return Done()

    def _judge_pause_beside(self, connection: Connection) -> None:
        partner = self._rooms[connection.room_id].partner(connection.participant_id)
        if partner is not None:
            self._judge_pause(self._connections[partner.slot])

    def _judge_pause(self, connection: Connection) -> None:
        """Note whether its participant misses a picture: one is paused, and would be there."""
        partner = self._rooms[connection.room_id].partner(connection.participant_id)
        other = None if partner is None else self._connections[partner.slot]
        self._reporting.paused(connection.slot.number, connection.misses(other))

    def _find(self, message: RestartIce | HasVideo) -> Connection | None:
        room = self._rooms.get(message.room_id)
        member = room.member(message.participant_id) if room is not None else None
        if member is None or member.connection_id != message.connection_id:
            return None
        return self._connections[member.slot]

    def _answer(self, connection: Connection, offer: Offer) -> Negotiated:
        return answer(
            offer,
            AnswerTerms(
                video_codec=CODECS[connection.video_codec],
                max_video_bps=connection.max_video_bps,
                ice_ufrag=connection.agent.credentials.ufrag,
                ice_pwd=connection.agent.credentials.pwd,
                fingerprints=self._fingerprints,
                candidates=self._candidates,
                outbound_ssrcs=connection.outbound_ssrcs,
                cname=_cname(connection),
                version=connection.answers,
            ),
        )

    def _choose_ssrcs(self, offer: Offer) -> tuple[int, int, int, int, int]:
        """Five that nobody else in the session has (RFC 3550 section 8.2)."""
        chosen: set[int] = set()
        while len(chosen) < 5:
            chosen.add(self._source.randrange(1, 1 << 32))
            chosen -= offer.ssrcs
        first, second, third, fourth, fifth = chosen
        return first, second, third, fourth, fifth

    # What the network says.

    def stun_received(self, slot: int, address: Address, data: bytes, at: float) -> list[Output]:
        """A STUN datagram named ``slot``; it came from ``address`` at ``at``."""
        connection = self._live(slot)
        if connection is None:
            self.drops["stun_closed"] += 1
            return []
        outputs: list[Output] = []
        happened = connection.agent.receive(data, address, at)
        if connection.agent.heard_at is not None:
            self._reporting.checked(slot, connection.agent.heard_at)
        for output in happened:
            match output:
                case AddressValidated(valid):
                    outputs.append(AddAddress(slot, valid))
                case AddressSelected(selected):
                    outputs.append(SetRemote(slot, selected))
                case SendResponse():
                    outputs.append(output)
                case CheckDropped(reason):
                    self.drops[reason] += 1
                case _:
                    assert_never(output)
        return outputs

    def secured(self, slot: int, now: float, readings: Readings) -> list[Output]:
        """The DTLS handshake of ``slot`` is done and the plane has its keys."""
        connection = self._live(slot)
        if connection is None or not connection.move(Trigger.SECURED):
            return []
        connection.secured(now)
        room = self._rooms[connection.room_id]
        partner = room.partner(connection.participant_id)
        self._reporting.begin(slot, partner.slot if partner else None, now, readings)
        self._judge_pause_beside(connection)  # the new connection counts as one that has both
        return [
            *self._carry_out(room.connected(connection.participant_id)),
            ParticipantConnected(
                connection.room_id,
                connection.participant_id,
                connection.connection_id,
                self._unix_time(now),
            ),
        ]

    def handshake_failed(self, slot: int, detail: str) -> list[Output]:
        """The DTLS handshake of ``slot`` came to nothing."""
        connection = self._live(slot)
        return [] if connection is None else self._fail(connection, detail)

    def faulted(self, slot: int) -> list[Output]:
        """The plane failed on packets of ``slot``: both connections of its room end.

        The room stays, so that both pages can join anew.
        """
        connection = self._live(slot)
        if connection is None:
            return []
        outputs: list[Output] = []
        for member in self._rooms[connection.room_id].members:
            outputs += self._fail(
                self._connections[member.slot], "the media node failed on packets of this room"
            )
        return outputs

    def released(self, slot: int) -> list[Output]:
        """The plane has let go of ``slot``."""
        connection = self._connections.get(slot)
        if connection is not None and connection.move(Trigger.LET_GO):
            del self._connections[slot]
            self._slots.release(slot)
        return []

    # What the clock says.

    def tick(self, now: float, readings: Readings) -> list[Output]:
        """Whatever is due; to be called twenty times a second."""
        outputs: list[Output] = []
        for slot, connection in list(self._joining.items()):
            if connection.overdue(now):
                outputs += self._fail(connection, self._why_overdue(connection))
            if connection.state is not State.JOINING:
                del self._joining[slot]
        slots, heard_s, turns = self._reporting.heard(now, readings)
        for slot, heard_at in zip(slots.tolist(), heard_s.tolist(), strict=True):
            outputs.append(ParticipantHeard(*self._names(slot), self._unix_time(heard_at)))
        for turn in turns:
            outputs += self._report(turn, now, readings)
        for room_id in self._probes.due(now):
            outputs += self._close_room(room_id)
        return outputs

    def _report(self, turn: int, now: float, readings: Readings) -> list[Output]:
        """How the connections did in the last second, and what they do not carry."""
        outputs: list[Output] = []
        node, reports = self._reporting.report(turn, now, readings)
        self._probes.judge(node, now)
        for slot, seconds, (rtt_ms, up, down), downlink in reports:
            outputs.append(ConnectionQuality(*self._names(slot), rtt_ms, up, down, node))
            pause = self._connections[slot].survive(downlink, seconds, now)
            if pause is not None:
                self._judge_pause(self._connections[slot])
                outputs += [PauseVideo(slot, pause.camera, pause.screen), pause]
        return outputs

    def _names(self, slot: int) -> tuple[str, str, str]:
        connection = self._connections[slot]
        return connection.room_id, connection.participant_id, connection.connection_id

    @staticmethod
    def _why_overdue(connection: Connection) -> str:
        if connection.agent.heard_at is None:
            return (
                f"no connectivity check came in {CONNECT_WITHIN_S:g} s: is the UDP port of the"
                " node reachable from the browser?"
            )
        return f"connectivity checks came, but no DTLS handshake in {CONNECT_WITHIN_S:g} s"

    # Within

    def _live(self, slot: int) -> Connection | None:
        connection = self._connections.get(slot)
        if connection is None or connection.state not in (State.JOINING, State.CONNECTED):
            return None
        return connection

    def _fail(self, connection: Connection, detail: str) -> list[Output]:
        room = self._rooms[connection.room_id]
        return [
            *self._carry_out(room.leave(connection.participant_id)),
            ConnectionFailed(
                connection.room_id, connection.participant_id, connection.connection_id, detail
            ),
        ]

    def _carry_out(self, outputs: list[RoomOutput]) -> list[Output]:
        """Pass on what a room wants; connections that it closes are closing from now on."""
        for output in outputs:
            if isinstance(output, CloseSlot):
                self._connections[output.slot].move(Trigger.CLOSED)
                self._reporting.end(output.slot)
        return list(outputs)


def _set_media(connection: Connection, negotiated: Negotiated) -> SetMedia:
    return SetMedia(
        connection.slot.number,
        negotiated.media,
        _cname(connection),
        connection.outbound_ssrcs[0],
    )


def _cname(connection: Connection) -> str:
    """One RTCP name for all that the node sends on a connection (RFC 3550 section 6.5.1)."""
    return f"rodrun{connection.outbound_ssrcs[0]:08x}"


def _unknown(message: RestartIce | HasVideo) -> Refused:
    return Refused(
        RefusalCode.UNKNOWN_CONNECTION,
        f"{message.connection_id!r} is not the participant's connection in this room; join anew",
    )


def _refuse(code: RefusalCode, detail: str) -> tuple[Refused, list[Output]]:
    return Refused(code, detail), []
