import struct

import numpy as np
import pytest
from aiortc.rtp import (
    RtcpByePacket,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSourceInfo,
    RtcpSrPacket,
    pack_remb_fci,
    unpack_remb_fci,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.plane import rtcp
from sfu.plane.rtcp import Integers, Octets

ssrcs = st.integers(0, 0xFFFFFFFF)
words = st.integers(0, 0xFFFFFFFF)
blocks = st.builds(
    RtcpReceiverInfo,
    ssrc=ssrcs,
    fraction_lost=st.integers(0, 255),
    packets_lost=st.integers(-(1 << 23), (1 << 23) - 1),
    highest_sequence=words,
    jitter=words,
    lsr=words,
    dlsr=words,
)
sender_reports = st.builds(
    RtcpSrPacket,
    ssrc=ssrcs,
    sender_info=st.builds(
        RtcpSenderInfo,
        ntp_timestamp=st.integers(0, (1 << 64) - 1),
        rtp_timestamp=words,
        packet_count=words,
        octet_count=words,
    ),
    reports=st.lists(blocks, max_size=4),
)
receiver_reports = st.builds(RtcpRrPacket, ssrc=ssrcs, reports=st.lists(blocks, max_size=4))
packets = st.one_of(
    sender_reports,
    receiver_reports,
    st.builds(RtcpByePacket, sources=st.lists(ssrcs, max_size=3)),
    st.builds(RtcpPsfbPacket, fmt=st.sampled_from([1, 4, 15]), ssrc=ssrcs, media_ssrc=ssrcs),
)


def octets(data: bytes) -> Octets:
    return np.frombuffer(data, np.uint8).copy()


def walk(data: bytes) -> list[tuple[int, int]] | None:
    """Offset and end of payload of every packet; None when the compound is malformed."""
    source = octets(data)
    found = []
    at = 0
    while at < len(data):
        behind = rtcp.step(source, at, len(data))
        if behind < 0:
            return None
        found.append((at, rtcp.payload_end(source, at, behind)))
        at = behind
    return found


def fields(info: RtcpReceiverInfo) -> list[int]:
    return [
        info.ssrc,
        info.fraction_lost,
        info.packets_lost,
        info.highest_sequence,
        info.jitter,
        info.lsr,
        info.dlsr,
    ]


@settings(deadline=None)
@given(st.lists(packets, max_size=5))
def test_a_compound_is_walked_packet_by_packet(
    compound: list[RtcpSrPacket | RtcpRrPacket | RtcpByePacket | RtcpPsfbPacket],
) -> None:
    data = b"".join(bytes(packet) for packet in compound)
    found = walk(data)
    assert found is not None
    assert [data[at:end] for at, end in found] == [bytes(packet) for packet in compound]


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=64), st.booleans())
def test_no_bytes_hurt(data: bytes, plausible: bool) -> None:
    if plausible and len(data) >= 4:
        data = bytes([data[0] & 0x3F | 0x80, 200 + data[1] % 7, 0, data[3] % 8]) + data[4:]
    source = octets(data)
    found = walk(data)
    report: Integers = np.zeros(rtcp.REPORT_FIELDS, np.int64)
    block: Integers = np.zeros(rtcp.BLOCK_FIELDS, np.int64)
    for at, end in found or []:
        for reader in (rtcp.read_sender_report, rtcp.read_receiver_report):
            first = reader(source, at, end, report)
            if first >= 0:
                for index in range(rtcp.packet_count(source, at)):
                    rtcp.read_report_block(source, first + 24 * index, block)
        for index in range(rtcp.fir_entries(source, at, end)):
            rtcp.fir_ssrc(source, at, index)
            rtcp.fir_number(source, at, index)
        rtcp.is_pli(source, at, end)
        if rtcp.is_remb(source, at, end):
            assert 0 <= rtcp.remb_bitrate_bps(source, at) <= 1 << 58
        rtcp.sender_ssrc(source, at, end)
        rtcp.media_ssrc(source, at, end)


@pytest.mark.parametrize(
    "data",
    [
        b"\x80",
        b"\x40\xc9\x00\x00",  # version 1
        b"\x80\xc9\x00\x01",  # longer than what came
        b"\xa0\xc9\x00\x00",  # padding of a packet that has no room for it
        b"\xa0\xc9\x00\x01\x00\x00\x00\x00",  # padding of no octets
        b"\xa0\xc9\x00\x01\x00\x00\x00\x08",  # padding over the header
    ],
)
def test_malformed_packets_are_refused(data: bytes) -> None:
    assert walk(data) is None


