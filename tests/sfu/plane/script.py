"""One script of datagrams, for planes that run compiled and interpreted; prints what came out.

``python -m tests.sfu.plane.script``; NUMBA_DISABLE_JIT says how.
"""

import hashlib
import json
import random
import socket
import struct
import sys
import time
from dataclasses import replace

from sfu.compiled import JIT_DISABLED
from sfu.native import SOL_UDP, UDP_SEGMENT
from sfu.plane import Plane, PlaneSettings
from sfu.plane.loop import run
from sfu.plane.offloads import sends_runs
from sfu.plane.records import CommandKind
from sfu.rtp.media import (
    RTX_OFFSET,
    Codec,
    Extension,
    InboundTrack,
    MediaMap,
    OutboundTrack,
    TrackKind,
)
from tests.sfu.plane import twcc
from tests.sfu.plane.counts import counts_of
from tests.sfu.plane.stage import (
    CHROMIUM,
    FIREFOX,
    MS,
    SECOND,
    SENDS_ONLY,
    VIDEO_ONLY,
    Browser,
    Rtp,
    Stage,
    transport,
    ufrag_of,
)

VIDEO = (Codec.VP8, Codec.VP9, Codec.H264, Codec.AV1)
MODERN = MediaMap(
    payload_types={
        100: Codec.OPUS,
        101: Codec.RED,
        **{110 + index: codec for index, codec in enumerate(VIDEO)},
        **{120 + index: Codec(codec + RTX_OFFSET) for index, codec in enumerate(VIDEO)},
    },
    extension_ids={4: Extension.MID, 5: Extension.ABS_SEND_TIME, 6: Extension.VIDEO_ORIENTATION},
    inbound=(
        InboundTrack(TrackKind.AUDIO, "0", 3000, None),
        InboundTrack(TrackKind.VIDEO, "1", 3001, 3002),
        InboundTrack(TrackKind.SCREEN, "2", None, None),
    ),
    outbound=(
        OutboundTrack(TrackKind.AUDIO, "0", 7000, None),
        OutboundTrack(TrackKind.VIDEO, "1", 7001, 7002),
        OutboundTrack(TrackKind.SCREEN, "2", 7003, 7004),
    ),
)
"""A room without transport-wide feedback, and with all codecs."""

PLAIN = MediaMap(
    payload_types={109: Codec.OPUS, 120: Codec.VP8},
    extension_ids=FIREFOX.extension_ids,
    inbound=FIREFOX.inbound,
    outbound=tuple(replace(each, rtx_ssrc=None) for each in FIREFOX.outbound),
)
"""A browser without RTX and RED."""


def _picture(codec: Codec, step: int, chance: random.Random) -> bytes:
    """A payload whose descriptor, or first unit, is of every kind in turn."""
    key = step % 40 == 7
    wide = struct.pack("!H", 0x8000 | (step * 5 + 32_600) & 0x7FFF)
    if codec == Codec.VP8:
        head = (b"\x90\xe0" + wide, b"\x90\xc0", b"\x90\x80", b"\x10", b"\x80\xf0")[step % 5]
        if step % 5 in (1, 2):
            head += bytes([step & 0x7F])
        head += {0: b"\x07\x20", 1: b"\x08", 4: wide + b"\x09\x21"}.get(step % 5, b"")
        return head + (b"\x00" if key else b"\x01") + chance.randbytes(30)
    if codec == Codec.VP9:
        head = (b"\xa8" + wide + b"\x20\x05", b"\xf9" + wide + b"\x22\x02", b"\x08")[step % 3]
        return head + chance.randbytes(30)
    if codec == Codec.H264:
        head = (b"\x65", b"\x78\0\2\x67\x42\0\1\x68", b"\x7c\x85", b"\x61")[step % 4]
        return head + chance.randbytes(30)
    return bytes([0x08 if key else 0x50]) + chance.randbytes(30)


