"""Picture ids and TL0PICIDX that a receiver gets: they go on whatever the source."""

import random
import struct
from dataclasses import dataclass

import numpy as np
import pytest
from aiortc.codecs.vpx import VpxPayloadDescriptor
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.plane.pictures import layer_index_at, picture_at
from sfu.rtp.media import Codec, MediaMap
from tests.sfu.plane.stage import CHROMIUM, FIREFOX, MS, Browser, Rtp, Stage

BODY = b"\x01picture"


def vp8(picture: int | None, layer: int | None = None, wide: bool = True) -> bytes:
    """A payload that begins a picture, by RFC 7741 section 4.2."""
    fields = (0x80 if picture is not None else 0) | (0x40 if layer is not None else 0)
    head = bytes([0x90, fields])
    if picture is not None:
        head += struct.pack("!H", 0x8000 | picture) if wide else bytes([picture])
    return head + (b"" if layer is None else bytes([layer])) + BODY


def vp9(picture: int, layer: int | None = None, differences: tuple[int, ...] = ()) -> bytes:
    """By RFC 9628 section 4.2: non-flexible with ``layer``, else flexible with ``differences``."""
    fields = 0x88 | 0x20 | (0x10 if layer is None else 0) | (0x40 if differences else 0)
    head = bytes([fields]) + struct.pack("!H", 0x8000 | picture) + b"\x20"
    if layer is not None:
        head += bytes([layer])
    last = len(differences) - 1
    head += bytes(each << 1 | (index < last) for index, each in enumerate(differences))
    return head + BODY


def read_vp8(payload: bytes) -> tuple[int | None, int | None]:
    descriptor, rest = VpxPayloadDescriptor.parse(payload)
    assert rest == BODY
    return descriptor.picture_id, descriptor.tl0picidx


def read_vp9(payload: bytes) -> tuple[int, int | None, bytes]:
    picture = struct.unpack("!H", payload[1:3])[0] & 0x7FFF
    return (
        picture,
        None if payload[0] & 0x10 else payload[4],
        payload[4 if payload[0] & 16 else 5 :],
    )


@dataclass
class Call:
    """A receiver, and sources that follow one another at its partner's place."""

    stage: Stage
    receiver: Browser
    source: Browser
    sequence: int = 1000
    payload_type: int = 96

    def send(self, payload: bytes, ssrc: int = 1001) -> bytes:
        self.sequence += 1
        packet = Rtp(self.payload_type, self.sequence, self.sequence * 9, ssrc, payload)
        self.stage.send(self.source, packet)
        [got] = [each for each in self.receiver.rtp if each.ssrc == 6001]
        return got.payload

    def send_again(self, number: int, payload: bytes) -> bytes:
        again = struct.pack("!H", number) + payload
        packet = Rtp(self.payload_type + 1, self.sequence, 0, 1002, again)
        self.stage.send(self.source, packet)
        got = self.receiver.rtp[-1].payload
        return got[2:] if self.receiver.rtp[-1].ssrc == 6002 else got

    def change_source(self, slot: int) -> None:
        self.source = self.stage.connect(slot, CHROMIUM, partner=1)
        self.sequence += 20_000


def call(stage: Stage, payload_type: int = 96) -> Call:
    source = stage.connect(0)
    types = {120: Codec.VP8, 124: Codec.RTX_VP8, 121: Codec.VP9, 125: Codec.RTX_VP9}
    media = MediaMap(types, FIREFOX.extension_ids, FIREFOX.inbound, FIREFOX.outbound)
    receiver = stage.connect(1, media, partner=0)
    return Call(stage, receiver, source, payload_type=payload_type)


def test_numbers_of_the_first_source_are_left_alone() -> None:
    with Stage() as stage:
        made = call(stage)
        for picture in (32_766, 32_767, 0, 1):
            payload = vp8(picture, picture & 0xFF)
            assert made.send(payload) == payload


@pytest.mark.parametrize("last", [5, 200, 32_766, 32_767])
def test_vp8_goes_on_over_a_change_of_source(last: int) -> None:
    with Stage() as stage:
        made = call(stage)
        made.send(vp8(last, last & 0xFF))
        made.change_source(2)
        got = [read_vp8(made.send(vp8(20_000 + each, (7 + each) & 0xFF))) for each in range(300)]
        assert got == [
            ((last + 1 + each) & 0x7FFF, (last + 1 + each) & 0xFF) for each in range(300)
        ]


def test_it_goes_on_from_the_highest_that_was_sent() -> None:
    with Stage() as stage:
        made = call(stage)
        for picture in (10, 12, 11):
            made.send(vp8(picture, picture))
        made.change_source(2)
        assert read_vp8(made.send(vp8(900, 90))) == (13, 13)


def test_packets_of_one_picture_keep_one_number() -> None:
    with Stage() as stage:
        made = call(stage)
        made.send(vp8(10, 10))
        made.change_source(2)
        got = [read_vp8(made.send(vp8(900, 90))) for _ in range(3)]
        assert got == [(11, 11)] * 3


def test_retransmission_says_what_the_packet_said() -> None:
    with Stage() as stage:
        made = call(stage)
        made.send(vp8(10, 10))
        made.change_source(2)
        first = made.send(vp8(900, 90))
        number = made.sequence
        made.send(vp8(901, 91))
        assert made.send_again(number, vp8(900, 90)) == first
        assert read_vp8(made.send(vp8(902, 92))) == (13, 13)


