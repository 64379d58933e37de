"""What the payload of an RTP packet says of its picture; nothing is decoded.

Pure compiled functions over a uint8 array and offsets: ``at`` is the first octet behind the RTP
header, ``end`` the one behind the payload, padding left out. Whatever the bytes, nothing raises:
what is cut short says nothing.
"""

from sfu.compiled import compiled
from sfu.plane.rtcp import Octets, get8, get16
from sfu.rtp.media import Codec

# RFC 6184 section 5.2 and table 7-1 of H.264
_NAL_SPS = 7
_NAL_STAP_A = 24
_NAL_FU_A = 28


@compiled
def starts_keyframe(data: Octets, at: int, end: int, codec: int) -> bool:
    """Whether the first octets of a keyframe are in this payload of ``codec`` (no RTX).

    A decoder can begin with it, without anything that was sent before.
    """
    if at < 0 or at >= end or end > data.size:
        return False
    if codec == Codec.VP8:
        return _starts_vp8(data, at, end)
    if codec == Codec.VP9:
        return _starts_vp9(data, at, end)
    if codec == Codec.H264:
        return _starts_h264(data, at, end)
    if codec == Codec.AV1:
        # Z and N of the aggregation header: N is the first packet of a coded video sequence,
        # which never continues an earlier one (AV1 RTP payload specification, section 4.4)
        return get8(data, at) & 0x88 == 0x08
    return False


@compiled
def vp8_frame(data: Octets, at: int, end: int) -> int:
    """Where the VP8 data behind the payload descriptor begin; −1 when there are none.

    RFC 7741 section 4.2: X, then I (7 or 15 bits of picture id), L (TL0PICIDX), T or K.
    """
    if at >= end:
        return -1
    behind = at + 1
    if get8(data, at) & 0x80:
        if behind >= end:
            return -1
        fields = get8(data, behind)
        behind += 1
        if fields & 0x80:
            if behind >= end:
                return -1
            behind += 2 if get8(data, behind) & 0x80 else 1
        if fields & 0x40:
            behind += 1
        if fields & 0x30:
            behind += 1
    return behind if behind < end else -1


@compiled
def _starts_vp8(data: Octets, at: int, end: int) -> bool:
    """S, partition 0, and P of the frame header (RFC 6386 section 9.1) is 0 for a keyframe."""
    frame = vp8_frame(data, at, end)
    return frame >= 0 and get8(data, at) & 0x17 == 0x10 and get8(data, frame) & 0x01 == 0


@compiled
def _starts_vp9(data: Octets, at: int, end: int) -> bool:
    """B set and P clear, in the lowest spatial layer (RFC 9628 section 4.2).

    A higher layer of a keyframe is predicted from a lower one, so it has P clear, too.
    """
    fields = get8(data, at)
    if fields & 0x48 != 0x08:
        return False
    behind = at + 1
    if fields & 0x80:
        if behind >= end:
            return False
        behind += 2 if get8(data, behind) & 0x80 else 1
    if fields & 0x20:
        if behind >= end:
            return False
        return get8(data, behind) & 0x0E == 0
    return True


@compiled
def _starts_h264(data: Octets, at: int, end: int) -> bool:
    """A sequence parameter set: alone, aggregated, or the first fragment of one.

    Browsers send one before each IDR picture, and a decoder may lack it. An IDR slice by itself is
    no beginning: the parameters or other slices of its picture may have been lost before it.
    """
    kind = get8(data, at) & 0x1F
    if kind == _NAL_FU_A:
        if at + 3 > end or not get8(data, at + 1) & 0x80:
            return False
        kind = get8(data, at + 1) & 0x1F
    elif kind == _NAL_STAP_A:
        unit = at + 1
        while unit + 3 <= end:
            length = get16(data, unit)
            unit += 2
            if length == 0 or unit + length > end:
                return False
            kind = get8(data, unit) & 0x1F
            if kind == _NAL_SPS:
                return True
            unit += length
        return False
    return kind == _NAL_SPS
