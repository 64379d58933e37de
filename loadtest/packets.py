"""The RTP packets of a virtual participant, written and read in place; compiled and pure.

Shaped like Chromium's: one-byte header extensions, Opus and VP8 payloads. In the payload stands a
stamp (who sent it and when), by which the far end tells loss, latency and mix-ups.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from loadtest.session_description import (
    ABS_SEND_TIME_ID,
    AUDIO_LEVEL_ID,
    AUDIO_MID,
    MID_ID,
    OPUS,
    RTX,
    TRANSPORT_WIDE_ID,
    VIDEO_MID,
    VP8,
)
from sfu.compiled import compiled

Octets = npt.NDArray[np.uint8]

STAMP: Final = 16  # octets: magic, sender, time
NO_STAMP: Final = -1

_MAGIC: Final = 0x524F4452
_AUDIO_MID: Final = ord(AUDIO_MID)
_VIDEO_MID: Final = ord(VIDEO_MID)
_OPUS_LEAD: Final = 1  # the TOC octet, RFC 6716 section 3.1
_VP8_LEAD: Final = 7  # payload descriptor with 15-bit picture id (RFC 7741), frame tag
_INTER_FRAME: Final = 1  # the frame tag's lowest bit, RFC 7741 section 4.3
_TRANSPORT_FEEDBACK: Final = 205
_PAYLOAD_FEEDBACK: Final = 206
_PLI: Final = 1
_FIR: Final = 4
_OPUS_TOC: Final = 0x78  # CELT, 20 ms, mono


@compiled
def put(data: Octets, at: int, value: int, size: int) -> int:
    """The low ``size`` octets of ``value`` in network order; returns the offset behind."""
    for index in range(size):
        data[at + index] = (value >> (8 * (size - 1 - index))) & 0xFF
    return at + size


@compiled
def get(data: Octets, at: int, size: int) -> int:
    """The number in the ``size`` octets from ``at`` on, in network order."""
    value = 0
    for index in range(size):
        value = (value << 8) | int(np.int64(data[at + index]))
    return value


@compiled
def write_packet(
    data: Octets,
    size: int,
    video: bool,
    frame_start: bool,
    frame_end: bool,
    keyframe: bool,
    with_mid: bool,
    sequence: int,
    timestamp: int,
    ssrc: int,
    transport_number: int,
    picture: int,
    sender: int,
    at_ns: int,
) -> None:
    """Write an RTP packet of ``size`` octets at the start of ``data``, before protection.

    ``keyframe``: the packet is of one. What is left of the payload behind the stamp stays as it
    is. ``with_mid``: browsers carry
    the MID until the far end's first receiver report.
    """
    data[0] = 0x90
    if video:
        data[1] = VP8 | (0x80 if frame_end else 0)
    else:
        data[1] = OPUS
    put(data, 2, sequence, 2)
    put(data, 4, timestamp, 4)
    put(data, 8, ssrc, 4)
    put(data, 12, 0xBEDE, 2)
    at = 16
    if not video:
        data[at] = AUDIO_LEVEL_ID << 4
        data[at + 1] = 0x80 | 30  # voice, 30 dB below overload: RFC 6464 section 3
        at += 2
    data[at] = (ABS_SEND_TIME_ID << 4) | 2
    # 6.18 fixed point seconds
    at = put(data, at + 1, ((at_ns // 1_000_000_000) << 18) + at_ns % 1_000_000_000 // 3815, 3)
    data[at] = (TRANSPORT_WIDE_ID << 4) | 1
    at = put(data, at + 1, transport_number, 2)
    if with_mid:
        data[at] = MID_ID << 4
        data[at + 1] = _VIDEO_MID if video else _AUDIO_MID
        at += 2
    while at % 4 != 0:
        data[at] = 0
        at += 1
    put(data, 14, (at - 16) // 4, 2)
    if video:
        data[at] = 0x90 if frame_start else 0x80
        data[at + 1] = 0x80
        put(data, at + 2, 0x8000 | (picture & 0x7FFF), 2)
        put(data, at + 4, 0 if keyframe else _INTER_FRAME << 16, 3)
        at += _VP8_LEAD
    else:
        data[at] = _OPUS_TOC
        at += _OPUS_LEAD
    at = put(data, at, _MAGIC, 4)
    at = put(data, at, sender, 4)
    put(data, at, at_ns, 8)


@compiled
def begin_talk(data: Octets) -> None:
    """Mark the audio packet as the first after a silence (RFC 3551 section 4.1)."""
    data[1] = int(np.int64(data[1])) | 0x80


@compiled
def be_silent(data: Octets) -> None:
    """Say in the audio packet's level that nobody speaks (RFC 6464 section 3)."""
    data[17] = 127


