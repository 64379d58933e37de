"""RTCP extended reports (RFC 3611): the round trip for an end that sends no media.

Sender reports and report blocks give a round trip only to who sends media. Who does not sends a
receiver reference time report (RRTR) and hears how long it lay there (DLRR). Pure compiled
functions over a uint8 array and offsets, as in ``rtcp``.
"""

from typing import Final

from sfu.compiled import compiled
from sfu.plane.rtcp import (
    EXTENDED_REPORT,
    Octets,
    get8,
    get16,
    ntp_fraction,
    ntp_seconds,
    put16,
    put32,
)

RECEIVER_REFERENCE_TIME: Final = 4  # block types, RFC 3611 section 4
DELAY_SINCE_LAST: Final = 5

REFERENCE_TIME_LENGTH: Final = 12
DELAY_LENGTH: Final = 12  # of one sub-block
_HEADER: Final = 8
_BLOCK_HEADER: Final = 4


@compiled
def first_block(at: int) -> int:
    """Where the blocks of the extended report at ``at`` begin."""
    return at + _HEADER


@compiled
def block_end(data: Octets, block: int, end: int) -> int:
    """Where the block at ``block`` of a packet that ends at ``end`` ends; −1 when it is cut off."""
    if block + _BLOCK_HEADER > end:
        return -1
    behind = block + _BLOCK_HEADER + 4 * get16(data, block + 2)
    return behind if behind <= end else -1


@compiled
def is_reference_time(data: Octets, block: int, behind: int) -> bool:
    """Whether the block is an RRTR; its NTP time stands behind the first four octets."""
    return get8(data, block) == RECEIVER_REFERENCE_TIME and behind - block == REFERENCE_TIME_LENGTH


@compiled
def delays(data: Octets, block: int, behind: int) -> int:
    """How many sub-blocks a DLRR block has; 0 when it is another block.

    Sub-block ``i`` begins at ``block + 4 + 12 * i``: SSRC, LRR, DLRR.
    """
    if get8(data, block) != DELAY_SINCE_LAST:
        return 0
    return (behind - block - _BLOCK_HEADER) // DELAY_LENGTH


@compiled
def write_extended_report(out: Octets, at: int, ssrc: int) -> int:
    """Write an extended report of ``ssrc`` without blocks; returns the offset behind, or −1."""
    if at + _HEADER > out.size:
        return -1
    out[at] = 0x80
    out[at + 1] = EXTENDED_REPORT
    put16(out, at + 2, _HEADER // 4 - 1)
    put32(out, at + 4, ssrc)
    return at + _HEADER


@compiled
def add_reference_time(out: Octets, at: int, behind: int, unix_ns: int) -> int:
    """Append an RRTR of ``unix_ns`` to the report from ``at`` to ``behind`` just written."""
    if behind + REFERENCE_TIME_LENGTH > out.size:
        return -1
    _put_block_header(out, behind, RECEIVER_REFERENCE_TIME, REFERENCE_TIME_LENGTH)
    put32(out, behind + 4, ntp_seconds(unix_ns))
    put32(out, behind + 8, ntp_fraction(unix_ns))
    behind += REFERENCE_TIME_LENGTH
    put16(out, at + 2, (behind - at) // 4 - 1)
    return behind


@compiled
def add_delay(out: Octets, at: int, behind: int, ssrc: int, middle: int, delay: int) -> int:
    """Append a DLRR block with one sub-block to the report from ``at`` to ``behind``.

    ``middle`` is the middle of the NTP time that ``ssrc`` said, ``delay`` that since it came, in
    1/65536 s.
    """
    length = _BLOCK_HEADER + DELAY_LENGTH
    if behind + length > out.size:
        return -1
    _put_block_header(out, behind, DELAY_SINCE_LAST, length)
    put32(out, behind + 4, ssrc)
    put32(out, behind + 8, middle)
    put32(out, behind + 12, delay)
    behind += length
    put16(out, at + 2, (behind - at) // 4 - 1)
    return behind


@compiled
def _put_block_header(out: Octets, at: int, kind: int, length: int) -> None:
    out[at] = kind
    out[at + 1] = 0
    put16(out, at + 2, length // 4 - 1)
