"""Who is sent no sound, or nothing at all, gets the node's reports like everybody."""

import struct
from dataclasses import replace

import pytest

from sfu.rtp.media import MediaMap
from tests.sfu.plane.counts import counts_of
from tests.sfu.plane.stage import (
    CHROMIUM,
    FIREFOX,
    MS,
    SECOND,
    SENDS_ONLY,
    VIDEO_ONLY,
    Rtp,
    Stage,
    transport,
)
from tests.sfu.plane.test_extended_reports import XR, delays, middle, reference_time
from tests.sfu.plane.test_extended_reports import blocks_of as extended_blocks_of
from tests.sfu.plane.test_reports import blocks_of, reports_of, sender_report

SCREEN_ONLY = replace(CHROMIUM, outbound=CHROMIUM.outbound[2:])
OURS = 77
"""The SSRC that the node has chosen for who is sent nothing."""


def ssrc_of(packet: bytes) -> int:
    return int.from_bytes(packet[4:8])


@pytest.mark.parametrize(
    ("media", "reporter", "said_goodbye"),
    [
        (SENDS_ONLY, OURS, [OURS]),
        (VIDEO_ONLY, 5001, [5001, 5002]),
        (SCREEN_ONLY, 5003, [5003, 5004]),
    ],
)
def test_who_is_sent_no_sound_hears_what_came_and_its_round_trip_and_the_end(
    media: MediaMap, reporter: int, said_goodbye: list[int]
) -> None:
    with Stage() as stage:
        browser = stage.connect(0, media)
        stage.plane.set_media(0, media, "somename", OURS)
        stage.pass_time(1010 * MS, 10 * MS)
        stage.send(browser, Rtp(96, 1, 0, 1001), Rtp(96, 3, 0, 1001))
        asked_ns = 4242 * SECOND
        stage.send_rtcp(browser, reference_time(1001, asked_ns))
        browser.rtcp = []
        while not browser.rtcp_of(201):
            stage.turn(after_ns=10 * MS)
        assert [each[1] for each in browser.rtcp] == [201, 202, XR]
        report, description, extended = browser.rtcp
        assert {ssrc_of(each) for each in browser.rtcp} == {reporter}
        [block] = blocks_of(report)
        assert (block[0], block[2]) == (1001, 1)
        assert description[8:18] == b"\x01\x08somename"
        [(_, ours), (_, answer)] = extended_blocks_of(extended)
        assert struct.unpack("!II", answer[:8]) == (1001, middle(asked_ns))

        last = int.from_bytes(ours[2:6])
        stage.now_ns += 79 * MS
        stage.send_rtcp(browser, delays(1001, (reporter, last, 50 * 65536 // 1000)))
        assert counts_of(stage.plane, 0).round_trip_s == pytest.approx(0.030, abs=0.001)

        stage.plane.close_participant(0)
        stage.turn()
        assert [each[1] for each in browser.rtcp] == [201, 202, 203]
        goodbye = browser.rtcp[-1]
        count = goodbye[0] & 31
        assert list(struct.unpack(f"!{count}I", goodbye[4 : 4 + 4 * count])) == said_goodbye
        assert stage.plane.counts()["bye_sent"] == 1


def test_feedback_and_keyframe_requests_to_who_is_sent_nothing_are_from_the_node() -> None:
    with Stage() as stage:
        browser = stage.connect(0, SENDS_ONLY)
        stage.plane.set_media(0, SENDS_ONLY, "somename", OURS)
        stage.connect(1, FIREFOX, partner=0)
        stage.send(browser, *(Rtp(96, n, 0, 1001, extensions=(transport(n),)) for n in (1, 3)))
        heard = browser.rtcp + stage.pass_time(200 * MS)[0]
        assert {(each[1], each[0] & 31) for each in heard} >= {(205, 1), (205, 15), (206, 1)}
        assert {ssrc_of(each) for each in heard} == {OURS}


def test_who_is_sent_video_alone_gets_its_sender_reports() -> None:
    with Stage() as stage:
        chromium = stage.connect(0)
        other = stage.connect(1, VIDEO_ONLY, partner=0)
        stage.send(chromium, Rtp(111, 1, 0, 1000), Rtp(96, 1, 0, 1001))
        for ssrc in (1000, 1001):
            stage.send_rtcp(chromium, sender_report(ssrc, stage.now_ns, 0))
        heard = stage.pass_time(1200 * MS)[other.slot]
        assert set(reports_of(heard)) == {5001}
        assert {ssrc_of(each) for each in heard} == {5001}


def test_the_ssrc_that_reports_is_none_that_the_browser_may_take() -> None:
    with Stage() as stage:
        browser = stage.connect(0, SENDS_ONLY)
        stage.plane.set_media(0, SENDS_ONLY, "somename", OURS)
        stage.send(browser, Rtp(96, 1, 0, OURS, extensions=((4, b"1"),)))
        assert stage.drops == {"ssrc_collision": 1}
