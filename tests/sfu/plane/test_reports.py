"""The node's own RTCP: sender reports that keep lips and sound together, reception, CNAME."""

import struct

from tests.sfu.plane.counts import counts_of
from tests.sfu.plane.stage import FIREFOX, MS, SECOND, START_NS, Browser, Rtp, Stage

NTP_TO_UNIX_S = 2_208_988_800


def ntp(unix_ns: int) -> tuple[int, int]:
    return unix_ns // SECOND + NTP_TO_UNIX_S, (unix_ns % SECOND << 32) // SECOND


def sender_report(ssrc: int, browser_ns: int, timestamp: int) -> bytes:
    return struct.pack("!BBHIIIIII", 0x80, 200, 6, ssrc, *ntp(browser_ns), timestamp, 10, 1000)


def receiver_report(ssrc: int, about: int, fraction: int, lost: int, lsr: int, dlsr: int) -> bytes:
    head = struct.pack("!BBHII", 0x81, 201, 7, ssrc, about)
    return head + struct.pack("!IIIII", fraction << 24 | lost, 4, 5, lsr, dlsr)


def reports_of(packets: list[bytes]) -> dict[int, tuple[int, int, int, int]]:
    """SSRC → Unix ns, RTP timestamp, packets, octets of sender reports."""
    found = {}
    for each in packets:
        if each[1] == 200:
            ssrc, seconds, fraction, timestamp, count, octets = struct.unpack("!6I", each[4:28])
            at_ns = (seconds - NTP_TO_UNIX_S) * SECOND + (fraction * SECOND >> 32)
            found[ssrc] = at_ns, timestamp, count, octets
    return found


def blocks_of(packet: bytes) -> list[tuple[int, int, int, int, int, int, int]]:
    """SSRC, fraction, lost, highest, jitter, LSR, DLSR of each report block."""
    at = 28 if packet[1] == 200 else 8
    blocks = []
    for index in range(packet[0] & 31):
        ssrc, loss, *rest = struct.unpack("!6I", packet[at + 24 * index : at + 24 * index + 24])
        blocks.append((ssrc, loss >> 24, loss & 0xFFFFFF, *rest))
    return blocks


def two(stage: Stage) -> tuple[Browser, Browser]:
    chromium = stage.connect(0)
    return chromium, stage.connect(1, FIREFOX, partner=0)


def test_one_clock_offset_serves_all_streams_of_a_source() -> None:
    behind_ns = 5_000 * SECOND  # the browser's clock
    with Stage() as stage:
        chromium, firefox = two(stage)
        stage.send(chromium, Rtp(111, 1, 48_000, 1000), Rtp(96, 1, 90_000, 1001, b"x" * 100))
        audio_out, video_out = sorted(firefox.rtp, key=lambda each: each.ssrc)
        sampled_ns = stage.now_ns  # both of these were sampled now, by the node's clock
        # the audio's report is delayed by 30 ms on the way, the video's later one is not
        for ssrc, timestamp, delay in ((1000, 48_000, 30 * MS), (1001, 90_000, 0)):
            stage.now_ns = sampled_ns + 2 * MS + delay - MS
            stage.send_rtcp(chromium, sender_report(ssrc, sampled_ns - behind_ns, timestamp))
        heard: list[bytes] = []
        for _ in range(60):
            stage.turn(after_ns=20 * MS)
            heard += firefox.rtcp
        reports = reports_of(heard)
        shift = {}
        for ssrc, rate, sent in ((6000, 48_000, audio_out), (6001, 90_000, video_out)):
            at_ns, timestamp, count, _ = reports[ssrc]
            true = sent.timestamp + (at_ns - sampled_ns) * rate // SECOND
            shift[ssrc] = (timestamp - true) / rate
            assert count == 1
        assert abs(shift[6000] - shift[6001]) < 0.0005, "no skew between sound and picture"
        assert abs(shift[6000]) < 0.04
        assert reports[6001][3] == 100


