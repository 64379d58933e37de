"""As much of STUN (RFC 8489) as it takes to know whom a packet is for."""

from typing import Final

from sfu.compiled import compiled_within
from sfu.plane.layouts import Octets
from sfu.plane.rtcp import get8, get16, get32

_HEADER: Final = 20
_MAGIC_COOKIE: Final = 0x2112A442
_USERNAME: Final = 0x0006
UFRAG_LENGTH: Final = 8


@compiled_within
def username_at(data: Octets, at: int, end: int) -> int:
    """Where the node's username fragment begins in the STUN packet from ``at`` to ``end``.

    The fragment is ``UFRAG_LENGTH`` octets and a colon follows it. −1 when the packet is
    malformed, or names no such user.
    """
    if at + _HEADER > end or get32(data, at + 4) != _MAGIC_COOKIE:
        return -1
    if at + _HEADER + get16(data, at + 2) != end:
        return -1
    position = at + _HEADER
    while position + 4 <= end:
        length = get16(data, position + 2)
        value = position + 4
        if value + length > end:
            return -1
        if get16(data, position) == _USERNAME:
            is_ours = length > UFRAG_LENGTH and get8(data, value + UFRAG_LENGTH) == 0x3A
            return value if is_ours else -1
        position = value + (length + 3) // 4 * 4
    return -1


@compiled_within
def _digit(character: int) -> int:
    if 0x30 <= character <= 0x39:
        return character - 0x30
    if 0x61 <= character <= 0x7A:
        return character - 0x61 + 10
    return -1


@compiled_within
def slot_of(data: Octets, at: int) -> int:
    """The slot that a username fragment names by its first two characters, or −1."""
    high = _digit(get8(data, at))
    low = _digit(get8(data, at + 1))
    return high * 36 + low if high >= 0 and low >= 0 else -1
