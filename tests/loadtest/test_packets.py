import numpy as np
import pytest
from aiortc.codecs.vpx import VpxPayloadDescriptor
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import (
    HeaderExtensionsMap,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtpPacket,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest import packets
from loadtest.arrival_profile import MAX_SIZE, MIN_SIZE
from loadtest.session_description import (
    ABS_SEND_TIME_ID,
    AUDIO_LEVEL_ID,
    MID_ID,
    OPUS,
    RTX,
    TRANSPORT_WIDE_ID,
    VP8,
)

NOW_NS = 1_800_000_000_123_456_789


def extensions() -> HeaderExtensionsMap:
    known = HeaderExtensionsMap()
    known.configure(
        RTCRtpParameters(
            headerExtensions=[
                RTCRtpHeaderExtensionParameters(id=id_, uri=uri)
                for id_, uri in (
                    (MID_ID, "urn:ietf:params:rtp-hdrext:sdes:mid"),
                    (AUDIO_LEVEL_ID, "urn:ietf:params:rtp-hdrext:ssrc-audio-level"),
                    (
                        ABS_SEND_TIME_ID,
                        "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
                    ),
                    (
                        TRANSPORT_WIDE_ID,
                        "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
                    ),
                )
            ]
        )
    )
    return known


@pytest.mark.parametrize("video", [False, True])
@pytest.mark.parametrize("with_mid", [False, True])
@pytest.mark.parametrize("size", [MIN_SIZE - 16, 120, 1100, MAX_SIZE])
def test_an_independent_reader_understands_the_packet(
    video: bool, with_mid: bool, size: int
) -> None:
    data = np.zeros(2048, np.uint8)
    packets.write_packet(
        data, size, video, True, True, True, with_mid, 65535, 0xFFFFFFFE, 7, 65534, 9, 3, NOW_NS
    )
    assert not data[size:].any()
    packet = RtpPacket.parse(bytes(data[:size]), extensions())
    assert (packet.sequence_number, packet.timestamp, packet.ssrc) == (65535, 0xFFFFFFFE, 7)
    assert packet.payload_type == (VP8 if video else OPUS)
    assert packet.marker == int(video)
    known = packet.extensions
    assert known.transport_sequence_number == 65534
    assert known.mid == (("1" if video else "0") if with_mid else None)
    assert known.audio_level == (None if video else (True, 30))
    seconds = NOW_NS / 1e9 % 64
    assert known.abs_send_time is not None
    assert known.abs_send_time / (1 << 18) == pytest.approx(seconds, abs=1e-4)
    if video:
        descriptor, _ = VpxPayloadDescriptor.parse(packet.payload)
        assert (descriptor.partition_start, descriptor.picture_id) == (1, 9)
    stamp = packets.find_stamp(data, 0, size)
    assert packets.stamped_sender(data, stamp) == 3
    assert packets.stamped_ns(data, stamp) == NOW_NS
    assert stamp + packets.STAMP <= size


def test_a_stamp_is_found_behind_other_extensions_but_not_in_other_payloads() -> None:
    data = np.zeros(2048, np.uint8)
    packets.write_packet(data, 300, True, False, False, False, True, 1, 2, 3, 4, 5, 6, NOW_NS)
    payload = 16 + 4 * int(data[15])
    moved = np.concatenate([data[:12], data[payload:]])  # a far end that strips them all
    moved[0] = 0x80
    assert packets.find_stamp(moved, 0, 200) == 12 + 7
    moved[1] = 50
    assert packets.find_stamp(moved, 0, 200) == packets.NO_STAMP


def test_silence_and_the_talk_after_it_are_marked() -> None:
    data = np.zeros(2048, np.uint8)
    packets.write_packet(data, 80, False, False, False, False, True, 1, 2, 3, 4, 5, 6, NOW_NS)
    packets.be_silent(data)
    assert RtpPacket.parse(bytes(data[:80]), extensions()).extensions.audio_level == (False, 127)
    packets.write_packet(data, 80, False, False, False, False, True, 1, 2, 3, 4, 5, 6, NOW_NS)
    packets.begin_talk(data)
    found = RtpPacket.parse(bytes(data[:80]), extensions())
    assert (found.marker, found.payload_type) == (1, OPUS)
    assert found.extensions.audio_level == (True, 30)


def test_a_packet_can_be_made_to_count_nowhere() -> None:
    data = np.zeros(2048, np.uint8)
    packets.write_packet(data, 200, False, False, False, False, True, 1, 2, 3, 4, 5, 6, NOW_NS)
    packets.clear_stamp(data, 200)
    stamp = packets.find_stamp(data, 0, 200)
    assert (packets.stamped_sender(data, stamp), packets.stamped_ns(data, stamp)) == (6, 0)
    assert RtpPacket.parse(bytes(data[:200]), extensions()).extensions.abs_send_time


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_no_bytes_hurt(data: bytes) -> None:
    found = packets.find_stamp(np.frombuffer(data, np.uint8), 0, len(data))
    assert found == packets.NO_STAMP or found + packets.STAMP <= len(data)


@pytest.mark.parametrize("keyframe", [False, True])
@pytest.mark.parametrize("frame_start", [False, True])
def test_the_first_packet_of_a_keyframe_is_told_from_others(
    keyframe: bool, frame_start: bool
) -> None:
    data = np.zeros(2048, np.uint8)
    packets.write_packet(
        data, 300, True, frame_start, False, keyframe, False, 1, 2, 3, 4, 5, 6, NOW_NS
    )
    stamp = packets.find_stamp(data, 0, 300)
    assert packets.begins_keyframe(data, stamp) is (keyframe and frame_start)


def test_a_retransmission_carries_the_stamp_behind_its_original_number() -> None:
    data = np.zeros(2048, np.uint8)
    packets.write_packet(data, 300, True, True, False, False, False, 1, 2, 3, 4, 5, 6, NOW_NS)
    payload = 16 + 4 * int(data[15])
    again = np.concatenate([data[:payload], np.array([0, 1], np.uint8), data[payload:300]])
    again[1] = RTX
    stamp = packets.find_stamp(again, 0, 302)
    assert packets.stamped_ns(again, stamp) == NOW_NS


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (True, RtcpPsfbPacket(fmt=1, ssrc=1, media_ssrc=2)),
        (True, RtcpPsfbPacket(fmt=4, ssrc=1, media_ssrc=2, fci=bytes(8))),
        (False, RtcpPsfbPacket(fmt=15, ssrc=1, media_ssrc=2, fci=bytes(8))),
        (False, RtcpRtpfbPacket(fmt=1, ssrc=1, media_ssrc=2, lost=[7])),
    ],
)
def test_a_request_for_a_keyframe_is_found_behind_a_report(
    wanted: bool, message: RtcpPsfbPacket | RtcpRtpfbPacket
) -> None:
    compound = bytes(RtcpRrPacket(ssrc=1)) + bytes(message)
    data = np.frombuffer(compound, np.uint8)
    assert packets.asks_keyframe(data, 0, len(data)) is wanted


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_no_rtcp_hurts(data: bytes) -> None:
    packets.asks_keyframe(np.frombuffer(data, np.uint8), 0, len(data))


@pytest.mark.parametrize(("first", "count"), [(10, 1), (10, 5), (65530, 17)])
def test_what_is_missing_is_asked_for_by_number(first: int, count: int) -> None:
    data = np.zeros(64, np.uint8)
    size = packets.write_nack(data, 7, 8, first, count)
    (nack,) = RtcpPacket.parse(bytes(data[:size]))
    assert isinstance(nack, RtcpRtpfbPacket)
    assert (nack.fmt, nack.ssrc, nack.media_ssrc) == (1, 7, 8)
    # aiortc counts on beyond 16 bits
    assert nack.lost == [first + index for index in range(count)]