def test_a_stream_is_not_reported_before_its_source_has_reported() -> None:
    with Stage() as stage:
        chromium, _ = two(stage)
        stage.send(chromium, Rtp(96, 1, 90_000, 1001))
        heard = stage.pass_time(1200 * MS)[1]
        assert reports_of(heard) == {}
        assert {each[1] for each in heard} >= {201, 202}


def test_reception_is_reported_once_a_second() -> None:
    with Stage() as stage:
        chromium, _ = two(stage)
        stage.pass_time(1010 * MS, 10 * MS)
        stage.send_rtcp(chromium, sender_report(1001, START_NS - 77 * SECOND, 0))
        for sequence in (1, 2, 3, 6):
            stage.send(chromium, Rtp(96, sequence, 0, 1001))
        heard = stage.pass_time(1000 * MS, 10 * MS)[0]
        [report] = [each for each in heard if each[1] in (200, 201)]
        [block] = [each for each in blocks_of(report) if each[0] == 1001]
        _, fraction, lost, highest, _, lsr, dlsr = block
        assert (fraction, lost, highest & 0xFFFF) == (2 * 256 // 6, 2, 6)
        seconds, parts = ntp(START_NS - 77 * SECOND)
        assert lsr == (seconds & 0xFFFF) << 16 | parts >> 16
        assert 0.9 < dlsr / 65536 < 1.1
        statistics = counts_of(stage.plane, 0)
        assert (statistics.expected_in, statistics.received_in) == (6, 4)


def test_cname_is_sent() -> None:
    with Stage() as stage:
        chromium = stage.connect(0)
        stage.plane.set_media(0, chromium.media, "somename")
        heard = stage.pass_time(1200 * MS)[0]
        [description] = [each for each in heard if each[1] == 202][-1:]
        assert struct.unpack("!I", description[4:8]) == (5000,)
        assert description[8:18] == b"\x01\x08somename"


def test_the_cname_of_each_stream_that_is_reported_is_sent() -> None:
    with Stage() as stage:
        chromium, _ = two(stage)
        stage.send(chromium, Rtp(111, 1, 0, 1000), Rtp(96, 1, 0, 1001))
        for ssrc in (1000, 1001):
            stage.send_rtcp(chromium, sender_report(ssrc, stage.now_ns, 0))
        heard = stage.pass_time(1200 * MS)[1]
        described = {struct.unpack("!I", each[4:8])[0] for each in heard if each[1] == 202}
        assert described == set(reports_of(heard)) == {6000, 6001}


def test_what_the_browser_reports_becomes_statistics() -> None:
    with Stage() as stage:
        chromium, firefox = two(stage)
        stage.send(chromium, *(Rtp(96, each, 0, 1001) for each in range(10)))
        stage.send_rtcp(chromium, sender_report(1001, stage.now_ns, 0))
        heard = stage.pass_time(1100 * MS)[1]
        at_ns, *_ = reports_of(heard)[6001]
        seconds, parts = ntp(at_ns)
        lsr = (seconds & 0xFFFF) << 16 | parts >> 16
        stage.now_ns = at_ns + 80 * MS - MS
        dlsr = 50 * 65536 // 1000
        stage.send_rtcp(firefox, receiver_report(2001, 6001, 64, 3, lsr, dlsr))
        statistics = counts_of(stage.plane, 1)
        assert statistics.round_trip_s is not None
        assert abs(statistics.round_trip_s - 0.030) < 0.001
        assert statistics.lost_out == 3
        assert statistics.media_packets_out == 10
        assert counts_of(stage.plane, 0).round_trip_s is None


def test_clock_set_back_does_not_stop_the_reports() -> None:
    with Stage() as stage:
        chromium = stage.connect(0)
        stage.pass_time(1500 * MS)
        stage.now_ns -= 3600 * SECOND
        stage.turn()
        heard = stage.pass_time(1500 * MS)
        assert any(each[1] == 201 for each in heard[chromium.slot])
