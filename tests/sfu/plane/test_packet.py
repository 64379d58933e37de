"""RTP headers, read and written, against an independent implementation of RFC 3550 and RFC 8285."""

import numpy as np
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import (
    HeaderExtensions,
    HeaderExtensionsMap,
    RtpPacket,
    pack_header_extensions,
    unpack_header_extensions,
    unwrap_rtx,
    wrap_rtx,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.plane import packet
from sfu.plane.layouts import EXTENSIONS, SLOT
from sfu.rtp.media import EXTENSION_URIS, Extension
from tests.sfu.plane.stage import FIREFOX, Rtp, Stage

IDS = {
    Extension.MID: 4,
    Extension.ABS_SEND_TIME: 2,
    Extension.TRANSPORT_WIDE_CC: 3,
    Extension.AUDIO_LEVEL: 1,
}
EXTENSION_OF = np.zeros(16, np.uint8)
for name, number in IDS.items():
    EXTENSION_OF[number] = name
MAP = HeaderExtensionsMap()
MAP.configure(
    RTCRtpParameters(
        headerExtensions=[
            RTCRtpHeaderExtensionParameters(id=number, uri=EXTENSION_URIS[name])
            for name, number in IDS.items()
        ]
    )
)

packets = st.builds(
    RtpPacket,
    payload_type=st.integers(0, 127),
    marker=st.integers(0, 1),
    sequence_number=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFFFFFF),
    ssrc=st.integers(0, 0xFFFFFFFF),
    payload=st.binary(max_size=40),
)
extensions = st.builds(
    HeaderExtensions,
    abs_send_time=st.none() | st.integers(0, 0xFFFFFF),
    audio_level=st.none() | st.tuples(st.booleans(), st.integers(0, 127)),
    mid=st.none() | st.text("abc0123456789", min_size=1, max_size=16),
    transport_sequence_number=st.none() | st.integers(0, 0xFFFF),
)