@pytest.mark.parametrize("padding", [1, 2, 3, 4])
def test_padding_of_any_length_may_stand_before_the_last_packet(padding: int) -> None:
    padded = bytes([0xAF, 205, 0, 3]) + bytes(11) + bytes([padding])
    compound = octets(padded + b"\x80\xc9\x00\x01\0\0\0\1")
    behind = rtcp.step(compound, 0, compound.size)
    assert behind == 16
    assert rtcp.payload_end(compound, 0, behind) == 16 - padding
    assert rtcp.step(compound, behind, compound.size) == compound.size


def test_padding_is_left_out_of_the_payload() -> None:
    assert walk(b"\xa0\xc9\x00\x02\x00\x00\x00\x09\x00\x00\x00\x04") == [(0, 8)]


@settings(deadline=None)
@given(sender_reports)
def test_sender_reports_are_read(packet: RtcpSrPacket) -> None:
    source = octets(bytes(packet))
    report: Integers = np.zeros(rtcp.REPORT_FIELDS, np.int64)
    block: Integers = np.zeros(rtcp.BLOCK_FIELDS, np.int64)
    first = rtcp.read_sender_report(source, 0, len(source), report)
    info = packet.sender_info
    assert report.tolist() == [
        packet.ssrc,
        info.ntp_timestamp >> 32,
        info.ntp_timestamp & 0xFFFFFFFF,
        info.rtp_timestamp,
        info.packet_count,
        info.octet_count,
    ]
    assert rtcp.packet_count(source, 0) == len(packet.reports)
    for index, info_block in enumerate(packet.reports):
        rtcp.read_report_block(source, first + rtcp.REPORT_BLOCK_LENGTH * index, block)
        assert block.tolist() == fields(info_block)
    assert rtcp.read_receiver_report(source, 0, len(source), report) == -1


def test_a_report_whose_blocks_do_not_fit_is_refused() -> None:
    report: Integers = np.zeros(rtcp.REPORT_FIELDS, np.int64)
    source = octets(b"\x81\xc9\x00\x01" + bytes(4))
    assert rtcp.read_receiver_report(source, 0, 8, report) == -1
    source = octets(b"\x81\xc8\x00\x06" + bytes(24))
    assert rtcp.read_sender_report(source, 0, 28, report) == -1


@settings(deadline=None)
@given(sender_reports, receiver_reports, st.binary(max_size=40))
def test_reports_are_written(sent: RtcpSrPacket, heard: RtcpRrPacket, cname: bytes) -> None:
    out: Octets = np.full(1000, 0xEE, np.uint8)
    info = sent.sender_info
    report = np.array(
        [
            sent.ssrc,
            info.ntp_timestamp >> 32,
            info.ntp_timestamp & 0xFFFFFFFF,
            info.rtp_timestamp,
            info.packet_count,
            info.octet_count,
        ],
        np.int64,
    )
    behind = rtcp.write_sender_report(out, 0, report)
    for block in sent.reports:
        behind = rtcp.add_report_block(out, 0, behind, np.array(fields(block), np.int64))
    start = behind
    behind = rtcp.write_receiver_report(out, start, heard.ssrc)
    for block in heard.reports:
        behind = rtcp.add_report_block(out, start, behind, np.array(fields(block), np.int64))
    behind = rtcp.write_cname(out, behind, 77, octets(cname), len(cname))
    parsed = RtcpPacket.parse(bytes(out[:behind]))
    sdes = RtcpSdesPacket(chunks=[RtcpSourceInfo(ssrc=77, items=[(1, cname)])])
    assert parsed == [sent, heard, sdes]
    assert np.all(out[behind:] == 0xEE)


def test_writers_refuse_what_has_no_room() -> None:
    out: Octets = np.full(27, 0xEE, np.uint8)
    block: Integers = np.zeros(rtcp.BLOCK_FIELDS, np.int64)
    report: Integers = np.zeros(rtcp.REPORT_FIELDS, np.int64)
    assert rtcp.write_sender_report(out, 0, report) == -1
    assert rtcp.write_receiver_report(out, 20, 1) == -1
    assert rtcp.write_pli(out, 16, 1, 2) == -1
    assert rtcp.write_remb(out, 8, 1, 100, np.zeros(1, np.int64), 1) == -1
    assert rtcp.write_cname(out, 0, 1, octets(bytes(30)), 30) == -1
    assert np.all(out == 0xEE)
    assert rtcp.write_receiver_report(out, 0, 1) == 8
    assert rtcp.add_report_block(out, 0, 8, block) == -1


