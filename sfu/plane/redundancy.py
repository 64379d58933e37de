"""Redundant audio (RFC 2198): blocks whose payload types differ between the two browsers."""

from sfu.compiled import compiled_within
from sfu.plane.layouts import Octets, Record
from sfu.plane.rtcp import get8, get16
from sfu.rtp.media import Codec


@compiled_within
def primary_block(data: Octets, payload: int, end: int) -> int:
    """Where the primary block of the RED payload from ``payload`` to ``end`` begins.

    −1 when it is malformed.
    """
    at = payload
    redundant = 0
    while at < end and get8(data, at) & 0x80:
        if at + 4 > end:
            return -1
        redundant += get16(data, at + 2) & 0x3FF
        at += 4
    begin = at + 1 + redundant
    return begin if at < end and begin <= end else -1


@compiled_within
def has_opus(data: Octets, payload: int, sender: Record) -> bool:
    """Whether the primary block is Opus. The payload has passed ``primary_block``."""
    at = payload
    while get8(data, at) & 0x80:
        at += 4
    return bool(sender["codec_of"][get8(data, at)] == Codec.OPUS)


@compiled_within
def map_blocks(data: Octets, payload: int, end: int, sender: Record, receiver: Record) -> bool:
    """Give every block the receiver's payload type of its codec, in place.

    The payload has passed ``primary_block``. False when a block is not Opus, or the receiver has
    no Opus.
    """
    wanted = int(receiver["payload_of"][Codec.OPUS])
    at = payload
    while True:
        first = get8(data, at)
        if wanted < 0 or sender["codec_of"][first & 0x7F] != Codec.OPUS:
            return False
        data[at] = (first & 0x80) | wanted
        if not first & 0x80:
            return True
        at += 4
