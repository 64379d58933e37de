"""Keyframes are recognised by the first octets of a payload, and nothing else is taken for one."""

import numpy as np
import pytest
from aiortc.codecs.h264 import H264Encoder, H264PayloadDescriptor
from aiortc.codecs.vpx import VpxPayloadDescriptor
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.plane.payloads import starts_keyframe, vp8_frame
from sfu.rtp.media import Codec

VIDEO = (Codec.VP8, Codec.VP9, Codec.H264, Codec.AV1)


def starts(payload: bytes, codec: Codec) -> bool:
    # with octets around it that are not its own
    data = np.frombuffer(b"\x11\x22" + payload + b"\xff\x00", np.uint8)
    return starts_keyframe(data, 2, 2 + len(payload), codec)


KEY = b"\x10\x02\x00\x9d\x01\x2a"
DELTA = b"\x11\x02\x00"


@pytest.mark.parametrize(
    ("descriptor", "frame", "expected"),
    [
        ("10", KEY, True),
        ("10", DELTA, False),
        ("00", KEY, False),  # not the start of a partition
        ("11", KEY, False),  # of the second partition
        ("30", KEY, True),  # N: nothing refers to it, a keyframe all the same
        ("908005", KEY, True),
        ("90808123", KEY, True),
        ("90e0812305a0", KEY, True),
        ("90f00505e1", KEY, True),
        ("90f00505e1", DELTA, False),
        ("9000", KEY, True),
        ("9010e1", KEY, True),
        ("90", b"", False),
        ("9080", b"", False),
        ("908081", b"", False),
        ("10", b"", False),
        ("", b"", False),
    ],
)
def test_vp8(descriptor: str, frame: bytes, expected: bool) -> None:
    assert starts(bytes.fromhex(descriptor) + frame, Codec.VP8) is expected


@settings(deadline=None)
@given(
    st.integers(0, 1),
    st.integers(0, 7),
    st.none() | st.integers(0, 0x7FFF),
    st.none() | st.integers(0, 255),
    st.none() | st.tuples(st.integers(0, 3), st.integers(0, 1)),
    st.none() | st.integers(0, 31),
    st.booleans(),
)
def test_vp8_descriptors_as_an_independent_writer_makes_them(
    start: int,
    partition: int,
    picture: int | None,
    tl0: int | None,
    layer: tuple[int, int] | None,
    key: int | None,
    is_key: bool,
) -> None:
    descriptor = bytes(VpxPayloadDescriptor(start, partition, picture, tl0, layer, key))
    data = np.frombuffer(descriptor + (KEY if is_key else DELTA), np.uint8)
    assert vp8_frame(data, 0, data.size) == len(descriptor)
    expected = start == 1 and partition == 0 and is_key
    assert starts_keyframe(data, 0, data.size, Codec.VP8) is expected


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ("08ff", True),
        ("48ff", False),  # P: predicted from another picture
        ("00ff", False),  # not the beginning of a frame
        ("8805ff", True),
        ("888123ff", True),
        ("a8050001ff", True),  # a layer, and TL0PICIDX
        ("a8050201ff", False),  # of the second spatial layer: predicted from the first
        ("a805a001ff", True),  # in the sixth temporal layer: still nothing before it
        ("b80500ff", True),  # flexible mode
        ("b80503ff", False),
        ("8a812318ff", True),  # with a scalability structure
        ("28", False),
        ("88", False),
        ("a805", False),
        ("a88101", False),
    ],
)
def test_vp9(payload: str, expected: bool) -> None:
    assert starts(bytes.fromhex(payload), Codec.VP9) is expected


def stap(*units: bytes) -> bytes:
    return b"\x78" + b"".join(len(each).to_bytes(2) + each for each in units)


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"\x67\x42", True),  # the parameters before an IDR picture
        (b"\x65\x88", False),  # a slice of one: the parameters and other slices may be before it
        (b"\x61\x9a", False),
        (b"\x68\xce", False),  # parameters of a picture alone may come at any time
        (b"\x06\x05", False),
        (stap(b"\x67\x42", b"\x68\xce"), True),
        (stap(b"\x68\xce", b"\x65\x88"), False),
        (stap(b"\x06\x05", b"\x61\x9a"), False),
        (stap(b"\x06\x05")[:-1], False),
        (b"\x78\x00\x00\x67", False),
        (b"\x78\xff\xff\x67", False),
        (b"\x78", False),
        (b"\x7c\x87\x42", True),  # the first fragment of parameters
        (b"\x7c\x07\x42", False),
        (b"\x7c\x47\x42", False),
        (b"\x7c\x85\x88", False),  # the first fragment of an IDR picture
        (b"\x7c\x87", False),
        (b"\x7c", False),
        (b"", False),
    ],
)
def test_h264(payload: bytes, expected: bool) -> None:
    assert starts(payload, Codec.H264) is expected


@settings(deadline=None)
@given(st.integers(0, 31), st.integers(3, 3000), st.booleans())
def test_h264_as_an_independent_packetizer_cuts_it(kind: int, length: int, after: bool) -> None:
    unit = bytes([0x60 | kind]) + bytes(length)
    if not 0 < kind < 24:
        return
    units = [b"\x61\x9a\x00", unit] if after else [unit]
    packets = H264Encoder._packetize(iter(units))
    told = [starts(packet, Codec.H264) for packet in packets]
    assert any(told) is (kind == 7)
    for packet, each in zip(packets, told, strict=True):
        first_of_unit, _ = H264PayloadDescriptor.parse(packet)
        assert first_of_unit.first_fragment or not each


@pytest.mark.parametrize(
    ("header", "expected"),
    [(0x08, True), (0x18, True), (0x58, True), (0x10, False), (0x90, False), (0x98, False)],
)
def test_av1(header: int, expected: bool) -> None:
    assert starts(bytes([header, 0x0A, 0x0B]), Codec.AV1) is expected


def test_sound_and_retransmissions_have_no_keyframes() -> None:
    for codec in (Codec.OPUS, Codec.RED, Codec.RTX_VP8, Codec.UNKNOWN):
        assert not starts(b"\x18" + KEY, codec)


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=24), st.sampled_from(VIDEO), st.integers(0, 24), st.integers(0, 30))
def test_no_bytes_hurt_and_none_behind_the_end_count(
    payload: bytes, codec: Codec, at: int, end: int
) -> None:
    data = np.frombuffer(payload, np.uint8)
    told = starts_keyframe(data, at, end, codec)
    if end <= len(payload):
        for other in (0x00, 0xFF):
            changed = np.frombuffer(payload[:end] + bytes([other]) * 8, np.uint8)
            assert starts_keyframe(changed, at, end, codec) == told