def test_a_report_takes_31_blocks() -> None:
    out: Octets = np.zeros(1000, np.uint8)
    block: Integers = np.zeros(rtcp.BLOCK_FIELDS, np.int64)
    behind = rtcp.write_receiver_report(out, 0, 1)
    for _ in range(31):
        behind = rtcp.add_report_block(out, 0, behind, block)
    assert behind == 8 + 31 * 24
    assert rtcp.add_report_block(out, 0, behind, block) == -1


def test_keyframe_requests_are_told_apart() -> None:
    pli = octets(bytes(RtcpPsfbPacket(fmt=1, ssrc=1, media_ssrc=0xFFFFFFFF)))
    fir = octets(
        bytes(RtcpPsfbPacket(fmt=4, ssrc=1, media_ssrc=0, fci=struct.pack("!IIII", 5, 0, 6, 0)))
    )
    assert rtcp.is_pli(pli, 0, len(pli))
    assert not rtcp.is_pli(fir, 0, len(fir))
    assert rtcp.fir_entries(pli, 0, len(pli)) == 0
    assert rtcp.fir_entries(fir, 0, len(fir)) == 2
    assert [rtcp.fir_ssrc(fir, 0, entry) for entry in range(2)] == [5, 6]
    assert rtcp.media_ssrc(pli, 0, len(pli)) == 0xFFFFFFFF
    assert rtcp.sender_ssrc(pli, 0, len(pli)) == 1


def test_a_keyframe_request_is_written() -> None:
    out: Octets = np.zeros(20, np.uint8)
    assert rtcp.write_pli(out, 4, 0xFFFFFFFF, 9) == 16
    (packet,) = RtcpPacket.parse(bytes(out[4:16]))
    assert packet == RtcpPsfbPacket(fmt=1, ssrc=0xFFFFFFFF, media_ssrc=9)


@settings(deadline=None)
@given(st.integers(0, 1 << 40), st.lists(ssrcs, max_size=3))
def test_a_bitrate_is_written_and_recognised(bitrate_bps: int, about: list[int]) -> None:
    out: Octets = np.zeros(64, np.uint8)
    length = rtcp.write_remb(out, 0, 3, bitrate_bps, np.array(about, np.int64), len(about))
    (packet,) = RtcpPacket.parse(bytes(out[:length]))
    assert isinstance(packet, RtcpPsfbPacket)
    told, told_about = unpack_remb_fci(packet.fci)
    assert told_about == about
    assert bitrate_bps * (1 - 2**-17) <= told <= bitrate_bps
    assert rtcp.is_remb(out, 0, length)
    assert not rtcp.is_pli(out, 0, length)


@settings(max_examples=200, deadline=None)
@given(
    first=st.integers(65_536, 200_000),
    steps=st.lists(st.one_of(st.integers(1, 20), st.integers(1, 500)), max_size=60),
)
def test_nack_asks_for_exactly_these(first: int, steps: list[int]) -> None:
    lost = [first]
    for step in steps:
        lost.append(lost[-1] + step)
    out: Octets = np.full(400, 0xEE, np.uint8)
    behind = rtcp.write_nack(out, 8, 5, 6)
    for number in lost:
        behind = rtcp.add_to_nack(out, 8, behind, number & 0xFFFF)
    (packet,) = RtcpPacket.parse(bytes(out[8:behind]))
    assert isinstance(packet, RtcpRtpfbPacket)
    assert (packet.fmt, packet.ssrc, packet.media_ssrc) == (1, 5, 6)
    assert [number & 0xFFFF for number in packet.lost] == [number & 0xFFFF for number in lost]
    entries, reach = 0, -1
    for number in lost:
        if number > reach:
            entries, reach = entries + 1, number + 16
    assert behind - 8 == 12 + 4 * entries, "no more entries than due"
    assert np.all(out[behind:] == 0xEE)