def test_a_source_keeps_its_width_and_the_numbers_go_on() -> None:
    with Stage() as stage:
        made = call(stage)
        made.send(vp8(1000))
        made.change_source(2)
        got = [read_vp8(made.send(vp8(each & 127, wide=False)))[0] for each in range(50, 250)]
        assert got == [(1001 + each) & 127 for each in range(200)]
        made.change_source(3)
        assert read_vp8(made.send(vp8(9)))[0] == 1201


def test_a_source_without_numbers_is_passed_over() -> None:
    with Stage() as stage:
        made = call(stage)
        made.send(vp8(1000, 3))
        made.change_source(2)
        for payload in (vp8(None), b"\x10" + BODY, vp8(None, 44)):
            made.send(payload)
        made.change_source(3)
        assert read_vp8(made.send(vp8(9, 9))) == (1001, 5), "TL0PICIDX alone went on to 4"


def test_vp9_goes_on_and_its_references_stay() -> None:
    with Stage() as stage:
        made = call(stage, payload_type=98)
        made.send(vp9(32_767, 255))
        made.change_source(2)
        assert read_vp9(made.send(vp9(500, 17))) == (0, 0, BODY)
        assert read_vp9(made.send(vp9(501, 18))) == (1, 1, BODY)
        made.change_source(3)
        payload = vp9(12, differences=(1, 4, 9))
        got = made.send(payload)
        assert read_vp9(got)[0] == 2
        assert got[3:] == payload[3:], "P_DIFF counts back from the picture id"


def test_a_second_spatial_layer_shares_the_picture_id() -> None:
    with Stage() as stage:
        made = call(stage, payload_type=98)
        made.send(vp9(10, 10))
        made.change_source(2)
        lower, upper = vp9(70, 7), bytearray(vp9(70, 7))
        upper[3] |= 0x02
        assert read_vp9(made.send(lower))[:2] == read_vp9(made.send(bytes(upper)))[:2] == (11, 11)


def test_a_camera_that_comes_back_with_another_ssrc_goes_on() -> None:
    with Stage() as stage:
        made = call(stage)
        made.send(vp8(10, 10))
        made.sequence = 30_000
        packet = Rtp(96, 5, 0, 7777, vp8(31_000, 200), extensions=((4, b"1"),))
        stage.send(made.source, packet)
        assert read_vp8(made.receiver.rtp[0].payload) == (11, 11)


@pytest.mark.parametrize("codec", [Codec.H264, Codec.AV1])
def test_codecs_without_numbers_are_untouched(codec: Codec) -> None:
    types = {96: codec, 97: Codec(codec + 8)}
    other = {120: codec, 124: Codec(codec + 8)}
    with Stage() as stage:
        sent = MediaMap(types, CHROMIUM.extension_ids, CHROMIUM.inbound, CHROMIUM.outbound)
        got = MediaMap(other, FIREFOX.extension_ids, FIREFOX.inbound, FIREFOX.outbound)
        stage.connect(0, sent)
        receiver = stage.connect(1, got, partner=0)
        chance = random.Random(3)
        for slot in (0, 2):
            if slot:
                stage.connect(slot, sent, partner=1)
            for sequence in range(30):
                payload = chance.randbytes(12)
                stage.send(stage.browsers[-1 if slot else 0], Rtp(96, sequence, 0, 1001, payload))
                assert [each.payload for each in receiver.rtp] == [payload]


@settings(max_examples=300, deadline=None)
@given(
    st.none() | st.integers(0, 0x7FFF),
    st.none() | st.integers(0, 255),
    st.none() | st.tuples(st.integers(0, 3), st.integers(0, 1)),
    st.none() | st.integers(0, 31),
)
def test_numbers_are_found_where_an_independent_writer_puts_them(
    picture: int | None, layer: int | None, temporal: tuple[int, int] | None, key: int | None
) -> None:
    descriptor = bytes(VpxPayloadDescriptor(1, 0, picture, layer, temporal, key))
    data = np.frombuffer(descriptor + BODY, np.uint8)
    at = picture_at(data, 0, data.size, Codec.VP8)
    assert (at >= 0) == (picture is not None)
    if picture is not None:
        wide = data[at] & 0x80
        assert (int(data[at]) << 8 | int(data[at + 1])) & 0x7FFF == picture if wide else data[at]
    at = layer_index_at(data, 0, data.size, Codec.VP8)
    assert (at >= 0) == (layer is not None)
    if layer is not None:
        assert data[at] == layer


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=8), st.sampled_from([Codec.VP8, Codec.VP9, Codec.AV1, Codec.OPUS]))
def test_no_bytes_hurt_and_nothing_is_found_behind_the_end(payload: bytes, codec: Codec) -> None:
    data = np.frombuffer(payload, np.uint8)
    found = picture_at(data, 0, data.size, codec)
    if found >= 0:
        assert found + (2 if data[found] & 0x80 else 1) <= data.size
    assert layer_index_at(data, 0, data.size, codec) < data.size


def test_a_stop_of_the_clock_between_sources_is_no_matter() -> None:
    with Stage() as stage:
        made = call(stage)
        made.send(vp8(10, 10))
        stage.now_ns -= 3600 * 1000 * MS
        made.change_source(2)
        assert read_vp8(made.send(vp8(900, 90))) == (11, 11)
