"""One input: a room with two browsers, and beside it a stranger and another room.

Whatever is sent, the plane must not raise, must account for every datagram, must send a bounded
number of packets that their receivers can read, none of them to the stranger, and must leave the
other room as it was.
"""

import json
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pylibsrtp

from sfu.native import pack_address
from sfu.plane import DtlsReceived, Faulted, PlaneSettings, StunReceived
from sfu.plane.counters import DropReason
from sfu.plane.layouts import ADDRESSES, BATCH, INBOUND
from sfu.rtp.media import Codec, Extension, InboundTrack, MediaMap, OutboundTrack, TrackKind
from sfu.transport.ice import Credentials, IceAgent
from tests.fuzz.steps import Act, Step, read_steps
from tests.sfu.plane.stage import MS, Browser, Rtp, Stage, ufrag_of

CALL: Final = Path(__file__).with_name("call.json")
"""What the two browsers of the recorded call had agreed with the node (see ``record``)."""

SLOTS: Final = 6
OTHERS: Final = (4, 5)  # the slots of the other room
AGAIN_AT_MOST: Final = 100
OUT_A_DATAGRAM: Final = 64
"""The most packets that one datagram may cause: a NACK may ask for many."""
OUT_A_TURN: Final = 200  # by timers, for all slots

# Reasons for which a datagram never came to count as received
_NOT_TAKEN: Final = (
    DropReason.EMPTY,
    DropReason.OVERSIZED,
    DropReason.UNKNOWN_PROTOCOL,
    DropReason.UNKNOWN_SOURCE,
    DropReason.MALFORMED_STUN,
    DropReason.UNKNOWN_UFRAG,
    DropReason.STUN_RATE,
    DropReason.DTLS_RATE,
    DropReason.EVENTS_FULL,
    DropReason.NO_KEYS_YET,
    DropReason.MEDIA_RATE,
    DropReason.UNKNOWN_SSRC,
    DropReason.SOURCES_FULL,
    DropReason.NOT_AUTHENTIC,
)
# Reasons that also count what was received and then went no further
_PERHAPS_TAKEN: Final = (
    DropReason.MALFORMED_RTP,
    DropReason.MALFORMED_RTCP,
    DropReason.REPLAYED,
    DropReason.SSRC_COLLISION,
)


def write_call(path: Path, maps: list[MediaMap]) -> None:
    """Keep the maps of a recorded call."""
    written = [
        {
            "payload_types": {
                str(number): codec.name for number, codec in each.payload_types.items()
            },
            "extension_ids": {
                str(number): name.name for number, name in each.extension_ids.items()
            },
            "inbound": [[t.kind.name, t.mid, t.ssrc, t.rtx_ssrc] for t in each.inbound],
            "outbound": [[t.kind.name, t.mid, t.ssrc, t.rtx_ssrc] for t in each.outbound],
        }
        for each in maps
    ]
    path.write_text(json.dumps(written, indent=1) + "\n")


def read_call(path: Path = CALL) -> list[MediaMap]:
    """The maps of the recorded call, Chromium's and Firefox's."""
    return [
        MediaMap(
            payload_types={int(n): Codec[name] for n, name in each["payload_types"].items()},
            extension_ids={int(n): Extension[name] for n, name in each["extension_ids"].items()},
            inbound=tuple(InboundTrack(TrackKind[k], *rest) for k, *rest in each["inbound"]),
            outbound=tuple(OutboundTrack(TrackKind[k], *rest) for k, *rest in each["outbound"]),
        )
        for each in json.loads(path.read_text())
    ]