def test_nack_without_room_is_not_written() -> None:
    assert rtcp.write_nack(np.zeros(11, np.uint8), 0, 5, 6) == -1
    out: Octets = np.zeros(19, np.uint8)
    behind = rtcp.add_to_nack(out, 0, rtcp.write_nack(out, 0, 5, 6), 1)
    assert rtcp.add_to_nack(out, 0, behind, 17) == 16
    assert rtcp.add_to_nack(out, 0, behind, 18) == -1


@settings(deadline=None)
@given(st.integers(0, (1 << 32) * 1_000_000_000 - 1))
def test_ntp_time_keeps_the_nanosecond(unix_ns: int) -> None:
    seconds, fraction = rtcp.ntp_seconds(unix_ns), rtcp.ntp_fraction(unix_ns)
    assert 0 <= seconds < 1 << 32
    assert 0 <= fraction < 1 << 32
    assert rtcp.ntp_to_unix_ns(seconds, fraction) == unix_ns


@pytest.mark.parametrize(
    ("exponent", "mantissa", "expected"), [(0, 7, 7), (3, 0x3FFFF, 0x1FFFF8), (63, 1, 1 << 40)]
)
def test_a_bitrate_is_read(exponent: int, mantissa: int, expected: int) -> None:
    fci = struct.pack("!4sI", b"REMB", 1 << 24 | exponent << 18 | mantissa) + bytes(4)
    data = octets(bytes(RtcpPsfbPacket(fmt=15, ssrc=1, media_ssrc=0, fci=fci)))
    assert rtcp.remb_bitrate_bps(data, 0) == expected


@settings(deadline=None)
@given(st.integers(0, 1 << 40))
def test_a_bitrate_is_read_as_it_was_written(bitrate_bps: int) -> None:
    fci = pack_remb_fci(bitrate_bps, [1, 2])
    data = octets(bytes(RtcpPsfbPacket(fmt=15, ssrc=1, media_ssrc=0, fci=fci)))
    assert rtcp.is_remb(data, 0, data.size)
    assert rtcp.remb_bitrate_bps(data, 0) == unpack_remb_fci(fci)[0]


@settings(deadline=None)
@given(st.lists(ssrcs, max_size=40))
def test_goodbyes_are_written(about: list[int]) -> None:
    out: Octets = np.full(200, 0xEE, np.uint8)
    behind = rtcp.write_goodbye(out, 0, np.array(about, np.int64), len(about))
    if not 0 < len(about) < 32:
        assert behind == -1
        return
    assert RtcpPacket.parse(bytes(out[:behind])) == [RtcpByePacket(sources=about)]
    assert np.all(out[behind:] == 0xEE)


def test_ntp_time_of_1970() -> None:
    assert (rtcp.ntp_seconds(0), rtcp.ntp_fraction(500_000_000)) == (2_208_988_800, 1 << 31)
    assert rtcp.ntp_middle(0x12345678, 0x9ABCDEF0) == 0x56789ABC


def test_the_round_trip_of_the_rfc() -> None:
    """RFC 3550 section 6.4.1: A 46864.500 s, LSR 46853.125 s, DLSR 5.250 s, round trip 6.125 s."""
    arrival_ns = rtcp.ntp_to_unix_ns(0xB710, 0x80000000)
    assert rtcp.round_trip_ns(arrival_ns, 0xB705_2000, 0x0005_4000) == 6_125_000_000


def test_no_round_trip_is_made_up() -> None:
    now = rtcp.ntp_middle(rtcp.ntp_seconds(10**18), rtcp.ntp_fraction(10**18))
    assert rtcp.round_trip_ns(10**18, now, 1) == 0, "delays are rounded"
    assert rtcp.round_trip_ns(10**18, now, 66) == 0
    assert rtcp.round_trip_ns(10**18, now, 67) == -1, "longer there than it took"
    assert rtcp.round_trip_ns(10**18, now, 1 << 31) == -1
    assert rtcp.round_trip_ns(10**18, now - (30 << 16), 0) == 30_000_000_000
    assert rtcp.round_trip_ns(10**18, now - (30 << 16) - 1, 0) == -1, "a clock was set"


def test_delay_since_a_report() -> None:
    assert rtcp.delay_since(10**18, 10**18 + 5_250_000_000) == 0x0005_4000
    assert rtcp.delay_since(10**18, 10**18 - 1) == 0
    assert rtcp.delay_since(0, 10**18) == 65_535 << 16
