"""Keyframes: asked for until one comes, at a bounded pace, whoever asks and however often."""

import struct
from itertools import pairwise

import pytest

from sfu.plane import PlaneSettings
from tests.sfu.plane.stage import CHROMIUM, FIREFOX, MS, SECOND, Browser, Rtp, Stage

KEYFRAME = b"\x90\x80\x81\x23\x00\x9d\x01\x2a"
PICTURE = b"\x90\x80\x81\x23\x01more"


def pli(sender: int, media: int) -> bytes:
    return struct.pack("!BBHII", 0x81, 206, 2, sender, media)


def fir(number: int, media: int = 6001, sender: int = 2001) -> bytes:
    return struct.pack("!BBHIIIBBH", 0x84, 206, 4, sender, 0, media, number, 0, 0)


def plis(browser: Browser) -> list[int]:
    return [struct.unpack("!I", each[8:12])[0] for each in browser.rtcp_of(206, 1)]


class Video:
    """A browser's camera, at 25 pictures a second."""

    def __init__(self, stage: Stage, browser: Browser) -> None:
        self.stage = stage
        self.browser = browser
        self.sequence = 100

    def send(self, payload: bytes = PICTURE, after_ns: int = 40 * MS) -> int:
        """One packet; how many keyframes the browser was asked for by then."""
        self.sequence += 1
        packet = Rtp(96, self.sequence, self.sequence * 3600, 1001, payload)
        self.stage.send(self.browser, packet, after_ns=after_ns)
        return len(plis(self.browser))

    def for_a_time(self, duration_ns: int) -> list[int]:
        """Send pictures, no keyframe; when the browser was asked, in ms from now."""
        began_ns = self.stage.now_ns
        asked = []
        while self.stage.now_ns - began_ns < duration_ns:
            asked += [(self.stage.now_ns - began_ns) // MS] * self.send()
        return asked


def two(stage: Stage) -> tuple[Video, Browser]:
    chromium = stage.connect(0)
    return Video(stage, chromium), stage.connect(1, FIREFOX, partner=0)


def counts(stage: Stage) -> dict[str, int]:
    found = {name: each for name, each in stage.plane.counts().items() if "keyframe" in name}
    return {name.removeprefix("keyframe_"): each for name, each in found.items() if each}


def test_it_is_asked_for_again_until_it_comes() -> None:
    with Stage() as stage:
        video, _ = two(stage)
        assert video.send() == 1
        asked = video.for_a_time(1000 * MS)
        assert [b - a for a, b in pairwise(asked)] == [320, 320]
        video.send(KEYFRAME)
        assert video.for_a_time(5 * SECOND) == []
        assert counts(stage) == {"asked": 4, "arrived": 1}


def test_a_stream_that_begins_with_a_keyframe_is_not_asked_for_one() -> None:
    with Stage() as stage:
        video, _ = two(stage)
        assert video.send(KEYFRAME) == 0
        assert video.for_a_time(SECOND) == []


def test_pauses_grow_and_it_is_given_up() -> None:
    with Stage() as stage:
        video, _ = two(stage)
        asked = video.for_a_time(60 * SECOND)
        pauses = [b - a for a, b in pairwise(asked)]
        assert len(asked) == 10
        assert all(each == 320 for each in pauses[:4])
        assert all(1.8 < b / a < 2.2 for a, b in pairwise(pauses[4:]))
        assert counts(stage) == {"asked": 10, "given_up": 1}


def test_who_still_asks_is_served_at_the_steady_pace() -> None:
    with Stage() as stage:
        video, firefox = two(stage)
        asked = 0
        for _ in range(25 * 20):
            asked += video.send()
            stage.send_rtcp(firefox, pli(2001, 6001), after_ns=MS)
            asked += len(plis(video.browser))
        assert 60 <= asked <= 68, "20 s, at most one in 300 ms"


def test_a_storm_of_requests_is_none_towards_the_sender() -> None:
    with Stage() as stage:
        video, firefox = two(stage)
        video.send(KEYFRAME)
        asked = 0
        for number in range(500):
            stage.send_rtcp(firefox, *([pli(2001, 6001), fir(number & 0xFF)] * 4), after_ns=MS)
            asked += len(plis(video.browser))
        assert asked == 2, "in half a second"
        told = counts(stage)
        assert (told["asked"], told["arrived"]) == (2, 1)
        # of 4000, 200 at once and 200 a second; a FIR that stands there four times is one request
        assert 290 <= told["request"] + told["request_repeated"] <= 300
        assert told["request"] > 2 * told["request_repeated"] > 100
        video.send(KEYFRAME)
        assert video.for_a_time(SECOND) == []


def test_a_request_is_asked_no_sooner_than_its_answer_can_come() -> None:
    with Stage(PlaneSettings(max_participants=8, keyframe_interval_ns=100 * MS)) as stage:
        video, _ = two(stage)
        stage.tables.slots[0]["round_trip_ns"] = 500 * MS
        video.send()
        asked = video.for_a_time(2 * SECOND)
        assert [b - a for a, b in pairwise(asked)] == [520] * (len(asked) - 1)


def test_the_number_of_a_full_intra_request_tells_a_repetition() -> None:
    """RFC 5104 section 4.3.1.2: with the same number it is no new request."""
    with Stage() as stage:
        video, firefox = two(stage)
        asked = []
        for number in (7, 7, 8, 7):
            video.send(KEYFRAME)
            stage.pass_time(400 * MS)
            stage.send_rtcp(firefox, fir(number))
            asked.append(len(plis(video.browser)))
        assert asked == [1, 0, 1, 1]
        video.send(KEYFRAME)
        stage.pass_time(400 * MS)
        stage.send_rtcp(firefox, fir(7, sender=2000))
        assert len(plis(video.browser)) == 1, "another requester counts for itself"


def test_a_full_intra_request_for_several_streams() -> None:
    with Stage() as stage:
        video, firefox = two(stage)
        stage.send(video.browser, Rtp(96, 1, 0, 1003, KEYFRAME), Rtp(96, 1, 0, 1001, KEYFRAME))
        entries = b"".join(struct.pack("!IBBH", ssrc, 1, 0, 0) for ssrc in (6003, 6001, 9))
        stage.send_rtcp(firefox, struct.pack("!BBHII", 0x84, 206, 8, 2001, 0) + entries)
        assert sorted(plis(video.browser)) == [1001, 1003]


def test_a_rejoin_needs_a_keyframe_of_who_stayed_and_of_who_came() -> None:
    with Stage() as stage:
        video, firefox = two(stage)
        stage.send(firefox, Rtp(120, 1, 0, 2001, KEYFRAME))
        video.send(KEYFRAME)
        stage.pass_time(SECOND)
        again = stage.connect(2, CHROMIUM, partner=1)
        assert plis(firefox) == [2001]
        stage.send(again, Rtp(96, 1, 0, 1001, PICTURE))
        assert plis(again) == [1001]


def test_a_keyframe_that_nobody_got_does_not_count() -> None:
    with Stage() as stage:
        video, _ = two(stage)
        video.send(KEYFRAME)
        stage.plane.close_participant(1)
        video.send(KEYFRAME)
        stage.connect(2, FIREFOX, partner=0)
        assert plis(video.browser) == [1001]
        stage.plane.pair(0, None)
        video.send(KEYFRAME)
        assert counts(stage) == {"arrived": 1, "asked": 1}, "the first one arrived"


def test_a_keyframe_whose_first_packet_was_retransmitted_counts() -> None:
    with Stage() as stage:
        video, _ = two(stage)
        video.send()
        again = struct.pack("!H", 101) + KEYFRAME
        stage.send(video.browser, Rtp(97, 1, 0, 1002, again))
        assert video.for_a_time(SECOND) == []


@pytest.mark.parametrize(("silence_ms", "asked"), [(900, []), (1100, [0])])
def test_a_camera_that_was_paused_is_asked_for_a_keyframe(
    silence_ms: int, asked: list[int]
) -> None:
    with Stage() as stage:
        video, _ = two(stage)
        video.send(KEYFRAME)
        stage.pass_time(silence_ms * MS - 40 * MS)
        assert video.for_a_time(100 * MS) == asked
        video.send(KEYFRAME)
        stage.pass_time(2 * SECOND)
        assert video.send(KEYFRAME) == 0, "it began with one by itself"


def test_a_screen_that_stood_still_is_not_asked() -> None:
    with Stage() as stage:
        video, _ = two(stage)
        stage.send(video.browser, Rtp(96, 1, 0, 1003, KEYFRAME))
        stage.pass_time(10 * SECOND)
        stage.send(video.browser, Rtp(96, 2, 90_000, 1003, PICTURE))
        assert plis(video.browser) == []
