"""RTP packets as octets (RFC 3550 section 5.1, RFC 8285): what they say, and new headers."""

from typing import Final

from sfu.compiled import compiled, compiled_within
from sfu.plane.layouts import EXTENSIONS, Integers, Octets, Record
from sfu.plane.rtcp import get8, get16, get32, put16, put32
from sfu.rtp.media import Extension

_ONE_BYTE: Final = 0xBEDE
_HEADER: Final = 12
LONGEST_HEADER: Final = _HEADER + 4 + 20  # all known elements, rounded up
ROOM_FOR_HEADER: Final = 64  # in front of a payload that is written into a row; a multiple of four


@compiled
def header_end(data: Octets, at: int, end: int) -> int:
    """Where the payload of the RTP packet from ``at`` to ``end`` begins; −1 when malformed."""
    if at + _HEADER > end or get8(data, at) >> 6 != 2:
        return -1
    behind = at + _HEADER + 4 * (get8(data, at) & 0x0F)
    if get8(data, at) & 0x10:
        if behind + 4 > end:
            return -1
        behind += 4 + 4 * get16(data, behind + 2)
    return behind if behind <= end else -1


@compiled
def payload_end(data: Octets, at: int, payload: int, end: int) -> int:
    """Where the payload that begins at ``payload`` ends and padding begins; −1 when malformed."""
    if not get8(data, at) & 0x20:
        return end
    if payload >= end:
        return -1
    padding = get8(data, end - 1)
    return end - padding if 0 < padding <= end - payload else -1


@compiled_within
def _element_size(kind: int) -> int:
    """Octets of the value of an element that we pass on; −1 for one that we do not."""
    if kind in (Extension.TRANSPORT_WIDE_CC,):
        return 2
    if kind in (Extension.ABS_SEND_TIME, Extension.PLAYOUT_DELAY):
        return 3
    if kind in (Extension.AUDIO_LEVEL, Extension.VIDEO_ORIENTATION):
        return 1
    return -1


@compiled
def read_elements(
    data: Octets, at: int, payload: int, extension_of: Octets, elements: Integers
) -> bool:
    """Read the header extensions of the packet at ``at`` whose payload begins at ``payload``.

    ``elements[kind]`` becomes the value of each known element as a number, −1 when it is not
    there. For MID it is ``offset * 256 + length``. ``extension_of`` maps ids to ``Extension``.

    False when the last element is cut off, which ends the reading.
    """
    for kind in range(EXTENSIONS):
        elements[kind] = -1
    if not get8(data, at) & 0x10:
        return True
    block = at + _HEADER + 4 * (get8(data, at) & 0x0F)
    profile = get16(data, block)
    one_byte = profile == _ONE_BYTE
    if not one_byte and profile >> 4 != 0x100:
        return True
    position = block + 4
    while position < payload:
        first = get8(data, position)
        if first == 0:  # padding
            position += 1
            continue
        if one_byte:
            identity = first >> 4
            length = (first & 0x0F) + 1
            position += 1
            if identity == 15:  # RFC 8285 section 4.2: stop here
                return True
        else:
            if position + 2 > payload:
                return False
            identity = first
            length = get8(data, position + 1)
            position += 2
        if position + length > payload:
            return False
        kind = get8(extension_of, identity) if 0 < identity < extension_of.size else 0
        if kind == Extension.MID:
            elements[kind] = position * 256 + length
        elif kind > 0 and length == _element_size(kind):
            value = 0
            for index in range(length):
                value = (value << 8) | get8(data, position + index)
            elements[kind] = value
        position += length
    return True


@compiled
def write_header(
    data: Octets,
    payload: int,
    flags: int,
    payload_type: int,
    sequence: int,
    timestamp: int,
    ssrc: int,
    receiver: Record,
    elements: Integers,
) -> int:
    """Write an RTP header that ends at ``payload``; returns where it begins.

    ``flags`` holds the marker (0x80) and the padding bit (0x20). Of ``elements`` those go out
    for which ``receiver`` has an id, MID never.
    """
    size = 0
    for kind in range(Extension.MID + 1, EXTENSIONS):
        if elements[kind] >= 0 and receiver["id_of"][kind] != 0:
            size += 1 + _element_size(kind)
    words = (size + 3) // 4
    at = payload - _HEADER - (4 + 4 * words if size > 0 else 0)
    data[at] = 0x80 | (flags & 0x20) | (0x10 if size > 0 else 0)
    data[at + 1] = (flags & 0x80) | payload_type
    put16(data, at + 2, sequence)
    put32(data, at + 4, timestamp)
    put32(data, at + 8, ssrc)
    if size == 0:
        return at
    put16(data, at + 12, _ONE_BYTE)
    put16(data, at + 14, words)
    position = at + 16
    for kind in range(Extension.MID + 1, EXTENSIONS):
        if elements[kind] >= 0 and receiver["id_of"][kind] != 0:
            length = _element_size(kind)
            data[position] = (get8(receiver["id_of"], kind) << 4) | (length - 1)
            for index in range(length):
                shift = 8 * (length - 1 - index)
                data[position + 1 + index] = (int(elements[kind]) >> shift) & 0xFF
            position += 1 + length
    while position < payload:
        data[position] = 0
        position += 1
    return at


@compiled
def packet_ssrc(data: Octets, at: int) -> int:
    """The SSRC of an RTP packet."""
    return get32(data, at + 8)
