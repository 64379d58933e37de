"""Picture ids and TL0PICIDX that go on when the source of a stream changes.

VP8 (RFC 7741) and VP9 (RFC 9628) number their pictures and the base layers of them in every
packet. A receiver takes a number that steps back for an old picture and drops it; so each source
gets one shift, added in place, in its retransmissions too. References are differences (P_DIFF) and
stay right by themselves. A source keeps the width of its picture ids, 7 or 15 bits, for another one
would move the payload: the numbers go on modulo 2⁷ while it sends. H.264 and AV1 have no such ids.
"""

from sfu.compiled import compiled, compiled_within
from sfu.plane.layouts import Octets, Record
from sfu.plane.rtcp import get8, get16, put16
from sfu.rtp.media import Codec


@compiled
def picture_at(data: Octets, at: int, end: int, codec: int) -> int:
    """Where the picture id is in the payload from ``at`` to ``end``; −1 when there is none."""
    if codec == Codec.VP8:
        found = at + 2
    elif codec == Codec.VP9:
        found = at + 1
    else:
        return -1
    if found >= end or get8(data, at) & 0x80 == 0:
        return -1
    if codec == Codec.VP8 and get8(data, at + 1) & 0x80 == 0:
        return -1
    behind = found + (2 if get8(data, found) & 0x80 else 1)
    return found if behind <= end else -1


@compiled
def layer_index_at(data: Octets, at: int, end: int, codec: int) -> int:
    """Where TL0PICIDX is in the payload from ``at`` to ``end``; −1 when there is none."""
    if at >= end:
        return -1
    fields = get8(data, at)
    picture = picture_at(data, at, end, codec)
    behind = at + 1 if picture < 0 else picture + (2 if get8(data, picture) & 0x80 else 1)
    if codec == Codec.VP8:
        if not fields & 0x80 or at + 2 > end or not get8(data, at + 1) & 0x40:
            return -1
        if picture < 0:
            if get8(data, at + 1) & 0x80:  # its picture id is cut short
                return -1
            behind = at + 2
    elif codec == Codec.VP9:
        # the layers come with one in non-flexible mode only
        if fields & 0x30 != 0x20 or (picture < 0 and fields & 0x80):
            return -1
        behind += 1
    else:
        return -1
    return behind if behind < end else -1


@compiled
def _ahead(number: int, last: int, modulus: int) -> int:
    """How far ``number`` is ahead of ``last``: from −modulus/2 to modulus/2 − 1."""
    return (number - last + modulus // 2) % modulus - modulus // 2


@compiled_within
def continue_pictures(
    data: Octets, at: int, end: int, codec: int, media: Record, epoch: int, source_ssrc: int
) -> None:
    """Let the numbers in the payload from ``at`` to ``end`` go on where the stream's were.

    ``codec`` is that of the payload, ``media`` the media stream it is sent on or repairs; the
    first payload of a source in an epoch settles the shift.
    """
    if media["picture_epoch"] != epoch or media["picture_source"] != source_ssrc:
        media["picture_epoch"] = epoch
        media["picture_source"] = source_ssrc
        media["picture_settled"] = 0
        media["layer_settled"] = 0
    found = picture_at(data, at, end, codec)
    if found >= 0:
        is_wide = get8(data, found) & 0x80 != 0
        theirs = get16(data, found) & 0x7FFF if is_wide else get8(data, found)
        modulus = 0x8000 if is_wide else 0x80
        last = int(media["picture_last"])
        if media["picture_settled"] == 0:
            media["picture_shift"] = 0 if last < 0 else last + 1 - theirs
            media["picture_settled"] = 1
        ours = (theirs + int(media["picture_shift"])) % modulus
        if last < 0:
            media["picture_last"] = ours
        else:
            ahead = _ahead(ours, last, modulus)
            media["picture_last"] = (last + max(ahead, 0)) % 0x8000
        if is_wide:
            put16(data, found, 0x8000 | ours)
        else:
            data[found] = ours
    found = layer_index_at(data, at, end, codec)
    if found >= 0:
        theirs = get8(data, found)
        last = int(media["layer_last"])
        if media["layer_settled"] == 0:
            media["layer_shift"] = 0 if last < 0 else last + 1 - theirs
            media["layer_settled"] = 1
        ours = (theirs + int(media["layer_shift"])) % 0x100
        media["layer_last"] = ours if last < 0 else (last + max(_ahead(ours, last, 0x100), 0)) % 256
        data[found] = ours