@compiled
def clear_stamp(data: Octets, end: int) -> None:
    """Let the packet at the start of ``data`` count nowhere: its stamp's time is 0."""
    put(data, find_stamp(data, 0, end) + 8, 0, 8)


@compiled
def original_number(data: Octets, stamp: int) -> int:
    """The sequence number that a retransmission's original had, RFC 4588 section 4."""
    return get(data, stamp - _VP8_LEAD - 2, 2)


@compiled
def find_stamp(data: Octets, at: int, end: int) -> int:
    """Offset of the stamp in the RTP packet from ``at`` to ``end``, or ``NO_STAMP``."""
    if end - at < 12:
        return NO_STAMP
    first = get(data, at, 1)
    kind = get(data, at + 1, 1) & 0x7F
    payload = at + 12 + 4 * (first & 0x0F)
    if first & 0x10:
        if payload + 4 > end:
            return NO_STAMP
        payload += 4 + 4 * get(data, payload + 2, 2)
    if kind == OPUS:
        payload += _OPUS_LEAD
    elif kind == VP8:
        payload += _VP8_LEAD
    elif kind == RTX:  # the original sequence number comes first, RFC 4588 section 4
        payload += 2 + _VP8_LEAD
    else:
        return NO_STAMP
    if payload + STAMP > end or get(data, payload, 4) != _MAGIC:
        return NO_STAMP
    return payload


@compiled
def stamped_sender(data: Octets, stamp: int) -> int:
    """Who wrote the stamp."""
    return get(data, stamp + 4, 4)


@compiled
def stamped_ns(data: Octets, stamp: int) -> int:
    """When it was written."""
    return get(data, stamp + 8, 8)


@compiled
def begins_keyframe(data: Octets, stamp: int) -> bool:
    """Whether the video packet of this stamp is the first of a keyframe."""
    lead = stamp - _VP8_LEAD
    return bool((data[lead] & 0x10) != 0 and (data[lead + 4] & _INTER_FRAME) == 0)


@compiled
def asks_keyframe(data: Octets, at: int, end: int) -> bool:
    """Whether a PLI (RFC 4585 section 6.3.1) or FIR (RFC 5104) is in the RTCP of these octets."""
    while end - at >= 8:
        form = get(data, at, 1) & 0x1F
        if get(data, at + 1, 1) == _PAYLOAD_FEEDBACK and form in (_PLI, _FIR):
            return True
        at += 4 + 4 * get(data, at + 2, 2)
    return False


@compiled
def write_nack(data: Octets, sender_ssrc: int, ssrc: int, first: int, count: int) -> int:
    """Ask for ``count`` ≤ 17 packets from ``first`` on (RFC 4585 section 6.2.1); the size."""
    data[0] = 0x80 | 1
    data[1] = _TRANSPORT_FEEDBACK
    put(data, 2, 3, 2)
    put(data, 4, sender_ssrc, 4)
    put(data, 8, ssrc, 4)
    put(data, 12, first, 2)
    return put(data, 14, (1 << (count - 1)) - 1, 2)