def _modern_media(browser: Browser, step: int, chance: random.Random) -> list[Rtp]:
    """Sound in RED, pictures of a codec that changes, their retransmissions, and some nonsense."""
    codec = VIDEO[step // 20 % len(VIDEO)]
    kind = 110 + VIDEO.index(codec)
    sequence = (65_300 + step) & 0xFFFF
    timestamp = (step * 3000 + step // 90 * 400_000_000) & 0xFFFFFFFF  # its clock is set at times
    payload = _picture(codec, step, chance)
    mid = (4, b"2")
    packets = [
        Rtp(101, step, step * 960, 3000, b"\xe4\x0f\x00\x05\x64older" + bytes(40)),
        Rtp(kind, sequence, timestamp, 3001, payload, extensions=((5, b"abc"), (6, b"\1"))),
        Rtp(kind + 10, step, timestamp, 3002, struct.pack("!H", sequence) + payload),
        Rtp(kind, step, step * 90, 3100 + step // 60, payload, extensions=(mid,)),
    ]
    if step % 30 == 29:  # more SSRCs than there may be, and one of ours
        packets += [Rtp(kind, 1, 0, 4000 + step + each, extensions=(mid,)) for each in range(9)]
        packets.append(Rtp(kind, step, 0, 7001, extensions=(mid,)))
    if step % 30 == 17:  # one SSRC for two tracks
        packets[1] = replace(packets[1], extensions=(mid,))
    if step % 11 == 0:
        kind = chance.choice(list(MODERN.payload_types))
        packets[0] = replace(packets[0], payload_type=kind, payload=payload[: step % 7])
    return packets


def _modern_control(step: int, now_ns: int) -> bytes:
    seconds, fraction = now_ns // 10**9 + 2_208_988_800, step << 23
    middle = ((seconds & 0xFFFF) << 16) | (fraction >> 16)
    report = struct.pack(
        "!BBHIIIIII", 0x80, 200, 6, 3001, seconds, fraction, step * 3000, step, step
    )
    blocks = struct.pack("!BBHII", 0x81, 201, 7, 3001, 7001)
    blocks += struct.pack("!IIIII", 3 << 24, step, 5, (middle - 9000) & 0xFFFFFFFF, step * 70)
    remb = struct.pack("!BBHII4sII", 0x8F, 206, 5, 3001, 0, b"REMB", 0x01040000 | step << 8, 7001)
    fir = struct.pack("!BBHIIIBBH", 0x84, 206, 4, 3001, 0, 7001, step // 9 & 0xFF, 0, 0)
    extended = struct.pack("!BBHIBBHII", 0x80, 207, 8, 3001, 4, 0, 2, seconds, fraction)
    extended += struct.pack("!BBHIII", 5, 0, 3, 7000, (middle - 5000) & 0xFFFFFFFF, step * 40)
    goodbye = struct.pack("!BBHI", 0x81, 203, 1, 3001)
    return report + blocks + remb + fir + extended + goodbye


def _media(browser: Browser, step: int, number: int) -> list[Rtp]:
    """A frame and some sound, in the terms of Chromium or of Firefox."""
    chromium = browser.media is CHROMIUM
    base = browser.media.inbound[0].ssrc or 0
    wide = transport(number, 3 if chromium else 7)
    sound = Rtp(
        111 if chromium else 109,
        (65_500 + step) & 0xFFFF,
        step * 960,
        base,
        bytes(80),
        extensions=((1, b"\x80"), wide),
    )
    wide = transport(number + 1, 3 if chromium else 7)
    picture = Rtp(
        96 if chromium else 120,
        (65_400 + step) & 0xFFFF,
        (step * 3000) & 0xFFFFFFFF,
        base + 1,
        _picture(Codec.VP8, step, random.Random(step)) + bytes(860),
        marker=True,
        padding=step % 5,
        extensions=(wide, (5, b"abc")),
    )
    again = Rtp(
        97 if chromium else 124,
        step,
        (step * 3000) & 0xFFFFFFFF,
        base + 2,
        struct.pack("!H", (65_400 + step - 1) & 0xFFFF) + bytes(50),
    )
    return [sound, picture, again]


def _plain_picture(step: int) -> Rtp:
    """Of Chromium, and never a keyframe."""
    return Rtp(96, (65_500 + step) & 0xFFFF, step * 3000, 1001, b"\x10\x01" + bytes([step]) * 300)


def _control(browser: Browser, step: int) -> bytes:
    base = browser.media.inbound[0].ssrc or 0
    theirs = browser.media.outbound[1].ssrc
    report = struct.pack(
        "!BBHIIIIII", 0x80, 200, 6, base + 1, 0xE0000000 + step, step << 20, step * 3000, step, step
    )
    nack = struct.pack("!BBHIIHH", 0x81, 205, 3, base + 1, theirs, 90 + step, 0x8001)
    pli = struct.pack("!BBHII", 0x81, 206, 2, base + 1, theirs)
    deltas = tuple(None if each % 3 == 0 else each * 7 - 40 for each in range(12))
    feedback = twcc.make(twcc.Feedback(base + 1, theirs, step & 0xFFFF, step, step & 255, deltas))
    return report + nack + pli + feedback


class Scene:
    """What came out of a stage, turn by turn."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: list[str] = []
        self.counts: dict[str, int] = {}

    def note(self, stage: Stage, step: int) -> None:
        """Keep a digest of every datagram that came out of a turn, in order."""
        for browser in stage.browsers:
            for datagram in browser.datagrams:
                digest = hashlib.sha256(datagram).hexdigest()[:16]
                self.lines.append(f"{self.name} {step} {browser.slot} {len(datagram)} {digest}")
            browser.datagrams.clear()

    def end(self, stage: Stage, slots: tuple[int, ...]) -> None:
        """Keep the counts."""
        self.counts = stage.plane.counts() | stage.plane.drops()
        self.lines.append(str([counts_of(stage.plane, slot) for slot in slots]))


def run_call() -> Scene:
    """Calls of all kinds, with nonsense between."""
    scene = Scene("call")
    chance = random.Random(7)
    with Stage() as stage:
        stage.connect(0)
        stage.connect(1, FIREFOX, partner=0)
        stage.connect(3, MODERN)
        stage.connect(4, MODERN, partner=3)
        for step in range(300):
            if step == 150:
                stage.connect(2, CHROMIUM, partner=1)
            if step == 200:
                stage.plane.close_participant(0)
            if step % 100 == 60:
                stage.connect(4 + step // 50 % 4, MODERN, partner=3)
            datagrams = []
            for browser in stage.browsers:
                if chance.random() < 0.1:
                    continue
                if browser.media is MODERN:
                    packets = _modern_media(browser, step, chance)
                    control = _modern_control(step, stage.now_ns)
                else:
                    packets = _media(browser, step, 65_000 + 2 * step)
                    control = _control(browser, step)
                datagrams += [(browser.address, browser.protect(each)) for each in packets]
                if step % 7 == 0:
                    datagrams.append((browser.address, browser.protect_rtcp(control)))
                if chance.random() < 0.05:
                    datagrams.append(chance.choice(datagrams))
                datagrams.append((browser.address, chance.randbytes(chance.randrange(60))))
            chance.shuffle(datagrams)
            stage.turn(datagrams, chance.randrange(1, 40) * MS)
            scene.note(stage, step)
        scene.end(stage, (1, 2, 3))
    return scene


def _answer(browser: Browser, came: list[int], step: int) -> bytes:
    """True feedback of a browser about what came since it was last asked."""
    deltas = tuple(
        each - came[0] if each in came else None for each in range(came[0], came[-1] + 1)
    )
    ours = browser.media.inbound[1].ssrc or 0
    theirs = browser.media.outbound[1].ssrc
    return twcc.make(twcc.Feedback(ours, theirs, came[0] & 0xFFFF, step, step & 255, deltas))


def run_repairs() -> Scene:
    """Losses, and what is done about them, for a receiver without RTX and RED and for one with RTX.

    The first sender's transport-wide numbers begin anew in between; its partner tells truly what
    came. What the second sender loses comes late or never; its partner asks twice for what it got.
    """
    scene = Scene("repairs")
    with Stage() as stage:
        plain_sender, plain = stage.connect(0), stage.connect(1, PLAIN, partner=0)
        sender, receiver = stage.connect(2), stage.connect(3, FIREFOX, partner=2)
        came: list[int] = []
        for step in range(160):
            wide = 65_400 + 3 * (step if step < 100 else step - 90)
            red = b"\xef\x00\x00\x05\x6folder" + bytes([step]) * 40
            picture = _plain_picture(step)
            packets = [Rtp(63, step, step * 960, 1000, red, extensions=(transport(wide),))]
            if step % 5 == 0 and step > 2:  # a picture that was lost two steps before, too
                lost = _plain_picture(step - 2)
                body = struct.pack("!H", lost.sequence) + lost.payload
                lost = replace(lost, payload_type=97, sequence=step, ssrc=1002, payload=body)
                packets.append(replace(lost, extensions=(transport(wide + 1),)))
                packets.append(replace(picture, extensions=(transport(wide + 2),)))
            elif step % 5 != 3:  # with a probe of padding alone
                packets.append(replace(picture, extensions=(transport(wide + 1),)))
                elements = (transport(wide + 2),)
                packets.append(Rtp(97, step, 0, 1002, b"", padding=200, extensions=elements))
            wires = [(plain_sender.address, plain_sender.protect(each)) for each in packets]
            if step % 4 == 3 and came:
                told = _answer(plain, came, step)
                wires.append((plain.address, plain.protect_rtcp(told)))
                came = came[-1:]
            if step % 9 != 4:
                wires.append((sender.address, sender.protect(picture)))
            if step % 18 == 5:  # half of those are only late
                wires.append((sender.address, sender.protect(_plain_picture(step - 1))))
            if step > 2:
                # our numbers begin at 100; the two before the last one, so that each is asked twice
                nack = struct.pack("!BBHIIHH", 0x81, 205, 3, 2001, 6001, 100 + step - 2, 1)
                wires.append((receiver.address, receiver.protect_rtcp(nack)))
            if step in (130, 140):
                stage.plane.pause(3, step == 130, screen=False)
            stage.turn(wires, 20 * MS)
            for packet in plain.rtp:
                number = packet.element(7)
                if number is not None:
                    unwrapped = int.from_bytes(number) + (came[-1] & ~0xFFFF if came else 0)
                    came.append(unwrapped + (0x10000 if came and unwrapped < came[-1] else 0))
            came.sort()
            scene.note(stage, step)
        scene.end(stage, (0, 1, 2, 3))
    return scene


def _nack(*numbers: int) -> bytes:
    """Of Firefox, about its video."""
    body = b"".join(struct.pack("!HH", each, 0) for each in numbers)
    return struct.pack("!BBHII", 0x81, 205, 2 + len(numbers), 2001, 6001) + body


def _one_way_control(now_ns: int) -> bytes:
    """A sender report of the picture, and a question for the round trip."""
    seconds = now_ns // SECOND + 2_208_988_800
    report = struct.pack("!BBHIIIIII", 0x80, 200, 6, 1001, seconds, 0, 0, 1, 1)
    return report + struct.pack("!BBHIBBHII", 0x80, 207, 4, 1001, 4, 0, 2, seconds, 0)


def run_storms() -> Scene:
    """What reaches the bounds of repairs, feedback, keyframes, sources and numbers.

    Beside that room one whose first is sent nothing, and whose second is sent video alone.
    """
    scene = Scene("storms")
    with Stage() as stage:
        sender, receiver = stage.connect(0), stage.connect(1, FIREFOX, partner=0)
        silent = stage.connect(2, SENDS_ONLY)
        stage.connect(3, VIDEO_ONLY, partner=2)

        def pictures(browser: Browser, first: int, *wides: int) -> list[tuple[bytes, bytes]]:
            return [
                (
                    browser.address,
                    browser.protect(
                        replace(_plain_picture(first + at), extensions=(transport(wide),))
                    ),
                )
                for at, wide in enumerate(wides)
            ]

        def asks(*compounds: bytes) -> list[tuple[bytes, bytes]]:
            return [(receiver.address, receiver.protect_rtcp(each)) for each in compounds]

        def turn(wires: list[tuple[bytes, bytes]], after_ns: int = 10 * MS) -> None:
            stage.turn(wires, after_ns)
            scene.note(stage, stage.now_ns // MS)

        turn(pictures(sender, 0, *range(100)))
        for _ in range(7):  # one that it gets six times
            turn(asks(_nack(199)), 110 * MS)
        turn(pictures(sender, 100, *range(100, 200)))
        for after_ms in (10, 10):  # more at once than may wait for a round trip
            turn(asks(_nack(*range(200, 300))), after_ms * MS)
        turn([], 200 * MS)
        turn(asks(*(_nack(*range(first, first + 300)) for first in range(20_000, 21_200, 300))))
        far = replace(_plain_picture(0), sequence=500)
        cut = b"\x90" + replace(far, sequence=501).pack()[1:12]
        cut += b"\xbe\xde\0\1\0\0\0\x31" + far.payload
        turn([(sender.address, each) for each in (sender.protect(far), sender._send.protect(cut))])
        absurd = struct.pack("!BBHIIHHIHH", 0x8F, 205, 5, 2001, 6001, 0, 0xFFFF, 0, 0, 0)
        pli = struct.pack("!BBHII", 0x81, 206, 2, 2001, 6001)
        turn(asks(absurd, *[pli * 100] * 3))
        turn(asks(*(struct.pack("!BBHI", 0x80, 201, 1, ssrc) for ssrc in range(9000, 9006))))
        turn(pictures(silent, 0, *(each * 9000 & 0xFFFF for each in range(15))))
        turn([(silent.address, silent.protect_rtcp(_one_way_control(stage.now_ns)))])
        for _ in range(11):
            turn([], 100 * MS)
        keys = int(stage.tables.slots[2]["srtp_out"])
        stage.tables.slots[2]["srtp_out"] = 0  # nothing can be sent to it, so its feedback waits
        last = int(stage.tables.slots[2]["arrival"][0])
        for step in range(14):  # no keyframe comes meanwhile
            turn(pictures(silent, 20 + step, last + 1 + step), 9 * SECOND)
        stage.tables.slots[2]["srtp_out"] = keys
        turn(asks(struct.pack("!BBHI", 0x80, 201, 1, 9006)), 100 * MS)
        for slot in (2, 3):
            stage.plane.close_participant(slot)
        turn([])
        scene.end(stage, (0, 1))
    return scene


def run_loop() -> list[str]:
    """The same for the loop as it is: datagrams and runs come through a socket, in two turns.

    Only media packets count here, for what is told of time depends on the clock. The second turn
    begins with the sleep that gathers datagrams under load.
    """
    out: list[str] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        plane = Plane(bound, PlaneSettings(max_participants=4), random_below=lambda _: 100)
        state = plane._tables.state[0]
        browsers = (Browser(0, CHROMIUM), Browser(1, FIREFOX))
        for slot, browser in enumerate(browsers):
            plane.open_participant(slot, ufrag_of(slot) + "aaaa")
            plane.set_media(slot, browser.media)
            plane.set_remote(slot, browser.address)
            plane.set_srtp(slot, browser.node_in.pointer, browser.node_out.pointer)
        plane.pair(0, 1)
        for turn in range(2):
            for browser in browsers:
                picture = _media(browser, 1, 0)[1]
                number_id = 3 if browser.media is CHROMIUM else 7
                wires = []
                for place, size in enumerate([900] * 9 + [300, 1300]):
                    number = 20 * turn + place
                    packet = replace(
                        picture,
                        sequence=number,
                        payload=b"\x90" * size,
                        padding=0,
                        extensions=(transport(number, number_id),),
                    )
                    wires.append(browser.protect(packet))
                *run_of_ten, single = wires
                to = bound.getsockname()
                if sends_runs():
                    control = [(SOL_UDP, UDP_SEGMENT, struct.pack("H", len(run_of_ten[0])))]
                    browser.socket.sendmsg(run_of_ten, control, 0, to)
                else:
                    for each in run_of_ten:
                        browser.socket.sendto(each, to)
                browser.socket.sendto(single, to)
            plane._send(CommandKind.STOP, 0)  # at the end of one turn
            state["running"] = 1
            state["turned_ns"] = time.time_ns()
            state["load"] = turn << 30
            run(plane._tables)
            for browser in browsers:
                browser.read()
                for datagram in browser.datagrams:
                    if not 192 <= datagram[1] < 224:
                        digest = hashlib.sha256(datagram).hexdigest()[:16]
                        out.append(f"loop {turn} {browser.slot} {len(datagram)} {digest}")
                browser.datagrams.clear()
        names = ("receives", "messages_received", "gro_runs_received", "gro_datagrams_received")
        out.append(json.dumps({each: plane.counts()[each] for each in names}))
        plane.stop()
        for browser in browsers:
            browser.close()
    return out


def main() -> None:
    """Print how it runs, what came out, and as the last line the counts of all scenes together."""
    scenes = [run_call(), run_repairs(), run_storms()]
    lines = ["interpreted" if JIT_DISABLED else "compiled", *run_loop()]
    for scene in scenes:
        lines += scene.lines
    counts = {name: sum(each.counts[name] for each in scenes) for name in scenes[0].counts}
    sys.stdout.write("\n".join([*lines, json.dumps(counts)]) + "\n")


if __name__ == "__main__":
    main()
