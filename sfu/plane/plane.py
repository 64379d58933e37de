"""The plane as the rest of the node sees it: one UDP socket, one thread, commands and events."""

import logging
import secrets
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

import numpy as np

from sfu.compiled import JIT_DISABLED
from sfu.native import ADDRESS_SIZE, SO_RXQ_OVFL, SO_TIMESTAMPNS
from sfu.plane.compilation import warm_up
from sfu.plane.counters import Counter, DropReason
from sfu.plane.layouts import CNAME_SIZE, MID_SIZE, Role
from sfu.plane.loop import FAULTS_ALLOWED, run
from sfu.plane.offloads import receive_runs, sends_runs
from sfu.plane.records import COMMAND, EVENT, CommandKind, PlaneEvent, read_event
from sfu.plane.settings import PlaneSettings
from sfu.plane.statistics import Column, OwnCounts, Snapshot, Statistics
from sfu.plane.tables import make_tables
from sfu.punctual import be_punctual
from sfu.rtp.media import MediaMap, TrackKind

_log = logging.getLogger(__name__)

_EVENTS_A_READ: Final = 64
_SOCKET_BUFFER: Final = 8 << 20  # 100 ms of a flood of small datagrams, which cost 1 kB each
_CHANNEL_BUFFER: Final = 1 << 20
_FAULT_LOG_INTERVAL_S: Final = 10.0
_ROLES: Final = {
    TrackKind.AUDIO: (Role.AUDIO, None),
    TrackKind.VIDEO: (Role.VIDEO, Role.VIDEO_RTX),
    TrackKind.SCREEN: (Role.SCREEN, Role.SCREEN_RTX),
}
# linux/socket.h: like SO_RCVBUF and SO_SNDBUF, but beyond the system's limit, where permitted
_SO_SNDBUFFORCE: Final = 32
_SO_RCVBUFFORCE: Final = 33


class PlaneBusy(Exception):
    """The command channel is full: the plane does not keep up. Nothing was asked of it."""


