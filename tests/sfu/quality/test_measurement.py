"""What the node measures of both legs, against what browsers around a real plane do to packets."""

import struct
from collections.abc import Iterator
from math import isnan

import numpy as np
import pytest

from sfu.api import LegScore, QualityLevel
from sfu.plane import Snapshot
from sfu.quality import Measurement, measure, tell
from sfu.quality.measurement import Leg
from tests.sfu.plane import twcc
from tests.sfu.plane.stage import FIREFOX, MS, SECOND, Browser, Rtp, Stage, transport
from tests.sfu.plane.test_reports import sender_report


class Second:
    """Two in a call, Chromium in slot 0 and Firefox in 1, and what is measured of both."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.chromium = stage.connect(0)
        self.firefox = stage.connect(1, FIREFOX, partner=0)
        stage.send(self.firefox, Rtp(109, 1, 0, 2000))
        self.before = self.snapshot()

    def snapshot(self) -> Snapshot:
        return self.stage.plane._statistics.snapshot([0, 1], self.stage.now_ns)

    def measure(self) -> Measurement:
        before, self.before = self.before, self.snapshot()
        return measure(before, self.before, np.array([0.25, 0.5]))

    def hear(self, base: int, deltas: tuple[int | None, ...]) -> None:
        """Firefox's transport-wide feedback."""
        self.stage.send_rtcp(
            self.firefox, twcc.make(twcc.Feedback(2001, 6001, base & 0xFFFF, 5, 0, deltas))
        )

    def report(self, about: int, lost: int, highest: int, jitter: int) -> None:
        """Firefox's receiver report about one of the node's streams."""
        head = struct.pack("!BBHII", 0x81, 201, 7, 2001, about)
        block = struct.pack("!IIIII", lost & 0xFFFFFF, highest, jitter, 0, 0)
        self.stage.send_rtcp(self.firefox, head + block)


@pytest.fixture
def second() -> Iterator[Second]:
    with Stage() as stage:
        yield Second(stage)


GOOD = LegScore(4.0, QualityLevel.GOOD)


def of(leg: Leg, name: str, slot: int) -> float:
    return float(getattr(leg, name)[slot])


def audio(sequence: int) -> Rtp:
    return Rtp(111, sequence & 0xFFFF, sequence * 960 & 0xFFFFFFFF, 1000)


def video(sequence: int, number: int | None = None) -> Rtp:
    numbered = () if number is None else (transport(number),)
    return Rtp(96, sequence & 0xFFFF, sequence * 3600, 1001, b"\x10\x01x", extensions=numbered)


def numbers(browser: Browser) -> list[int]:
    return [struct.unpack("!H", each.element(7) or b"")[0] for each in browser.rtp]


def test_loss_upwards_is_what_is_missing_not_what_is_late_or_repeated(second: Second) -> None:
    order = [*range(65_500, 65_520), 65_521, 65_520, *range(65_525, 65_560)]
    datagrams = [second.chromium.protect(audio(each)) for each in order]
    for data in datagrams:
        second.stage.turn([(second.chromium.address, data)], 20 * MS)
    second.stage.turn([(second.chromium.address, datagrams[5])])  # a duplicate
    up = second.measure().up
    assert (of(up, "expected", 0), of(up, "lost", 0)) == (60, 3)
    assert (of(up, "audio_expected", 0), of(up, "audio_lost", 0)) == (60, 3)
    assert (of(up, "expected", 1), of(up, "silent_s", 1)) == (0, 0.5)
    assert second.stage.drops["replayed"] == 1
    second.stage.send(second.chromium, audio(65_523))
    assert of(second.measure().up, "lost", 0) == -1, "late: it was not lost"


def test_a_source_that_begins_anew_loses_nothing(second: Second) -> None:
    for sequence in (*range(10), *range(20_000, 20_020)):
        second.stage.send(second.chromium, audio(sequence))
    second.measure()
    for sequence in range(30_000, 30_010):
        second.stage.send(second.chromium, audio(sequence))
    up = second.measure().up
    assert of(up, "lost", 0) == 0
    assert 8 <= of(up, "expected", 0) <= 10


