"""One script of datagrams, for planes that run compiled and interpreted; prints what came out.

``python -m tests.sfu.plane.script``; NUMBA_DISABLE_JIT says how.
"""

import hashlib
import json
import random
import struct
import sys

from sfu.compiled import JIT_DISABLED
from tests.sfu.plane import twcc
from tests.sfu.plane.stage import CHROMIUM, FIREFOX, MS, Browser, Rtp, Stage, transport


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
        bytes(900),
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


def run() -> list[str]:
    """A digest of every datagram that came out, in order, and at the end the counts."""
    out: list[str] = []
    chance = random.Random(7)
    with Stage() as stage:
        stage.connect(0)
        stage.connect(1, FIREFOX, partner=0)
        for step in range(300):
            if step == 150:
                stage.connect(2, CHROMIUM, partner=1)
            if step == 200:
                stage.plane.close_participant(0)
            datagrams = []
            for browser in stage.browsers:
                if chance.random() < 0.1:
                    continue
                for packet in _media(browser, step, 65_000 + 2 * step):
                    datagrams.append((browser.address, browser.protect(packet)))
                if step % 7 == 0:
                    datagrams.append(
                        (browser.address, browser.protect_rtcp(_control(browser, step)))
                    )
                datagrams.append((browser.address, chance.randbytes(chance.randrange(60))))
            chance.shuffle(datagrams)
            stage.turn(datagrams, chance.randrange(1, 40) * MS)
            for browser in stage.browsers:
                for datagram in browser.datagrams:
                    digest = hashlib.sha256(datagram).hexdigest()[:16]
                    out.append(f"{step} {browser.slot} {len(datagram)} {digest}")
                browser.datagrams.clear()
        out.append(json.dumps(stage.plane.drops()))
        out.append(str([stage.plane.statistics(slot) for slot in (1, 2)]))
    return out


if __name__ == "__main__":
    sys.stdout.write(f"{'interpreted' if JIT_DISABLED else 'compiled'}\n")
    sys.stdout.write("\n".join(run()) + "\n")