class Plane:
    """One UDP socket, one compiled loop in one thread.

    The socket is bound and stays the caller's, who may send on it and closes it after ``stop``.
    Commands never block and may be given from one thread at a time, before ``start`` too. They
    raise ``PlaneBusy`` when the channel is full, ValueError for a slot or address that cannot be.
    What is commanded before something is sent to a peer holds for whatever the peer sends after.

    ``random_below(n)`` gives the first sequence numbers of streams.
    """

    def __init__(
        self,
        sock: socket.socket,
        settings: PlaneSettings = PlaneSettings(),  # noqa: B008 frozen
        random_below: Callable[[int], int] = secrets.randbelow,
    ) -> None:
        self._settings = settings
        self._random_below = random_below
        self._tables, self._messages = make_tables(settings)
        self._commands, self._command_end = _channel()
        self._event_end, self._events = _channel()
        self._thread: threading.Thread | None = None
        self._stopped = False
        self._fault_logged_at = -_FAULT_LOG_INTERVAL_S
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        sock.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
        self._receives_runs = settings.receive_runs and receive_runs(sock)
        _enlarge(sock, _SOCKET_BUFFER)
        self._statistics = Statistics(self._tables)
        self._heard_ns = self._tables.slots["last_heard_ns"]
        self._state = self._tables.state[0]
        self._state["socket"] = sock.fileno()
        self._state["segmentation"] = settings.send_runs and sends_runs()
        self._state["command_channel"] = self._command_end.fileno()
        self._state["event_channel"] = self._event_end.fileno()

    def start(self) -> None:
        """Begin to forward. Compiles first when ``warm_up`` was not called. Raises RuntimeError
        when it was started before."""
        if self._thread is not None or self._stopped:
            raise RuntimeError("a plane is started once")
        warm_up()
        _log.info(
            "packets leave %s (UDP_SEGMENT) and come %s (UDP_GRO)",
            "in runs" if self._state["segmentation"] else "one by one",
            "in runs" if self._receives_runs else "one by one",
        )
        self._state["running"] = 1
        self._thread = threading.Thread(target=self._run, name="rodrun-plane", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for it. Stopping twice is harmless."""
        if self._stopped:
            return
        self._stopped = True
        # the loop ends on the stop command, or, when the channel is full, as it finds it closed
        with suppress(PlaneBusy):
            self._send(CommandKind.STOP, 0)
        self._commands.close()
        if self._thread is not None:
            self._thread.join()
        for each in (self._command_end, self._event_end, self._events):
            each.close()

    def fileno(self) -> int:
        """A descriptor that is readable while events wait."""
        return self._events.fileno()

    def read_events(self) -> list[PlaneEvent]:
        """Some of the events that wait, oldest first; none when there are none. Never blocks."""
        events: list[PlaneEvent] = []
        for _ in range(_EVENTS_A_READ):
            try:
                record = self._events.recv(EVENT.itemsize)
            except BlockingIOError:
                break
            if not record:
                break
            events.append(read_event(record))
        return events

    # Commands

    def open_participant(self, slot: int, ufrag: str) -> None:
        """Begin to listen for STUN with this username fragment of ours (8 ASCII characters)."""
        self._send(CommandKind.OPEN, slot, ufrag=_ufrag(ufrag))

    def set_ufrag(self, slot: int, ufrag: str) -> None:
        """An ICE restart: listen for this username fragment too; the one before the last goes."""
        self._send(CommandKind.UFRAG, slot, ufrag=_ufrag(ufrag))

    def add_address(self, slot: int, address: bytes) -> None:
        """Hear DTLS and SRTP from an address that an authenticated binding came from.

        A slot has eight such addresses; the oldest that is not sent to leaves.
        """
        self._send(CommandKind.ADDRESS, slot, address=_words(address))

    def set_remote(self, slot: int, address: bytes) -> None:
        """Send to this address from now on; implies ``add_address``."""
        self._send(CommandKind.REMOTE, slot, address=_words(address))

    def set_srtp(self, slot: int, inbound: int, outbound: int) -> None:
        """Give over the ``srtp_t`` of both directions (``SrtpSession.pointer``).

        Nobody else may use or free them before ``Released``.
        """
        self._send(CommandKind.SRTP, slot, first=inbound, second=outbound)

    def set_media(self, slot: int, media: MediaMap, cname: str = "rodrun", ssrc: int = 1) -> None:
        """Say what the connection carries; again after a re-offer. Equal SSRCs go on as before.

        ``cname`` (32 ASCII characters at most) is that of the outbound streams.
        ``ssrc`` is who reports to a browser that is sent nothing: none of its own.
        """
        record = np.zeros(1, COMMAND)
        fields = record[0]
        for payload_type, codec in media.payload_types.items():
            fields["codec_of"][payload_type] = codec
        for identity, extension in media.extension_ids.items():
            if 0 < identity < 15:
                fields["extension_of"][identity] = extension
        fields["inbound_ssrcs"] = -1
        fields["outbound_ssrcs"] = -1
        for track in media.inbound:
            mid = track.mid.encode()
            fields["inbound"][track.kind] = 1
            fields["inbound_ssrcs"][track.kind] = [
                -1 if each is None else each for each in (track.ssrc, track.rtx_ssrc)
            ]
            if len(mid) <= MID_SIZE:  # a longer one does not fit its header extension
                fields["mids"][track.kind, : len(mid)] = np.frombuffer(mid, np.uint8)
                fields["mid_lengths"][track.kind] = len(mid)
        for sent in media.outbound:
            role, rtx_role = _ROLES[sent.kind]
            fields["outbound_ssrcs"][role] = sent.ssrc
            if rtx_role is not None and sent.rtx_ssrc is not None:
                fields["outbound_ssrcs"][rtx_role] = sent.rtx_ssrc
        # below 2^15: a receiver that misses the first packets still guesses the roll-over counter
        fields["starts"] = [self._random_below(1 << 15) for _ in Role]
        name = cname.encode("ascii")[:CNAME_SIZE]
        fields["cname"][: len(name)] = np.frombuffer(name, np.uint8)
        fields["cname_length"] = len(name)
        fields["ssrc"] = ssrc
        self._send_record(CommandKind.MEDIA, slot, record)

    def pair(self, slot: int, partner: int | None) -> None:
        """Let the two exchange media; earlier partners of either have none then.

        None: ``slot`` has no partner. Pairing a pair again changes nothing.
        """
        if partner is not None:
            self._check_slot(partner)
            if partner == slot:
                raise ValueError(f"slot {slot} cannot be its own partner")
        self._send(CommandKind.PAIR, slot, first=-1 if partner is None else partner)

    def pause(self, slot: int, camera: bool, screen: bool) -> None:
        """Of what is paused towards ``slot`` nothing is sent again, until it is not any more.

        It goes on with a keyframe, which needs nothing from before; a link that was too narrow for
        the picture has no room for its repairs either. What still comes is forwarded.
        """
        self._send(CommandKind.PAUSE, slot, first=int(camera), second=int(screen))

    def close_participant(self, slot: int) -> None:
        """Forget everything about ``slot``; the event ``Released`` says when that is done."""
        self._send(CommandKind.CLOSE, slot)

    # Reading, from any thread

    def last_heard_ns(self, slot: int) -> int:
        """When the last authenticated SRTP or SRTCP came: CLOCK_BOOTTIME ns, 0 for never."""
        self._check_slot(slot)
        return int(self._heard_ns[slot])

    def heard_s(self) -> Column:
        """The same of every slot, in seconds: float64[max_participants]."""
        return self._heard_ns / 1e9

    def behind_s(self) -> float:
        """For how long the loop has not turned although it has something to do; 0 when it waits.

        With a connection open it turns once in ``tick_ns``.
        """
        if not self._state["open_count"]:
            return 0.0
        slept_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - int(self._state["steady_ns"])
        return max(0.0, (slept_ns - self._settings.tick_ns) / 1e9)

    def remote(self, slot: int) -> bytes | None:
        """Where the plane sends for ``slot`` now, in the form of ``sfu.native.pack_address``."""
        self._check_slot(slot)
        record = self._tables.slots[slot]
        index = int(record["remote"])
        return bytes(record["addresses"][index].tobytes()) if index >= 0 else None

    def snapshot(self, slots: Sequence[int] | Column) -> Snapshot:
        """The counts of these slots, in their order; raises IndexError for one that is not."""
        return self._statistics.snapshot(slots, time.time_ns())

    def own_counts(self) -> OwnCounts:
        """What was lost in front of the socket, and what the kernel did not take."""
        drops = self._tables.drops
        return OwnCounts(int(drops[DropReason.SOCKET_OVERFLOW]), int(drops[DropReason.NOT_SENT]))

    def history_octets(self) -> int:
        """How much of the histories has been written to, which is how much memory they take."""
        written = self._tables.arenas
        return int(np.minimum(written, self._settings.history_octets).sum())

    def drops(self) -> dict[str, int]:
        """How many were dropped, by the name of the reason in small letters, since the start."""
        return {reason.name.lower(): int(self._tables.drops[reason]) for reason in DropReason}

    def counts(self) -> dict[str, int]:
        """What else has happened, and which bounds were reached, by the name in small letters."""
        return {each.name.lower(): int(self._tables.counts[each]) for each in Counter}

    # Within

    def _check_slot(self, slot: int) -> None:
        if not 0 <= slot < self._settings.max_participants:
            raise ValueError(f"no such slot: {slot}")

    def _send(self, kind: CommandKind, slot: int, **fields: Any) -> None:
        record = np.zeros(1, COMMAND)
        for name, value in fields.items():
            record[0][name] = value
        self._send_record(kind, slot, record)

    def _send_record(self, kind: CommandKind, slot: int, record: np.ndarray[Any, Any]) -> None:
        self._check_slot(slot)
        record[0]["kind"] = kind
        record[0]["slot"] = slot
        try:
            self._commands.send(record.tobytes())
        except BlockingIOError:
            raise PlaneBusy(f"no room for the command {kind.name}") from None

    def _run(self) -> None:
        if not JIT_DISABLED:
            be_punctual()
        while self._state["running"]:
            try:
                run(self._tables)
            except Exception:  # our own error: one packet is lost, and after three its room
                self._note_fault()

    def _note_fault(self) -> None:
        self._tables.drops[DropReason.FAULT] += 1
        slot = int(self._state["slot"])
        if 0 <= slot < self._settings.max_participants:
            record = self._tables.slots[slot]
            record["faults"] += 1
            if record["faults"] == FAULTS_ALLOWED:
                record["fault_untold"] = 1
        now = time.monotonic()
        if now - self._fault_logged_at >= _FAULT_LOG_INTERVAL_S:
            self._fault_logged_at = now
            _log.exception("the plane failed on a packet or timer of slot %d", slot)


def _channel() -> tuple[socket.socket, socket.socket]:
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for each in (near, far):
        each.setblocking(False)
        _enlarge(each, _CHANNEL_BUFFER)
    return near, far


def _enlarge(sock: socket.socket, size: int) -> None:
    """Ask for large buffers; the system may give less."""
    for forced, plain in (
        (_SO_RCVBUFFORCE, socket.SO_RCVBUF),
        (_SO_SNDBUFFORCE, socket.SO_SNDBUF),
    ):
        try:
            sock.setsockopt(socket.SOL_SOCKET, forced, size)
        except OSError:
            sock.setsockopt(socket.SOL_SOCKET, plain, size)


def _ufrag(text: str) -> np.ndarray[Any, Any]:
    octets = text.encode("ascii")
    if len(octets) != 8:
        raise ValueError(f"a username fragment of ours has 8 characters: {text!r}")
    return np.frombuffer(octets, np.uint8)


def _words(address: bytes) -> np.ndarray[Any, Any]:
    if len(address) != ADDRESS_SIZE:
        raise ValueError(f"an address has {ADDRESS_SIZE} octets, not {len(address)}")
    return np.frombuffer(address, np.int32)