def test_what_came_by_rtx_is_repaired_and_rtx_packets_are_packets_of_the_leg(
    second: Second,
) -> None:
    for sequence in (1, 2, 5, 6):
        second.stage.send(second.chromium, video(sequence))
    for sequence, original in ((1, 3), (3, 4)):  # one of the retransmissions is lost, too
        again = Rtp(97, sequence, 0, 1002, struct.pack("!H", original) + b"\x10\x01x")
        second.stage.send(second.chromium, again)
    up = second.measure().up
    assert of(up, "repaired", 0) == 2
    assert (of(up, "expected", 0), of(up, "lost", 0)) == (6 + 3, 2 + 1)
    assert of(up, "audio_expected", 0) == 0


def test_sound_in_red_is_redundant_as_far_as_it_goes_in_it() -> None:
    with Stage() as stage:
        chromium = stage.connect(0)
        stage.connect(1, partner=0)
        stage.connect(2)
        stage.connect(3, FIREFOX, partner=2)
        places = np.arange(4)

        def snapshot() -> Snapshot:
            return stage.plane._statistics.snapshot(places, stage.now_ns)

        before = snapshot()
        block = bytes([0x80 | 111, 0, 0, 3, 111]) + b"oldnew"
        for number in range(3):
            stage.send(chromium, Rtp(63, number, 960 * number, 1000, block))
            stage.send(stage.browsers[2], Rtp(63, number, 960 * number, 1000, block))
        measured = measure(before, snapshot(), np.zeros(4))
    assert measured.up.redundant.tolist() == [3, 0, 3, 0]
    assert measured.down.redundant.tolist() == [0, 3, 0, 0], "Firefox has no RED: unwrapped"


def test_losses_that_are_not_repaired_in_time_are_given_up(second: Second) -> None:
    for sequence in (1, 2, 5, 6):
        second.stage.send(second.chromium, video(sequence))
    second.stage.pass_time(1500 * MS)
    assert of(second.measure().up, "given_up", 0) == 2


def test_jitter_is_that_of_audio_and_of_the_camera_apart(second: Second) -> None:
    for index in range(200):
        second.stage.send(second.chromium, audio(index), after_ns=(10 if index % 2 else 30) * MS)
    up = second.measure().up
    assert of(up, "jitter_ms", 0) == pytest.approx(10, rel=0.05)
    assert isnan(of(up, "video_jitter_ms", 0))
    assert isnan(of(second.measure().up, "jitter_ms", 0)), "nothing came"


