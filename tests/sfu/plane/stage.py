"""A plane without its thread, and browsers around it: datagrams in at given times, datagrams out.

What the plane sends goes through real sockets on 127.0.0.1; what it receives is put where
``recvmmsg`` would put it, so that its arrival time can be an argument.
"""

import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
import pylibsrtp

from sfu.native import SrtpSession, pack_address
from sfu.plane import Plane, PlaneSettings
from sfu.plane.layouts import ADDRESS_WORDS, BATCH, FIRST_OCTET, LARGEST_DATAGRAM, STRIDE
from sfu.plane.loop import take_turn
from sfu.rtp.media import Codec, Extension, InboundTrack, MediaMap, OutboundTrack, TrackKind

SECOND = 1_000_000_000
MS = 1_000_000
START_NS = 1_800_000_000 * SECOND
GCM = pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM

CHROMIUM = MediaMap(
    payload_types={
        111: Codec.OPUS,
        63: Codec.RED,
        96: Codec.VP8,
        97: Codec.RTX_VP8,
        98: Codec.VP9,
        99: Codec.RTX_VP9,
    },
    extension_ids={
        1: Extension.AUDIO_LEVEL,
        2: Extension.ABS_SEND_TIME,
        3: Extension.TRANSPORT_WIDE_CC,
        4: Extension.MID,
        13: Extension.VIDEO_ORIENTATION,
        5: Extension.PLAYOUT_DELAY,
    },
    inbound=(
        InboundTrack(TrackKind.AUDIO, "0", 1000, None),
        InboundTrack(TrackKind.VIDEO, "1", 1001, 1002),
        InboundTrack(TrackKind.SCREEN, "2", 1003, 1004),
    ),
    outbound=(
        OutboundTrack(TrackKind.AUDIO, "0", 5000, None),
        OutboundTrack(TrackKind.VIDEO, "1", 5001, 5002),
        OutboundTrack(TrackKind.SCREEN, "2", 5003, 5004),
    ),
)

FIREFOX = MediaMap(
    payload_types={109: Codec.OPUS, 120: Codec.VP8, 124: Codec.RTX_VP8},
    extension_ids={
        1: Extension.AUDIO_LEVEL,
        7: Extension.TRANSPORT_WIDE_CC,
        3: Extension.MID,
        5: Extension.ABS_SEND_TIME,
    },
    inbound=(
        InboundTrack(TrackKind.AUDIO, "a", 2000, None),
        InboundTrack(TrackKind.VIDEO, "v", 2001, 2002),
        InboundTrack(TrackKind.SCREEN, "s", None, None),
    ),
    outbound=(
        OutboundTrack(TrackKind.AUDIO, "a", 6000, None),
        OutboundTrack(TrackKind.VIDEO, "v", 6001, 6002),
        OutboundTrack(TrackKind.SCREEN, "s", 6003, 6004),
    ),
)


SENDS_ONLY = replace(CHROMIUM, outbound=())
VIDEO_ONLY = replace(CHROMIUM, inbound=CHROMIUM.inbound[1:2], outbound=CHROMIUM.outbound[1:2])


