"""The worker: what ``sfu.node`` decides, carried out with a socket, a plane and a clock."""

import asyncio
import logging
import random
import socket
from collections import Counter, deque
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import assert_never

from aiortc import RTCCertificate
from aiortc.rtcdtlstransport import SRTPProtectionProfile

from sfu.api import Event, Join, RefusalCode, Refused, Reply, Request, RestartIce
from sfu.clock import UnixTime, steady_time
from sfu.connection import State
from sfu.events import EventQueue
from sfu.large_pages import Heap
from sfu.native import SrtpSession, pack_address, unpack_address
from sfu.negotiation import Candidate
from sfu.node import Node, Output, StartHandshake
from sfu.plane import (
    DtlsReceived,
    Faulted,
    Plane,
    PlaneBusy,
    PlaneEvent,
    PlaneSettings,
    Released,
    StunReceived,
    warm_up,
)
from sfu.plane_commands import (
    AddAddress,
    CloseSlot,
    OpenSlot,
    PairSlots,
    PauseVideo,
    PlaneCommand,
    SetMedia,
    SetRemote,
    SetUfrag,
)
from sfu.transport.dtls import PROFILES, DtlsTransport, HandshakeFailed
from sfu.transport.ice import SendResponse
from sfu.transport.interfaces import hosts_to_announce, machine_addresses, open_socket
from sfu.transport.stun import Address

TICK_S = 0.05

BUSY_RETRY_S = 0.005
MAX_BACKLOG = 1000
"""Commands that may wait for the plane before joins are refused."""

FAULT_LOG_INTERVAL_S = 10.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WorkerSettings:
    """Where a worker listens and how it works.

    Attributes:
        udp_host: an IP address; ``::`` is every IPv6 and IPv4 address of the machine.
        udp_port: 0 for any.
        announce: addresses that answers name instead of the machine's own.
        srtp_profiles: the preferred one first.
        plane: bounds and intervals of the plane.
    """

    udp_host: str = "::"
    udp_port: int = 0
    announce: tuple[str, ...] = ()
    srtp_profiles: tuple[SRTPProtectionProfile, ...] = PROFILES
    plane: PlaneSettings = field(default_factory=PlaneSettings)


@dataclass(frozen=True)
class WorkerCounts:
    """What a worker has counted since its start; the first four are of now.

    Attributes:
        rooms, joining, connected: without those of probes.
        probes: rooms of probes.
        drops: by reason; of the plane and of the handshakes.
        plane_events: what else the plane has counted, by name.
        handshakes: by SRTP profile, or ``failed``.
        refused: requests of control that were not carried out, by the code of the refusal.
        commands_waiting: for the plane to read those before them; of now.
        history_octets: memory that the histories of sent video have filled; of now.
        events_dropped: because control did not read them.
    """

    rooms: int
    probes: int
    joining: int
    connected: int
    packets_in: int
    octets_in: int
    packets_out: int
    octets_out: int
    drops: dict[str, int]
    plane_events: dict[str, int]
    handshakes: dict[str, int]
    refused: dict[str, int]
    commands_waiting: int
    history_octets: int
    events_dropped: int


@dataclass(frozen=True)
class _SetSrtp:
    """Give the plane the contexts of ``slot``."""

    slot: int
    inbound: SrtpSession
    outbound: SrtpSession


