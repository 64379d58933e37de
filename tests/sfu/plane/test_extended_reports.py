"""Round trips for an end that sends no media (RFC 3611 sections 4.4 and 4.5)."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.plane import extended_reports, rtcp
from sfu.plane.rtcp import Octets
from tests.sfu.plane.counts import counts_of
from tests.sfu.plane.stage import FIREFOX, MS, SECOND, Browser, Rtp, Stage
from tests.sfu.plane.test_reports import ntp, receiver_report, sender_report

XR = 207


def middle(unix_ns: int) -> int:
    seconds, fraction = ntp(unix_ns)
    return (seconds & 0xFFFF) << 16 | fraction >> 16


def reference_time(ssrc: int, unix_ns: int) -> bytes:
    return struct.pack("!BBHIBBHII", 0x80, XR, 4, ssrc, 4, 0, 2, *ntp(unix_ns))


def delays(ssrc: int, *entries: tuple[int, int, int]) -> bytes:
    body = b"".join(struct.pack("!III", *each) for each in entries)
    length = 3 * len(entries)
    return struct.pack("!BBHIBBH", 0x80, XR, 2 + length, ssrc, 5, 0, length) + body


def blocks_of(packet: bytes) -> list[tuple[int, bytes]]:
    """Type and contents of the blocks of an extended report."""
    found = []
    at = 8
    while at < len(packet):
        kind, _, words = struct.unpack("!BBH", packet[at : at + 4])
        found.append((kind, packet[at + 4 : at + 4 + 4 * words]))
        at += 4 + 4 * words
    assert at == len(packet)
    return found


def two(stage: Stage) -> tuple[Browser, Browser]:
    chromium = stage.connect(0)
    return chromium, stage.connect(1, FIREFOX, partner=0)


def test_a_browser_that_asks_for_its_round_trip_gets_it_once() -> None:
    with Stage() as stage:
        _, firefox = two(stage)
        stage.pass_time(1010 * MS, 10 * MS)
        asked_ns = 4242 * SECOND + 123_456_789  # by the browser's clock
        stage.send_rtcp(firefox, receiver_report(1, 6001, 0, 0, 0, 0), reference_time(1, asked_ns))
        came_ns = stage.now_ns
        heard: list[bytes] = []
        while not heard:
            stage.turn(after_ns=10 * MS)
            heard = firefox.rtcp_of(XR)
        [(kind, body)] = blocks_of(heard[0])
        ssrc, last, delay = struct.unpack("!III", body)
        assert (kind, ssrc, last) == (5, 1, middle(asked_ns))
        assert abs(delay * SECOND / 65536 - (stage.now_ns - came_ns)) < MS
        assert struct.unpack("!I", heard[0][4:8]) == (6000,)
        assert [each for each in stage.pass_time(3 * SECOND)[1] if each[1] == XR] == []


def test_two_askers_are_both_answered() -> None:
    with Stage() as stage:
        _, firefox = two(stage)
        stage.pass_time(1010 * MS, 10 * MS)
        stage.send_rtcp(firefox, reference_time(1, SECOND))
        stage.send_rtcp(firefox, reference_time(2001, 2 * SECOND))
        [report] = [each for each in stage.pass_time(SECOND)[1] if each[1] == XR]
        told = {struct.unpack("!I", body[:4])[0] for kind, body in blocks_of(report) if kind == 5}
        assert told == {1, 2001}


def test_where_we_send_nothing_we_ask_and_learn_the_round_trip() -> None:
    with Stage() as stage:
        chromium = stage.connect(0)
        stage.send(chromium, Rtp(111, 1, 0, 1000))
        heard: list[bytes] = []
        while not heard:
            stage.turn(after_ns=10 * MS)
            heard = chromium.rtcp_of(XR)
        [(kind, body)] = blocks_of(heard[0])
        assert kind == 4
        seconds, fraction = struct.unpack("!II", body)
        assert (seconds, fraction) == ntp(stage.now_ns)
        last = (seconds & 0xFFFF) << 16 | fraction >> 16
        stage.now_ns += 79 * MS
        stage.send_rtcp(chromium, delays(1000, (5000, last, 50 * 65536 // 1000)))
        round_trip_s = counts_of(stage.plane, 0).round_trip_s
        assert round_trip_s == pytest.approx(0.030, abs=0.001)
        assert stage.drops == {"no_partner": 1}


def test_where_sender_reports_go_out_and_where_nothing_comes_in_we_do_not_ask() -> None:
    with Stage() as stage:
        chromium, firefox = two(stage)
        stage.send(chromium, Rtp(111, 1, 0, 1000))
        stage.send_rtcp(chromium, sender_report(1000, stage.now_ns, 0))
        stage.send(firefox, Rtp(109, 1, 0, 2000))
        heard = stage.pass_time(3 * SECOND)
        assert [each for each in heard[1] if each[1] == XR] == []
        silent = stage.connect(2)
        assert [each for each in stage.pass_time(3 * SECOND)[silent.slot] if each[1] == XR] == []


@pytest.mark.parametrize(
    "entry",
    [
        (5000, 1, 0),  # when the node's clock stood elsewhere
        (5000, 0xFFFFFFFF, 0xFFFFFFFF),
        (5000, None, 5 << 16),  # longer there than it took
    ],
)
def test_a_delay_that_cannot_be_is_ignored_and_counted(entry: tuple[int, int | None, int]) -> None:
    with Stage() as stage:
        chromium, _ = two(stage)
        ssrc, last, delay = entry
        last = middle(stage.now_ns) if last is None else last
        stage.send_rtcp(chromium, delays(1000, (ssrc, last, delay)))
        assert counts_of(stage.plane, 0).round_trip_s is None
        assert stage.drops == {"absurd_time": 1}


def test_delays_about_others_and_answers_to_nothing_show_nothing() -> None:
    with Stage() as stage:
        chromium, _ = two(stage)
        stage.send_rtcp(chromium, delays(1000, (9, middle(stage.now_ns), 0), (5000, 0, 0)))
        assert counts_of(stage.plane, 0).round_trip_s is None
        assert stage.drops == {}


@pytest.mark.parametrize(
    "body",
    [
        b"\x04\x00\x00\x02\x00\x00\x00\x01",  # cut short
        b"\x05\x00\xff\xff",
        b"\x04\x00\x00\x02" + bytes(8) + b"\x05\x00\x00\x03",
    ],
)
def test_blocks_that_are_cut_short_are_counted(body: bytes) -> None:
    with Stage() as stage:
        chromium, _ = two(stage)
        stage.send_rtcp(chromium, struct.pack("!BBHI", 0x80, XR, 1 + len(body) // 4, 1000) + body)
        assert stage.drops == {"malformed_rtcp": 1}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x04\x00\x00\x01\x00\x00\x00\x00",  # a reference time of the wrong length
        b"\x05\x00\x00\x00",
        b"\x05\x00\x00\x02" + bytes(8),  # less than a sub-block
        b"\x06\x00\x00\x09" + bytes(36),  # a statistics summary
    ],
)
def test_other_blocks_are_passed_over(body: bytes) -> None:
    with Stage() as stage:
        chromium, _ = two(stage)
        stage.send_rtcp(chromium, struct.pack("!BBHI", 0x80, XR, 1 + len(body) // 4, 1000) + body)
        assert stage.drops == {}
        assert [each for each in stage.pass_time(2 * SECOND)[0] if each[1] == XR] == []


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60))
def test_no_bytes_hurt(data: bytes) -> None:
    source: Octets = np.frombuffer(data, np.uint8)
    block = 0
    while block < len(data):
        behind = extended_reports.block_end(source, block, len(data))
        if behind < 0:
            return
        assert block < behind <= len(data)
        extended_reports.is_reference_time(source, block, behind)
        for index in range(extended_reports.delays(source, block, behind)):
            assert block + 4 + 12 * (index + 1) <= behind
        block = behind


def test_what_has_no_room_is_not_written() -> None:
    out: Octets = np.full(19, 0xEE, np.uint8)
    assert extended_reports.write_extended_report(out, 12, 1) == -1
    assert extended_reports.write_extended_report(out, 0, 1) == 8
    assert rtcp.step(out, 0, 19) == 8
    assert extended_reports.add_reference_time(out, 0, 8, SECOND) == -1
    assert extended_reports.add_delay(out, 0, 4, 1, 2, 3) == -1
    assert np.all(out[8:] == 0xEE)
