"""What a participant with good keys may send: nobody else notices, and it is counted why.

Streams and numbers that jump are in ``test_hostile_streams``.
"""

import random
import struct
from collections.abc import Iterator

import pytest

from sfu.plane import PlaneSettings
from tests.sfu.plane import twcc
from tests.sfu.plane.counts import counts_of
from tests.sfu.plane.stage import FIREFOX, MS, SECOND, Browser, Rtp, Stage, transport

AUDIO, VIDEO, VIDEO_RTX = 1000, 1001, 1002  # Chromium's
TO_CHROMIUM, TO_FIREFOX = 5001, 6001  # the node's video


class Rooms:
    """A room with somebody hostile in it, and another one."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.hostile = stage.connect(0)
        self.partner = stage.connect(1, FIREFOX, partner=0)
        self.others = stage.connect(2), stage.connect(3, FIREFOX, partner=2)
        self._number = 1000

    def good(self, extensions: tuple[tuple[int, bytes], ...] = ()) -> Rtp:
        self._number += 1
        return Rtp(111, self._number, self._number * 960, AUDIO, b"sound", extensions=extensions)

    def goes_on(self) -> None:
        """A packet of the hostile one passes, and the other room has nothing but its own."""
        for each in self.others:
            assert all(packet[1] == 201 for packet in each.datagrams), "the node's own reports"
        for slot in (2, 3):
            counted = counts_of(self.stage.plane, slot)
            assert (counted.packets_in, counted.media_packets_out) == (0, 0)
        self.stage.send(self.hostile, self.good(), after_ns=SECOND)
        assert [each.payload for each in self.partner.rtp] == [b"sound"]
        one, other = self.others
        self.stage.send(one, Rtp(111, 9, 0, AUDIO, b"calm"))
        assert [each.payload for each in other.rtp] == [b"calm"]
        assert self.stage.drops.get("fault", 0) == 0


@pytest.fixture
def rooms() -> Iterator[Rooms]:
    with Stage(PlaneSettings(max_participants=4)) as stage:
        yield Rooms(stage)


def head(first: int = 0x80, payload_type: int = 96, ssrc: int = VIDEO) -> bytes:
    return struct.pack("!BBHII", first, payload_type, 1, 2, ssrc)


@pytest.mark.parametrize(
    "data",
    [
        b"\x80",
        head()[:11],
        head(0x8F),  # fifteen CSRCs, none there
        head(0x90),  # an extension, and no word of it
        head(0x90) + b"\xbe\xde",
        head(0x90) + b"\xbe\xde\0\1",
        head(0x90) + b"\xbe\xde\xff\xff" + bytes(1000),
        head(0x9F) + bytes(60) + b"\xbe\xde\0\2" + bytes(7),
        head(0x81),
    ],
)
def test_a_header_that_is_longer_than_its_packet(rooms: Rooms, data: bytes) -> None:
    rooms.stage.turn([(rooms.hostile.address, data)])
    assert rooms.stage.drops == {"malformed_rtp": 1}
    rooms.goes_on()


def plain(body: bytes, first: int = 0x80, payload_type: int = 96, extension: bytes = b"") -> bytes:
    if extension:
        first |= 0x10
        extension = struct.pack("!HH", 0xBEDE, len(extension) // 4) + extension
    return head(first, payload_type) + extension + body


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (plain(b"abc\0", 0xA0), "malformed_rtp"),  # padding of nothing
        (plain(b"abc\x05", 0xA0), "malformed_rtp"),  # padding beyond the payload
        (plain(b"", 0xA0), "malformed_rtp"),  # padding, and no payload at all
        (plain(b"\xff" * 4, 0xA0), "malformed_rtp"),
        (plain(b"x", payload_type=35), "unknown_payload_type"),
        (plain(b"x", payload_type=111), "unknown_payload_type"),  # sound from a picture's source
        (plain(b"x", extension=b"\xf0" + b"\x31" * 3), None),  # the id that ends the reading
        (plain(b""), None),
        (plain(bytes(1300)), None),
    ],
)
def test_authentic_packets_with_broken_insides(
    rooms: Rooms, data: bytes, reason: str | None
) -> None:
    rooms.stage.turn([(rooms.hostile.address, rooms.hostile._send.protect(data))])
    assert rooms.stage.drops == ({reason: 1} if reason else {})
    assert len(rooms.partner.rtp) == (0 if reason else 1)
    rooms.partner.datagrams.clear()
    rooms.goes_on()


@pytest.mark.parametrize(
    ("extension", "profile"),
    [
        (b"\x3f\0\0\0", 0xBEDE),
        (b"\0\0\0\x31", 0xBEDE),
        (b"\x11\1\1\x41", 0xBEDE),
        (b"\0\0\0\x04", 0x1000),  # an id without a length
        (b"\0\x04\x02\0", 0x1000),
    ],
)
def test_elements_that_reach_beyond_their_extension_are_not_read_and_counted(
    rooms: Rooms, extension: bytes, profile: int
) -> None:
    extension = struct.pack("!HH", profile, len(extension) // 4) + extension
    data = head(0x90) + extension + b"picture"
    rooms.stage.turn([(rooms.hostile.address, data + bytes(16))])
    assert rooms.stage.plane.counts()["extensions_cut"] == 0, "only what is authentic"
    rooms.stage.turn([(rooms.hostile.address, rooms.hostile._send.protect(data))])
    assert rooms.stage.drops == {"not_authentic": 1}
    assert rooms.stage.plane.counts()["extensions_cut"] == 1
    assert [each.payload for each in rooms.partner.rtp] == [b"picture"]
    assert [each.extensions for each in rooms.partner.rtp] == [()]
    rooms.goes_on()


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"\xff" * 3, b"\xff\0\3\xff", b"\x80\0\0\0" * 40, b"\xff" * 400, b"\x6f"]
)
def test_redundancy_whose_lengths_lie(rooms: Rooms, body: bytes) -> None:
    red = head(payload_type=63, ssrc=AUDIO) + body
    rooms.stage.turn([(rooms.hostile.address, rooms.hostile._send.protect(red))])
    assert sum(rooms.stage.drops.values()) + len(rooms.partner.rtp) == 1
    rooms.goes_on()


def rtcp(first: int, kind: int, body: bytes, words: int | None = None) -> bytes:
    """One RTCP packet; ``words`` is what it says to be its length when that is a lie."""
    return struct.pack("!BBH", first, kind, len(body) // 4 if words is None else words) + body


def ssrcs(*numbers: int) -> bytes:
    return struct.pack(f"!{len(numbers)}I", *numbers)


CUT = [
    rtcp(0x80, 201, ssrcs(VIDEO), words=2),
    rtcp(0x80, 200, ssrcs(VIDEO), words=6),
    rtcp(0x81, 205, ssrcs(VIDEO, TO_CHROMIUM), words=0xFFFF),
    rtcp(0x40, 206, ssrcs(VIDEO, TO_CHROMIUM)),  # not version 2
    b"\x80\xc9\0",
    b"\x80",
]
HOLLOW = [
    (rtcp(0x9F, 201, ssrcs(VIDEO)), "malformed_rtcp"),  # 31 reports, none there
    (rtcp(0x9F, 200, ssrcs(VIDEO, 1, 2, 3, 4, 5)), "malformed_rtcp"),
    (rtcp(0x80, 200, ssrcs(VIDEO)), "malformed_rtcp"),
    (rtcp(0x81, 205, ssrcs(VIDEO)), "malformed_rtcp"),  # a NACK without a medium
    (rtcp(0x81, 205, ssrcs(VIDEO, TO_CHROMIUM)), "malformed_rtcp"),  # and without numbers
    (rtcp(0x8F, 205, ssrcs(VIDEO, TO_CHROMIUM)), "malformed_rtcp"),
    # 65 535 and no chunk
    (rtcp(0x8F, 205, ssrcs(VIDEO, TO_CHROMIUM, 0x0001FFFF, 0)), "feedback_not_relayed"),
    (rtcp(0x8F, 205, ssrcs(VIDEO, TO_CHROMIUM, 0xFFFF0000, 0)), "feedback_not_relayed"),
    (
        rtcp(0x8F, 205, ssrcs(VIDEO, TO_CHROMIUM, 0x0001FFFF, 0, 0x3FFF3FFF, 0x3FFF3FFF)),
        "feedback_not_relayed",
    ),
    (
        rtcp(0x8F, 205, ssrcs(VIDEO, TO_CHROMIUM, 0x0001FFFF, 0) + b"\xff" * 1000),
        "feedback_not_relayed",
    ),
    (
        rtcp(0x8F, 205, ssrcs(VIDEO, TO_CHROMIUM, 0x0001FFFF, 0) + b"\x1f\xff" * 500),
        "feedback_not_relayed",
    ),
    (rtcp(0x81, 206, ssrcs(VIDEO)), "malformed_rtcp"),
    (rtcp(0x84, 206, ssrcs(VIDEO, 0)), "malformed_rtcp"),
    (rtcp(0x84, 206, ssrcs(VIDEO, 0, TO_CHROMIUM)), "malformed_rtcp"),
    # 255 SSRCs, none there
    (rtcp(0x8F, 206, ssrcs(VIDEO, 0) + b"REMB" + b"\xff" * 4), "remb_swallowed"),
    (rtcp(0x8F, 206, ssrcs(VIDEO, 0) + b"REMB"), "malformed_rtcp"),
    (rtcp(0x8F, 206, ssrcs(VIDEO, 0) + b"REM!"), None),  # somebody's own
    (rtcp(0x9F, 203, b""), "bye_ignored"),
    (rtcp(0x9F, 202, ssrcs(VIDEO) + b"\1\xff\0\0"), None),  # nobody reads names
    (rtcp(0x80, 207, ssrcs(VIDEO) + b"\4\0\xff\xff"), "malformed_rtcp"),  # a block of 256 KiB
    (rtcp(0x80, 207, ssrcs(VIDEO) + b"\5\0\0\1" + ssrcs(1)), None),  # no whole delay
    (rtcp(0x80, 204, ssrcs(VIDEO)), None),
    (rtcp(0xA0, 201, ssrcs(VIDEO) + b"\0\0\0\xff"), "malformed_rtcp"),  # padding beyond its packet
]


@pytest.mark.parametrize("cut", CUT)
def test_a_compound_that_is_cut_short_counts_and_what_came_before_it_holds(
    rooms: Rooms, cut: bytes
) -> None:
    rooms.stage.send(rooms.partner, Rtp(120, 1, 0, 2001))
    pli = rtcp(0x81, 206, ssrcs(VIDEO, TO_CHROMIUM))
    asked = rooms.stage.plane.counts()["keyframe_request"]
    rooms.stage.send_rtcp(rooms.hostile, pli, cut)
    assert rooms.stage.drops == {"malformed_rtcp": 1}
    assert rooms.stage.plane.counts()["keyframe_request"] == asked + 1
    rooms.goes_on()


@pytest.mark.parametrize(("hollow", "reason"), HOLLOW)
def test_packets_whose_counts_lie_cost_nothing_and_are_counted(
    rooms: Rooms, hollow: bytes, reason: str | None
) -> None:
    report = rtcp(0x80, 201, ssrcs(VIDEO))
    rooms.stage.send_rtcp(rooms.hostile, report, hollow, report)
    assert rooms.stage.drops == ({reason: 1} if reason else {})
    for each in (rooms.hostile, rooms.partner):
        assert len(each.datagrams) <= 1
        each.datagrams.clear()
    rooms.goes_on()


def test_feedback_and_keyframe_requests_by_the_thousand_become_a_handful(rooms: Rooms) -> None:
    """100 PLIs a compound, 100 compounds a second, for three seconds."""
    rooms.stage.send(rooms.partner, Rtp(120, 1, 0, 2001))
    pli = rtcp(0x81, 206, ssrcs(VIDEO, TO_CHROMIUM))
    fir = rtcp(
        0x84, 206, ssrcs(VIDEO, 0) + b"".join(ssrcs(TO_CHROMIUM, n << 24) for n in range(90))
    )
    rooms.partner.datagrams.clear()
    for number in range(300):
        storm = [pli] * 100 if number % 2 else [fir]
        rooms.stage.send_rtcp(rooms.hostile, *storm, after_ns=10 * MS)
    assert len(rooms.partner.datagrams) <= 3 * SECOND // PlaneSettings().keyframe_interval_ns + 6
    rooms.goes_on()


def test_a_storm_of_nacks_is_answered_within_bounds(rooms: Rooms) -> None:
    """Each asks for 17 × 90 packets, of which some were never sent."""
    stage, hostile = rooms.stage, rooms.hostile
    for number in range(100):
        picture = Rtp(120, number, 0, 2001, bytes(1000), extensions=(transport(number, 7),))
        stage.send(rooms.partner, picture)
    last = hostile.rtp[-1].sequence
    hostile.datagrams.clear()
    rooms.partner.datagrams.clear()
    numbers = [(last - 17 * each) & 0xFFFF for each in range(90)]
    nack = rtcp(
        0x81,
        205,
        ssrcs(VIDEO, TO_CHROMIUM) + b"".join(struct.pack("!HH", n, 0xFFFF) for n in numbers),
    )
    for _ in range(200):
        stage.send_rtcp(hostile, nack, nack, nack, after_ns=MS)
    # of 100 packets each a few times, and to the partner nothing but reports and keyframe requests
    assert len(hostile.datagrams) <= 1000
    assert len(rooms.partner.datagrams) <= 20
    rooms.goes_on()


def test_absurd_transport_wide_feedback_is_not_relayed_beyond_a_bound(rooms: Rooms) -> None:
    for number in range(50):
        rooms.stage.send(
            rooms.partner, Rtp(120, number, 0, 2001, extensions=(transport(number, 7),))
        )
    rooms.partner.datagrams.clear()
    everything = tuple(None if n % 2 else 0x7FFF for n in range(200))
    feedback = [
        twcc.make(twcc.Feedback(VIDEO, TO_CHROMIUM, base & 0xFFFF, 0xFFFFFF, 255, everything))
        for base in (0, 40_000, 65_500)
    ]
    for _ in range(100):
        rooms.stage.send_rtcp(rooms.hostile, *feedback, after_ns=MS)
    assert len(rooms.partner.datagrams) <= 200 + 20, "at once, and in 100 ms"
    assert rooms.stage.drops["feedback_not_relayed"] >= 100
    assert rooms.stage.plane.counts()["feedback_over_rate"] >= 50
    rooms.goes_on()


def test_every_datagram_replayed_three_times_arrives_once(rooms: Rooms) -> None:
    hostile = rooms.hostile
    datagrams = [hostile.protect(rooms.good((transport(n),))) for n in range(50)]
    datagrams += [hostile.protect_rtcp(rtcp(0x80, 201, ssrcs(AUDIO)))]
    heard = []
    for _ in range(4):
        rooms.stage.turn([(hostile.address, each) for each in datagrams], 10 * MS)
        heard += rooms.partner.rtp
    assert len(heard) == 50
    assert rooms.stage.drops == {"replayed": 3 * 51}
    rooms.goes_on()


def test_duplicates_and_reordering_by_64_lose_nothing(rooms: Rooms) -> None:
    """Five in a hundred twice, each up to 64 places from its own, over the wrap."""
    chance, stage = random.Random(5), rooms.stage
    packets = [
        rooms.hostile.protect(
            Rtp(111, (65_400 + n) & 0xFFFF, n * 960, AUDIO, b"%d" % n, extensions=(transport(n),))
        )
        for n in range(400)
    ]
    twice = [each for each in range(400) if chance.random() < 0.05]
    order = sorted([*range(1, 400), *twice], key=lambda n: n + chance.uniform(0, 64))
    heard: list[Rtp] = []
    order.insert(0, 0)
    for at in range(0, len(order), 20):
        stage.turn([(rooms.hostile.address, packets[n]) for n in order[at : at + 20]], 20 * MS)
        heard += rooms.partner.rtp
    assert sorted(int(each.payload) for each in heard) == list(range(400))
    first = heard[0].sequence
    for each in heard:
        assert (each.sequence - first) & 0xFFFF == int(each.payload)
    assert stage.drops == {"replayed": len(twice)}


def test_random_rtcp_from_somebody_with_keys(rooms: Rooms) -> None:
    chance = random.Random(13)
    browsers: tuple[Browser, ...] = (rooms.hostile, rooms.partner)
    for _ in range(600):
        sender = chance.choice(browsers)
        known = (VIDEO, AUDIO, TO_CHROMIUM, TO_FIREFOX, 2001, 0, chance.randrange(1 << 32))
        body = ssrcs(*chance.choices(known, k=3)) + chance.randbytes(4 * chance.randrange(12))
        kind = chance.choice((200, 201, 202, 203, 204, 205, 205, 206, 206, 207, 210))
        packet = rtcp(0x80 | chance.choice((0, 1, 2, 4, 11, 15, 31, 33)), kind, body)
        rooms.stage.send_rtcp(sender, rtcp(0x80, 201, ssrcs(VIDEO)), packet, after_ns=5 * MS)
    rooms.partner.datagrams.clear()
    rooms.goes_on()