class Worker:
    """One UDP port and the calls on it; a ``NodePort``. Made by ``start``."""

    def __init__(self, settings: WorkerSettings, sock: socket.socket) -> None:
        self._settings = settings
        self._sock = sock
        host, self.port = sock.getsockname()[:2]
        hosts = hosts_to_announce(host, settings.announce, machine_addresses())
        if not hosts:
            raise ValueError("this machine has no address to announce; name one")
        # One for the life of the process: browsers remember nothing, and keys cost time.
        self._certificate = RTCCertificate.generateCertificate()
        prints = self._certificate.getFingerprints()
        self._node = Node(
            candidates=tuple(Candidate(each, self.port) for each in hosts),
            fingerprints=tuple(
                (each.algorithm, each.value) for each in prints if each.algorithm == "sha-256"
            ),
            source=random.SystemRandom(),
            unix_time=UnixTime(),
            max_participants=settings.plane.max_participants,
        )
        self._heap = Heap()
        self._heap.advise()
        self._plane = Plane(sock, settings.plane)
        self._events = EventQueue()
        self._commands: deque[PlaneCommand | _SetSrtp] = deque()
        self._retry: asyncio.TimerHandle | None = None
        self._ticking: asyncio.TimerHandle | None = None
        self._transports: dict[int, DtlsTransport] = {}
        self._handshakes: set[asyncio.Task[None]] = set()
        # The plane's until it has said that it let go of the slot.
        self._sessions: dict[int, tuple[SrtpSession, SrtpSession]] = {}
        self._drops: Counter[str] = Counter(shell_fault=0, shell_not_sent=0)
        self._outcomes: Counter[str] = Counter()
        self._refusals: Counter[str] = Counter()
        # Packets and octets of connections that have ended.
        self._traffic = (0, 0, 0, 0)
        self._fault_logged_at = -FAULT_LOG_INTERVAL_S
        self._stopped = False

    @classmethod
    async def start(cls, settings: WorkerSettings | None = None) -> "Worker":
        """Bind the socket and start the plane; the first start of a version compiles it.

        Raises ValueError for a host that is no IP address, or when there is no address to announce,
        and OSError when the socket cannot be bound.
        """
        settings = settings or WorkerSettings()
        sock = open_socket(settings.udp_host, settings.udp_port)
        try:
            worker = cls(settings, sock)
            await asyncio.to_thread(warm_up)
        except BaseException:
            sock.close()
            raise
        loop = asyncio.get_running_loop()
        loop.add_reader(worker._plane.fileno(), worker._read_plane)
        worker._plane.start()
        worker._ticking = loop.call_later(TICK_S, worker._tick)
        return worker

    async def stop(self) -> None:
        """Drop every connection and let go of the port. Stopping twice is harmless."""
        if self._stopped:
            return
        self._stopped = True
        asyncio.get_running_loop().remove_reader(self._plane.fileno())
        for timer in (self._ticking, self._retry):
            if timer is not None:
                timer.cancel()
        for transport in self._transports.values():
            transport.close()
        for task in self._handshakes:
            task.cancel()
        await asyncio.gather(*self._handshakes, return_exceptions=True)
        await asyncio.to_thread(self._plane.stop)
        for sessions in self._sessions.values():
            for session in sessions:
                session.close()
        self._sessions.clear()
        self._sock.close()

    async def request(self, message: Request) -> Reply:
        """Carry out a request of control."""
        reply: Reply
        if isinstance(message, Join | RestartIce) and len(self._commands) > MAX_BACKLOG:
            reply = Refused(RefusalCode.NODE_FULL, "the media plane does not keep up")
        else:
            reply, outputs = self._node.request(message, steady_time())
            self._carry_out(outputs)
        if isinstance(reply, Refused):
            self._refusals[reply.code.value] += 1
        return reply

    async def next_event(self) -> Event:
        """Wait for the next event."""
        return await self._events.get()

    def counts(self) -> WorkerCounts:
        """What has been counted up to now."""
        packets_in, octets_in, packets_out, octets_out = self._traffic_with(self._transports)
        return WorkerCounts(
            rooms=self._node.room_count,
            probes=self._node.probe_count,
            joining=self._node.count(State.JOINING),
            connected=self._node.count(State.CONNECTED),
            packets_in=packets_in,
            octets_in=octets_in,
            packets_out=packets_out,
            octets_out=octets_out,
            drops=self._plane.drops() | self._node.drops | self._drops,
            plane_events=self._plane.counts(),
            handshakes=dict(self._outcomes),
            refused=dict(self._refusals),
            commands_waiting=len(self._commands),
            history_octets=self._plane.history_octets(),
            events_dropped=self._events.dropped,
        )

    # What happens

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        self._ticking = loop.call_later(TICK_S, self._tick)
        self._carry_out(self._node.tick(steady_time(), self._plane))

    def _read_plane(self) -> None:
        for event in self._plane.read_events():
            try:
                self._handle(event)
            except Exception:  # our own error on one datagram must not cost the others
                self._drops["shell_fault"] += 1
                now = steady_time()
                if now - self._fault_logged_at >= FAULT_LOG_INTERVAL_S:
                    self._fault_logged_at = now
                    log.exception("failed on an event of the plane")

    def _handle(self, event: PlaneEvent) -> None:
        match event:
            case StunReceived(slot, address, data, at_ns):
                source = unpack_address(address)
                self._carry_out(self._node.stun_received(slot, source, data, at_ns / 1e9))
            case DtlsReceived(slot, address, data):
                transport = self._transports.get(slot)
                if transport is not None:
                    transport.receive(data, unpack_address(address))
            case Released(slot):
                for session in self._sessions.pop(slot, ()):
                    session.close()
                self._carry_out(self._node.released(slot))
            case Faulted(slot):
                self._carry_out(self._node.faulted(slot))
            case _:
                assert_never(event)

    async def _shake_hands(self, slot: int, transport: DtlsTransport) -> None:
        try:
            keys = await transport.handshake()
        except HandshakeFailed as error:
            if self._transports.get(slot) is transport:  # not closed meanwhile
                self._outcomes["failed"] += 1
                self._carry_out(self._node.handshake_failed(slot, str(error)))
            return
        if self._transports.get(slot) is not transport:
            return
        self._outcomes[keys.profile] += 1
        self._heap.advise()
        inbound = SrtpSession(keys.libsrtp_profile, keys.inbound, outbound=False)
        outbound = SrtpSession(keys.libsrtp_profile, keys.outbound, outbound=True)
        self._sessions[slot] = (inbound, outbound)
        self._command(_SetSrtp(slot, inbound, outbound))
        self._carry_out(self._node.secured(slot, steady_time(), self._plane))

    # What is done about it

    def _carry_out(self, outputs: Sequence[Output]) -> None:
        for output in outputs:
            match output:
                case SendResponse(address, data):
                    self._send(address, data)
                case StartHandshake(slot, fingerprints):
                    self._start_handshake(slot, fingerprints)
                case CloseSlot(slot):
                    self._close_slot(slot)
                    self._command(output)
                case OpenSlot() | SetUfrag() | SetMedia() | AddAddress() | SetRemote():
                    self._command(output)
                case PauseVideo() | PairSlots():
                    self._command(output)
                case _:
                    self._events.put(output)

    def _start_handshake(self, slot: int, fingerprints: tuple[tuple[str, str], ...]) -> None:
        transport = DtlsTransport(
            self._certificate,
            fingerprints,
            self._send,
            profiles=self._settings.srtp_profiles,
            counts=self._drops,
        )
        self._transports[slot] = transport
        task = asyncio.get_running_loop().create_task(self._shake_hands(slot, transport))
        self._handshakes.add(task)
        task.add_done_callback(self._handshakes.discard)

    def _close_slot(self, slot: int) -> None:
        self._traffic = self._traffic_with([slot])
        transport = self._transports.pop(slot, None)
        if transport is not None:
            transport.close()

    def _traffic_with(self, slots: Collection[int]) -> tuple[int, int, int, int]:
        """What was counted of connections that have ended, and of these."""
        counted = self._plane.snapshot(list(slots)).slots
        packets_in, octets_in, packets_out, octets_out = self._traffic
        return (
            packets_in + int(counted["packets_in"].sum()),
            octets_in + int(counted["octets_in"].sum()),
            packets_out + int(counted["packets_out"].sum()),
            octets_out + int(counted["octets_out"].sum()),
        )

    def _send(self, address: Address, data: bytes) -> None:
        host, port = address
        if self._sock.family == socket.AF_INET6 and ":" not in host:
            host = f"::ffff:{host}"
        try:
            self._sock.sendto(data, socket.MSG_DONTWAIT, (host, port))
        except OSError:  # no route, a full buffer: as good as lost on the way
            self._drops["shell_not_sent"] += 1

    def _command(self, command: PlaneCommand | _SetSrtp) -> None:
        """Tell the plane, now or as soon as it has read what it was told before."""
        self._commands.append(command)
        if self._retry is None:
            self._flush()

    def _flush(self) -> None:
        self._retry = None
        with suppress(PlaneBusy):
            while self._commands:
                self._tell(self._commands[0])
                self._commands.popleft()
        if self._commands:
            loop = asyncio.get_running_loop()
            self._retry = loop.call_later(BUSY_RETRY_S, self._flush)

    def _tell(self, command: PlaneCommand | _SetSrtp) -> None:
        plane = self._plane
        match command:
            case OpenSlot(slot, ufrag):
                plane.open_participant(slot, ufrag)
            case SetUfrag(slot, ufrag):
                plane.set_ufrag(slot, ufrag)
            case SetMedia(slot, media, cname, ssrc):
                plane.set_media(slot, media, cname, ssrc)
            case AddAddress(slot, address):
                plane.add_address(slot, pack_address(address, self._sock.family))
            case SetRemote(slot, address):
                plane.set_remote(slot, pack_address(address, self._sock.family))
            case PauseVideo(slot, camera, screen):
                plane.pause(slot, camera, screen)
            case PairSlots(slot, partner):
                plane.pair(slot, partner)
            case CloseSlot(slot):
                plane.close_participant(slot)
            case _SetSrtp(slot, inbound, outbound):
                plane.set_srtp(slot, inbound.pointer, outbound.pointer)
            case _:
                assert_never(command)
