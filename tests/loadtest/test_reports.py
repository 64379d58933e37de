"""RTCP reports, as an independent reader understands them."""

import numpy as np
import pytest
from aiortc.rtp import RtcpPacket, RtcpRrPacket, RtcpSenderInfo, RtcpSrPacket

from loadtest import table
from loadtest.arrival_profile import Integers
from loadtest.packets import Octets, put, write_packet
from loadtest.reports import note_reports, take, write_reports
from loadtest.session_description import OPUS, VP8

NOW_NS = 1_800_000_000_250_000_000
AUDIO_SSRC, VIDEO_SSRC, HEARD = 11, 12, 77


@pytest.fixture
def rows() -> Integers:
    made: Integers = np.zeros((1, table.FIELDS), np.int64)
    made[0, [table.AUDIO_SSRC, table.VIDEO_SSRC]] = AUDIO_SSRC, VIDEO_SSRC
    made[0, [table.IN + table.IN_HIGHEST, table.IN + table.IN_FIELDS + table.IN_HIGHEST]] = -1
    return made


def hear(
    rows: Integers,
    sequence: int,
    timestamp: int,
    arrived_ns: int,
    kind: int = OPUS,
    ssrc: int = HEARD,
) -> None:
    data: Octets = np.zeros(200, np.uint8)
    write_packet(
        data, 120, kind == VP8, True, True, False, False,
        sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc, 0, 0, 0, NOW_NS,
    )  # fmt: skip
    take(rows, 0, kind, data, 0, arrived_ns)


def said(rows: Integers, now_ns: int = NOW_NS) -> list[RtcpSrPacket | RtcpRrPacket]:
    data: Octets = np.zeros(2048, np.uint8)
    size = write_reports(rows, 0, data, now_ns)
    found = RtcpPacket.parse(bytes(data[:size])) if size else []
    assert all(isinstance(each, RtcpSrPacket | RtcpRrPacket) for each in found)
    return found  # type: ignore[return-value]


def test_who_neither_sent_nor_heard_says_nothing(rows: Integers) -> None:
    assert said(rows) == []


def test_a_sender_says_how_much_it_sent_and_what_time_it_is(rows: Integers) -> None:
    for out, packets, octets in (
        (table.OUT, 50, 6000),
        (table.OUT + table.OUT_FIELDS, 190, 200_000),
    ):
        rows[0, out : out + table.OUT_FIELDS] = packets, octets, 0xFFFFFF00, NOW_NS - 10_000_000
    audio, video = said(rows)
    assert isinstance(audio, RtcpSrPacket)
    assert isinstance(video, RtcpSrPacket)
    assert (audio.ssrc, video.ssrc) == (AUDIO_SSRC, VIDEO_SSRC)
    # NTP counts from 1900; the packet before went 10 ms ago
    ntp = (1_800_000_000 + 2_208_988_800) << 32 | 1 << 30
    assert audio.sender_info == RtcpSenderInfo(ntp, 480 - 256, 50, 6000)
    assert video.sender_info == RtcpSenderInfo(ntp, 900 - 256, 190, 200_000)
    assert audio.reports == video.reports == []


def test_loss_since_the_report_before_and_in_all(rows: Integers) -> None:
    for number in range(65_530, 65_550):  # across the wrap
        if number not in (65_535, 65_540, 65_541, 65_542, 65_543):
            hear(rows, number, number * 960, NOW_NS + number * 20_000_000)
    (first,) = said(rows)
    assert isinstance(first, RtcpRrPacket)
    assert first.ssrc == AUDIO_SSRC
    block = first.reports[0]
    assert (block.ssrc, block.highest_sequence) == (HEARD, 65_549)
    assert (block.packets_lost, block.fraction_lost) == (5, 256 * 5 // 20)
    for number in range(65_550, 65_560):
        hear(rows, number, number * 960, NOW_NS + number * 20_000_000)
    hear(rows, 65_535, 65_535 * 960, NOW_NS + 65_560 * 20_000_000)  # late, and not lost after all
    (second,) = said(rows)
    assert (second.reports[0].packets_lost, second.reports[0].fraction_lost) == (4, 0)


@pytest.mark.parametrize(("kind", "hz"), [(OPUS, 48_000), (VP8, 90_000)])
def test_jitter_is_that_of_rfc_3550_and_silence_is_none(rows: Integers, kind: int, hz: int) -> None:
    random = np.random.default_rng(5)
    expected, before = 0.0, None
    sent_s = 0.0
    for number in range(200):
        sent_s += 0.4 if number % 50 == 40 else 0.02  # DTX: the timestamps run on
        timestamp = round(sent_s * hz) + 4_294_960_000  # wraps on the way
        delay_s = 0.03 + 0.01 * random.random()
        hear(rows, number, timestamp, NOW_NS + round((sent_s + delay_s) * 1e9), kind)
        if before is not None:
            expected += (abs(delay_s - before) * hz - expected) / 16
        before = delay_s
    block = said(rows)[0].reports[0]
    assert block.jitter == pytest.approx(expected, rel=0.02, abs=2)
    assert block.jitter < 0.01 * hz


def test_a_round_trip_can_be_told_by_what_is_said_back(rows: Integers) -> None:
    hear(rows, 1, 960, NOW_NS)
    info = RtcpSenderInfo(0x1122_3344_5566_7788, 0, 0, 0)
    compound = bytes(RtcpRrPacket(ssrc=1)) + bytes(RtcpSrPacket(ssrc=HEARD, sender_info=info))
    data: Octets = np.frombuffer(compound, np.uint8)
    (before,) = said(rows)
    assert (before.reports[0].lsr, before.reports[0].dlsr) == (0, 0)
    note_reports(rows, 0, data, 0, len(data), NOW_NS)
    (after,) = said(rows, NOW_NS + 250_000_000)
    assert (after.reports[0].lsr, after.reports[0].dlsr) == (0x3344_5566, 65_536 // 4)


def test_a_stream_that_begins_anew_is_counted_anew(rows: Integers) -> None:
    hear(rows, 100, 960, NOW_NS)
    hear(rows, 200, 1920, NOW_NS + 20_000_000)
    hear(rows, 5, 960, NOW_NS + 40_000_000, ssrc=HEARD + 1)
    block = said(rows)[0].reports[0]
    assert (block.ssrc, block.packets_lost, block.highest_sequence) == (HEARD + 1, 0, 5)


def test_no_rtcp_hurts(rows: Integers) -> None:
    data: Octets = np.zeros(40, np.uint8)
    for length in range(40):
        data[:4] = 0x80, 200, 0, 6
        put(data, 4, HEARD, 4)
        note_reports(rows, 0, data, 0, length, NOW_NS)