def read(data: bytes, payload: int) -> tuple[list[int], bytes | None]:
    """The elements by ``Extension``, that of MID apart."""
    elements = np.zeros(EXTENSIONS, np.int64)
    octets = np.frombuffer(data, np.uint8)
    packet.read_elements(octets, 0, payload, EXTENSION_OF, elements)
    place = int(elements[Extension.MID])
    elements[Extension.MID] = -1
    mid = None if place < 0 else data[place // 256 : place // 256 + place % 256]
    return elements.tolist(), mid


@settings(max_examples=300, deadline=None)
@given(packets, extensions, st.lists(st.integers(0, 0xFFFFFFFF), max_size=15), st.integers(0, 9))
def test_headers_are_read(
    sent: RtpPacket, values: HeaderExtensions, sources: list[int], padding: int
) -> None:
    sent.extensions, sent.csrc, sent.padding_size = values, sources, padding
    data = sent.serialize(MAP)
    octets = np.frombuffer(data, np.uint8)
    payload = packet.header_end(octets, 0, len(data))
    end = packet.payload_end(octets, 0, payload, len(data))
    assert data[payload:end] == sent.payload
    assert packet.packet_ssrc(octets, 0) == sent.ssrc
    elements, mid = read(data, payload)
    assert mid == (None if values.mid is None else values.mid.encode())
    expected = [-1] * EXTENSIONS
    if values.abs_send_time is not None:
        expected[Extension.ABS_SEND_TIME] = values.abs_send_time
    if values.audio_level is not None:
        expected[Extension.AUDIO_LEVEL] = values.audio_level[0] << 7 | values.audio_level[1]
    if values.transport_sequence_number is not None:
        expected[Extension.TRANSPORT_WIDE_CC] = values.transport_sequence_number
    assert elements == expected


@settings(max_examples=600, deadline=None)
@given(st.binary(max_size=48), st.booleans(), st.booleans(), st.booleans())
def test_what_an_independent_reader_refuses_is_refused(
    data: bytes, plausible: bool, extended: bool, padded: bool
) -> None:
    if plausible and len(data) >= 20:
        head = bytes([0x80 | (data[0] & 3) | 16 * extended | 32 * padded])
        data = head + data[1:12] + b"\x12\x34\x00" + bytes([data[15] & 7]) + data[16:]
    octets = np.frombuffer(data, np.uint8)
    payload = packet.header_end(octets, 0, len(data))
    end = packet.payload_end(octets, 0, payload, len(data)) if payload >= 0 else -1
    try:
        independent = RtpPacket.parse(data)
    except ValueError as error:
        if str(error).startswith("RTP packet"):
            assert end < 0
        return
    assert data[payload:end] == independent.payload


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=32), st.sampled_from([0xBEDE, 0x1000, 0x100F, 0x2000]))
def test_elements_are_those_of_an_independent_reader(body: bytes, profile: int) -> None:
    body = body[: len(body) // 4 * 4]
    head = b"\x90" + bytes(11) + profile.to_bytes(2) + (len(body) // 4).to_bytes(2)
    data = head + body
    elements, mid = read(data, len(data))
    if profile == 0x100F:  # application bits of RFC 8285 section 4.3, which aiortc does not know
        profile = 0x1000
    try:
        found = list(unpack_header_extensions(profile, body))
    except ValueError:
        return  # what stands before the break is taken here
    sizes = {1: 1, 2: 3, 3: 2}
    expected = [-1] * EXTENSIONS
    expected_mid = None
    for number, value in found:
        if profile == 0xBEDE and number == 15:  # RFC 8285 section 4.2: nothing after it counts
            break
        if number == 4:
            expected_mid = value
        elif sizes.get(number) == len(value):
            expected[EXTENSION_OF[number]] = int.from_bytes(value)
    assert (elements, mid or None) == (expected, expected_mid or None)


@settings(max_examples=300, deadline=None)
@given(packets, extensions, st.booleans())
def test_headers_are_written(sent: RtpPacket, values: HeaderExtensions, padded: bool) -> None:
    receiver = np.zeros(1, SLOT)[0]
    for name, number in IDS.items():
        receiver["id_of"][name] = number
    elements = np.full(EXTENSIONS, -1, np.int64)
    if values.abs_send_time is not None:
        elements[Extension.ABS_SEND_TIME] = values.abs_send_time
    if values.audio_level is not None:
        elements[Extension.AUDIO_LEVEL] = values.audio_level[0] << 7 | values.audio_level[1]
    if values.transport_sequence_number is not None:
        elements[Extension.TRANSPORT_WIDE_CC] = values.transport_sequence_number
    elements[Extension.PLAYOUT_DELAY] = 77  # the receiver has no id for it
    elements[Extension.MID] = 20 * 256 + 1  # never sent
    out = np.full(64 + len(sent.payload) + 4, 0xEE, np.uint8)
    out[64:] = np.frombuffer(sent.payload + b"\0\0\0\4", np.uint8)
    flags = sent.marker << 7 | (0x20 if padded else 0)
    numbers = sent.payload_type, sent.sequence_number, sent.timestamp, sent.ssrc
    begin = packet.write_header(out, 64, flags, *numbers, receiver, elements)
    assert begin >= 64 - packet.LONGEST_HEADER
    assert np.all(out[:begin] == 0xEE)
    got = RtpPacket.parse(bytes(out[begin:]), MAP)
    assert (got.payload_type, got.sequence_number, got.timestamp, got.ssrc) == numbers
    assert got.marker == sent.marker
    assert got.payload == sent.payload + (b"" if padded else b"\0\0\0\4")
    values.mid = None
    assert got.extensions == values


def test_elements_that_an_independent_writer_packs_are_read() -> None:
    long = b"x" * 40  # the two-byte form
    profile, body = pack_header_extensions([(4, b"m"), (9, long), (3, b"\1\2")])
    data = b"\x90" + bytes(11) + profile.to_bytes(2) + (len(body) // 4).to_bytes(2) + body
    elements, mid = read(data, len(data))
    assert (profile, mid, elements[Extension.TRANSPORT_WIDE_CC]) == (0x1000, b"m", 0x102)


def test_a_retransmission_is_unwrapped_to_the_packet_that_was_sent() -> None:
    """A sender's wrapping and a receiver's unwrapping by aiortc, and the node in between."""
    with Stage() as stage:
        chromium = stage.connect(0)
        firefox = stage.connect(1, FIREFOX, partner=0)
        media = {}
        for step in range(40):
            sequence = (65_520 + step) & 0xFFFF
            sent = RtpPacket(96, step & 1, sequence, step * 3000, 1001, b"\x10\0\0" + bytes(step))
            again = wrap_rtx(sent, 97, 60_000 + step, 1002)
            stage.turn([(chromium.address, chromium._send.protect(sent.serialize()))])
            [got] = firefox.rtp
            media[got.sequence] = got
            stage.turn([(chromium.address, chromium._send.protect(again.serialize()))])
            [got] = firefox.rtp
            assert (got.ssrc, got.payload_type) == (6002, 124)
            back = unwrap_rtx(RtpPacket.parse(got.pack()), 120, 6001)
            assert Rtp.parse(back.serialize()) == media[back.sequence_number]