@dataclass(frozen=True)
class Rtp:
    """An RTP packet. ``extensions`` maps ids to values, written in the one-byte form."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes = b"payload!"
    marker: bool = False
    padding: int = 0
    extensions: tuple[tuple[int, bytes], ...] = ()
    two_byte: bool = False
    csrcs: tuple[int, ...] = ()
    # What stands before the count of a parsed packet's padding.
    padded_with: bytes = field(default=b"", compare=False)

    def pack(self) -> bytes:
        first = 0x80 | (0x20 if self.padding else 0) | (0x10 if self.extensions else 0)
        head = struct.pack(
            "!BBHII",
            first | len(self.csrcs),
            (0x80 if self.marker else 0) | self.payload_type,
            self.sequence,
            self.timestamp,
            self.ssrc,
        )
        head += b"".join(struct.pack("!I", each) for each in self.csrcs)
        if self.extensions:
            if self.two_byte:
                body = b"".join(bytes([i, len(v)]) + v for i, v in self.extensions)
            else:
                body = b"".join(bytes([i << 4 | len(v) - 1]) + v for i, v in self.extensions)
            body += bytes(-len(body) % 4)
            head += struct.pack("!HH", 0x1000 if self.two_byte else 0xBEDE, len(body) // 4) + body
        tail = bytes(self.padding - 1) + bytes([self.padding]) if self.padding else b""
        return head + self.payload + tail

    @classmethod
    def parse(cls, data: bytes) -> Self:
        first, second, sequence, timestamp, ssrc = struct.unpack("!BBHII", data[:12])
        assert first & 0xCF == 0x80, "version 2 and no CSRCs"
        at = 12
        extensions: list[tuple[int, bytes]] = []
        if first & 0x10:
            profile, words = struct.unpack("!HH", data[12:16])
            assert profile == 0xBEDE
            body, at = data[16 : 16 + 4 * words], 16 + 4 * words
            position = 0
            while position < len(body):
                if body[position] == 0:
                    position += 1
                    continue
                length = (body[position] & 15) + 1
                value = body[position + 1 : position + 1 + length]
                extensions.append((body[position] >> 4, value))
                position += 1 + length
        padding = data[-1] if first & 0x20 else 0
        return cls(
            second & 0x7F,
            sequence,
            timestamp,
            ssrc,
            data[at : len(data) - padding],
            bool(second & 0x80),
            padding,
            tuple(extensions),
            padded_with=data[len(data) - padding : -1],
        )

    def element(self, identity: int) -> bytes | None:
        return dict(self.extensions).get(identity)


def split_rtcp(compound: bytes) -> list[bytes]:
    """The packets of a compound."""
    packets = []
    while compound:
        length = 4 + 4 * struct.unpack("!H", compound[2:4])[0]
        packets.append(compound[:length])
        compound = compound[length:]
    return packets


class Browser:
    """One peer: a socket, SRTP both ways, and what it has received."""

    def __init__(self, slot: int, media: MediaMap, family: int = socket.AF_INET) -> None:
        self.slot = slot
        self.media = media
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.address = pack_address(self.socket.getsockname(), family)
        keys = bytes([slot]) * 28, bytes([slot + 100]) * 28
        self._send = pylibsrtp.Session(
            pylibsrtp.Policy(keys[0], pylibsrtp.Policy.SSRC_ANY_OUTBOUND, srtp_profile=GCM)
        )
        policy = pylibsrtp.Policy(keys[1], pylibsrtp.Policy.SSRC_ANY_INBOUND, srtp_profile=GCM)
        policy.window_size = 1024  # as libwebrtc has it
        self._receive = pylibsrtp.Session(policy)
        self.node_in = SrtpSession(GCM, keys[0], outbound=False)
        self.node_out = SrtpSession(GCM, keys[1], outbound=True)
        self.datagrams: list[bytes] = []
        self.rtp: list[Rtp] = []
        self.rtcp: list[bytes] = []

    def protect(self, packet: Rtp) -> bytes:
        return self._send.protect(packet.pack())

    def protect_rtcp(self, packet: bytes) -> bytes:
        return self._send.protect_rtcp(packet)

    def read(self) -> None:
        """Sort what has come since the last call into ``rtp`` and ``rtcp``."""
        self.rtp, self.rtcp = [], []
        while True:
            try:
                data = self.socket.recv(2048)
            except BlockingIOError:
                return
            self.datagrams.append(data)
            if 192 <= data[1] < 224:
                self.rtcp += split_rtcp(self._receive.unprotect_rtcp(data))
            else:
                self.rtp.append(Rtp.parse(self._receive.unprotect(data)))

    def rtcp_of(self, kind: int, form: int | None = None) -> list[bytes]:
        return [
            each for each in self.rtcp if each[1] == kind and (form is None or each[0] & 31 == form)
        ]

    def close(self) -> None:
        self.socket.close()
        self.node_in.close()
        self.node_out.close()


class Stage:
    """The plane, and its browsers by slot."""

    def __init__(self, settings: PlaneSettings | None = None) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.plane = Plane(
            self.socket, settings or PlaneSettings(max_participants=8), random_below=lambda _: 100
        )
        self.tables = self.plane._tables
        self.now_ns = START_NS  # the wall clock, which may be set
        self.steady_ns = 7 * SECOND
        self.browsers: list[Browser] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.plane.stop()
        for each in self.browsers:
            each.close()
        self.socket.close()

    def connect(self, slot: int, media: MediaMap = CHROMIUM, partner: int | None = None) -> Browser:
        """A browser behind ICE and DTLS."""
        browser = Browser(slot, media)
        self.browsers.append(browser)
        self.plane.open_participant(slot, f"{ufrag_of(slot)}aaaa")
        self.plane.set_media(slot, media)
        self.plane.set_remote(slot, browser.address)
        self.plane.set_srtp(slot, browser.node_in.pointer, browser.node_out.pointer)
        if partner is not None:
            self.plane.pair(slot, partner)
        self.turn()
        return browser

    def turn(
        self,
        datagrams: Iterable[tuple[bytes, bytes]] = (),
        after_ns: int = MS,
        *,
        commands: bool = True,
    ) -> None:
        """One turn of the loop with ``(address, datagram)`` received ``after_ns`` from the last.

        ``commands``: whether ``poll`` has seen any.
        """
        self.now_ns += after_ns
        self.steady_ns += after_ns
        t = self.tables
        state = t.state[0]
        state["steady_ns"] = self.steady_ns
        count = 0
        for address, data in datagrams:
            at = count * STRIDE + FIRST_OCTET
            kept = data[:LARGEST_DATAGRAM]
            t.data[at : at + len(kept)] = np.frombuffer(kept, np.uint8)
            words = np.frombuffer(address, np.int32)
            t.names[count * ADDRESS_WORDS : (count + 1) * ADDRESS_WORDS] = words
            t.datagrams[count]["length"] = len(kept)
            t.datagrams[count]["truncated"] = len(data) > LARGEST_DATAGRAM
            t.datagrams[count]["arrival_ns"] = self.now_ns
            count += 1
        assert count <= BATCH
        state["count"] = count
        state["position"] = 0
        state["commands_checked"] = 0
        state["phase"] = 1
        t.poll[1]["happened"] = commands
        self.go_on()

    def go_on(self) -> None:
        """Take the turn, or what is left of it after an exception."""
        take_turn(self.tables, self.now_ns)
        for each in self.browsers:
            each.read()

    def send(self, browser: Browser, *packets: Rtp, after_ns: int = MS) -> None:
        """Let a browser send RTP, in one batch."""
        self.turn([(browser.address, browser.protect(each)) for each in packets], after_ns)

    def send_rtcp(self, browser: Browser, *packets: bytes, after_ns: int = MS) -> None:
        """Let a browser send one compound of RTCP packets."""
        self.turn([(browser.address, browser.protect_rtcp(b"".join(packets)))], after_ns)

    def pass_time(self, duration_ns: int, step_ns: int = 20 * MS) -> dict[int, list[bytes]]:
        """Turns without datagrams; the RTCP that each slot got, in order."""
        heard: dict[int, list[bytes]] = {each.slot: [] for each in self.browsers}
        for _ in range(duration_ns // step_ns):
            self.turn(after_ns=step_ns)
            for each in self.browsers:
                heard[each.slot] += each.rtcp
        return heard

    @property
    def drops(self) -> dict[str, int]:
        """The reasons that have counted something."""
        return {name: count for name, count in self.plane.drops().items() if count}


def ufrag_of(slot: int) -> str:
    """The four characters of a username fragment that name a slot in its first generation."""
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    return digits[slot // 36] + digits[slot % 36] + "00"


def transport(number: int, identity: int = 3) -> tuple[int, bytes]:
    """A transport-wide sequence number as a header extension."""
    return identity, struct.pack("!H", number & 0xFFFF)