class Theatre:
    """The stage of one input, and the account of what went in and came out."""

    def __init__(self, maps: list[MediaMap]) -> None:
        self.stage = Stage(PlaneSettings(max_participants=SLOTS, keyframe_interval_ns=50 * MS))
        self._maps = maps
        self._room = [
            self.stage.connect(0, maps[0]),
            self.stage.connect(1, maps[1], partner=0),
        ]
        self._others = [self.stage.connect(slot, maps[slot - OTHERS[0]]) for slot in OTHERS]
        self.stage.plane.pair(*OTHERS)
        self.stage.turn()
        self._stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._stranger.bind(("127.0.0.1", 0))
        self._stranger.setblocking(False)
        self._address = pack_address(self._stranger.getsockname(), socket.AF_INET)
        self._agents = [IceAgent(Credentials(f"{ufrag_of(n)}aaaa", "p" * 24), "x") for n in (0, 1)]
        self._batch: list[tuple[bytes, bytes]] = []
        self._after_ns = MS
        self._numbers: dict[int, int] = {}
        self._put_in = self._sent_up = self._taken = 0

    def close(self) -> None:
        self.stage.__exit__()
        self._stranger.close()

    def play(self, step: Step) -> None:
        """One step; a turn of the plane when it does not belong to the batch before it."""
        if step.after_ms or len(self._batch) >= BATCH - AGAIN_AT_MOST:
            self.turn()
        self._after_ns = max(step.after_ms, 1) * MS
        if step.act is Act.COMMAND:
            self.turn()
            self._command(step)
            self.turn()
            return
        browser = self._room[step.who]
        address = self._address if step.act is Act.STRANGER else browser.address
        if step.act is Act.AGAIN:
            times = min(step.payload[0] if step.payload else 1, AGAIN_AT_MOST)
            self._batch += self._batch[-1:] * times
        else:
            self._batch.append((address, self._datagram(step, browser)))

    def _datagram(self, step: Step, browser: Browser) -> bytes:
        data = step.payload
        if step.act is Act.RTP_NEXT and len(data) >= 12:
            tracks = browser.media.inbound
            ssrcs = [each for t in tracks for each in (t.ssrc, t.rtx_ssrc) if each is not None]
            ssrc = ssrcs[data[8] % len(ssrcs)] if ssrcs else 1
            number = (self._numbers.get(ssrc, 65_530) + 1 + data[2] % 3) & 0xFFFF
            self._numbers[ssrc] = number
            data = data[:2] + struct.pack("!H", number) + data[4:8] + ssrc.to_bytes(4) + data[12:]
        with suppress(pylibsrtp.Error, ValueError):
            if step.act in (Act.RTP, Act.RTP_NEXT):
                return browser._send.protect(data)
            if step.act is Act.RTCP:
                return browser._send.protect_rtcp(data)
        if step.act is Act.STUN:
            slot = step.who if data[:1] < b"\xf0" else OTHERS[1] + data[0]  # nobody's
            name = f"{ufrag_of(slot)}aaaa:x".encode()
            body = struct.pack("!HH", 6, len(name)) + name + bytes(-len(name) % 4) + data
            return struct.pack("!HHI", 1, len(body), 0x2112A442) + bytes(12) + body
        return data

    def _command(self, step: Step) -> None:
        plane, slot = self.stage.plane, step.who
        what = step.payload[0] if step.payload else 0
        match what % 6:
            case 0:
                plane.pair(0, 1)
            case 1:
                plane.pair(slot, None)
            case 2:  # a rejoin: the slot is closed, opened and paired again
                plane.close_participant(slot)
                self.stage.turn(after_ns=MS)
                self._room[slot].close()
                self.stage.browsers.remove(self._room[slot])
                self._room[slot] = self.stage.connect(slot, self._maps[slot], partner=1 - slot)
                self._numbers.clear()
            case 3:
                plane.set_ufrag(slot, f"{ufrag_of(slot)}aaaa")
            case 4:
                plane.add_address(slot, struct.pack("<H", 2) + step.payload[1:27].ljust(26, b"\0"))
            case 5:  # a re-offer, by which nothing or everything may change
                media = self._maps[slot if len(step.payload) % 2 else 1 - slot]
                plane.set_media(slot, media)

    def turn(self) -> None:
        """Let the plane take the batch, and check the account."""
        stage, batch = self.stage, self._batch
        before = [int(stage.tables.slots[slot]["packets_in"]) for slot in range(SLOTS)]
        for each in stage.browsers:
            each.datagrams.clear()
        stage.turn(batch, self._after_ns)
        self._batch = []
        self._put_in += len(batch)
        for slot in range(SLOTS):
            self._taken += int(stage.tables.slots[slot]["packets_in"]) - before[slot]
        while events := stage.plane.read_events():
            for event in events:
                assert not isinstance(event, Faulted)
                if isinstance(event, StunReceived):
                    agent = self._agents[event.slot]
                    agent.receive(event.data, ("127.0.0.1", 9), event.at_ns / 1e9)
                self._sent_up += isinstance(event, StunReceived | DtlsReceived)
        out = sum(len(each.datagrams) for each in stage.browsers)
        assert out <= OUT_A_DATAGRAM * len(batch) + OUT_A_TURN, f"{out} out for {len(batch)} in"
        self._check_tables()

    def _check_tables(self) -> None:
        t = self.stage.tables
        state = t.state[0]
        assert (state["queued"], state["control_rows"]) == (0, 0)
        assert 0 <= state["open_count"] <= SLOTS
        addresses = 0
        for slot in t.slots:
            assert 0 <= slot["address_count"] <= ADDRESSES
            assert -1 <= slot["remote"] < slot["address_count"]
            addresses += int(slot["address_count"])
        assert (t.places >= 0).sum() == addresses, "the table of addresses holds others"
        for source in t.sources[0 : 2 * INBOUND]:
            assert -1 <= source["ssrc"] < 1 << 32
        drops = self.stage.tables.drops
        assert drops[DropReason.FAULT] == 0
        least = self._taken + self._sent_up + int(sum(drops[each] for each in _NOT_TAKEN))
        most = least + int(sum(drops[each] for each in _PERHAPS_TAKEN))
        assert least <= self._put_in <= most, f"{self._put_in} came, {least} to {most} counted"

    def end(self) -> None:
        """What is left goes, and then the other room must work as if nothing had been."""
        self.turn()
        one, other = self._others
        t = self.stage.tables
        assert all(t.slots[slot]["packets_in"] == 0 for slot in OTHERS)
        opus = next(n for n, c in self._maps[0].payload_types.items() if c is Codec.OPUS)
        ssrc = self._maps[0].inbound[0].ssrc
        assert ssrc is not None
        self._batch = [(one.address, one.protect(Rtp(opus, 5, 960, ssrc, b"untouched")))]
        self.turn()
        assert [each.payload for each in other.rtp] == [b"untouched"]
        try:
            data = self._stranger.recv(2048)
        except BlockingIOError:
            return
        raise AssertionError(f"a stranger was sent {data!r}")


def make_target() -> Callable[[bytes], Any]:
    """The function that takes one input; it raises on a finding."""
    maps = read_call()

    def take(data: bytes) -> None:
        theatre = Theatre(maps)
        try:
            for step in read_steps(data):
                theatre.play(step)
            theatre.end()
        finally:
            theatre.close()

    return take