def test_the_way_up_is_longer_when_reports_come_later_not_when_a_browser_captures_less(
    second: Second,
) -> None:
    def report(late_ms: int, ssrc: int = 1000) -> float:
        # sound lags behind the browser's clock more and more
        second.stage.send(second.chromium, audio(second.stage.now_ns // SECOND * 40))
        said_ns = second.stage.now_ns - late_ms * MS
        second.stage.send_rtcp(second.chromium, sender_report(ssrc, said_ns, 0))
        second.stage.turn(after_ns=SECOND)
        return float(second.measure().transit_ms[0])

    assert isnan(second.measure().transit_ms[0])
    first = report(20)
    assert report(20) == pytest.approx(first, abs=1)
    assert report(70) == pytest.approx(first + 50, abs=1)
    second.stage.turn(after_ns=SECOND)
    assert second.measure().transit_ms[0] == pytest.approx(first + 50, abs=1), "none since"
    second.stage.send(second.chromium, video(1))
    assert report(20, ssrc=1001) == pytest.approx(first, abs=1)


def test_a_camera_that_stands_still_is_seen_and_one_that_is_off_is_not(second: Second) -> None:
    for index, gap_ms in enumerate((40, 40, 300, 40, 900, 40, 5000, 40)):
        second.stage.send(second.chromium, video(index), after_ns=gap_ms * MS)
    up = second.measure().up
    assert of(up, "frame_gaps", 0) == 2
    assert of(up, "frame_gaps_s", 0) == pytest.approx(1.2)


def test_loss_downwards_is_what_feedback_tells_and_late_packets_come_off_it(
    second: Second,
) -> None:
    theirs = []
    for index in range(10):
        second.stage.send(second.chromium, video(index, index))
        theirs += numbers(second.firefox)
    second.hear(theirs[0], (4, None, 4, None, 4, 4))
    down = second.measure().down
    assert (of(down, "expected", 1), of(down, "lost", 1)) == (6, 2)
    second.hear(theirs[1], (4, 4, None, 4, 4, 4, None, None, 4))
    down = second.measure().down
    assert (of(down, "expected", 1), of(down, "lost", 1)) == (4, 2 - 1)
    second.hear(theirs[1], (4, 4, 4, 4, 4, 4, 4, 4, 4))
    second.hear(theirs[1], (4, 4, 4, 4, 4, 4, 4, 4, 4))
    down = second.measure().down
    assert (of(down, "expected", 1), of(down, "lost", 1)) == (0, -3)
    assert of(second.measure().down, "lost", 1) == 0


def test_without_feedback_reports_tell_and_what_the_node_lacked_is_not_lost_downwards(
    second: Second,
) -> None:
    second.stage.send(second.chromium, audio(0))
    (first,) = (each.sequence for each in second.firefox.rtp)
    second.report(6000, 0, first, 0)
    second.measure()
    for sequence in (1, 2, 3, 6, 7, 8, 9, 10):  # 4 and 5 are lost on the way up
        second.stage.send(second.chromium, audio(sequence))
    second.report(6000, 5, first + 10, 480)
    measured = second.measure()
    assert (of(measured.down, "expected", 1), of(measured.down, "lost", 1)) == (8, 3)
    assert (of(measured.down, "audio_expected", 1), of(measured.down, "audio_lost", 1)) == (8, 3)
    assert of(measured.down, "jitter_ms", 1) == 10
    assert (of(measured.up, "lost", 0), of(measured.down, "lost", 0)) == (2, 0)
    assert of(second.measure().down, "expected", 1) == 0, "each report counts once"
    second.stage.now_ns += 20 * SECOND
    assert isnan(of(second.measure().down, "jitter_ms", 1)), "too old"


def test_keyframes_that_a_receiver_asks_for_and_resends_are_its_downlinks(second: Second) -> None:
    for index in range(4):
        second.stage.send(second.chromium, video(index))
    missing = second.firefox.rtp[-1].sequence
    second.stage.send_rtcp(second.firefox, struct.pack("!BBHII", 0x81, 206, 2, 2001, 6001))
    nack = struct.pack("!BBHIIHH", 0x81, 205, 3, 2001, 6001, missing, 0)
    second.stage.send_rtcp(second.firefox, nack)
    down = second.measure().down
    assert (of(down, "frame_gaps", 1), of(down, "repaired", 1)) == (1, 1)
    assert (of(down, "frame_gaps", 0), of(down, "repaired", 0)) == (0, 0)
    assert of(down, "packets", 1) >= 5
    assert of(down, "silent_s", 1) == pytest.approx(0.001, abs=0.001)


def test_what_is_told_has_no_numbers_for_what_is_not_known(second: Second) -> None:
    second.stage.send(second.chromium, audio(1))
    (rtt_ms, up, down), _ = tell(second.measure(), np.array([0.5, 0.5]), [(GOOD, GOOD)] * 2)
    assert rtt_ms is None
    assert (up.packets, up.expected, up.lost, up.loss_pct) == (1, 1, 0, 0.0)
    assert up.bitrate_bps > 0
    assert (down.loss_pct, down.jitter_ms) == (None, None)
    assert up.silent_s == 0.25
