"""What was received of one RTP stream: RFC 3550 appendix A.1, A.3 and A.8.

The state of a stream is a small int64 array of ``RECEPTION_FIELDS``, all zero at first; the
functions are compiled and pure.
"""

from typing import Final

from sfu.compiled import compiled
from sfu.plane.rtcp import (
    BLOCK_DLSR,
    BLOCK_FRACTION_LOST,
    BLOCK_HIGHEST_SEQUENCE,
    BLOCK_JITTER,
    BLOCK_LSR,
    BLOCK_PACKETS_LOST,
    BLOCK_SSRC,
    Integers,
)

RECEIVED: Final = 0  # packets, repeated ones included
FIRST: Final = 1  # extended sequence number; what is expected counts from here
HIGHEST: Final = 2  # extended sequence number
UNEXPECTED: Final = 3  # after a large jump: the number that would confirm it, plus one; 0 = none
EXPECTED_REPORTED: Final = 4  # as of the last report block
RECEIVED_REPORTED: Final = 5
JITTER_SCALED: Final = 6  # in timestamp units, times 16
TRANSIT: Final = 7  # arrival less timestamp of the last packet, in timestamp units
TRANSIT_KNOWN: Final = 8
RECEPTION_FIELDS: Final = 9

MAX_DROPOUT: Final = 3000  # packets; beyond it a jump ahead has to be confirmed
_MAX_MISORDER: Final = 100
_FIRST_CYCLE: Final = 1 << 16  # so that what comes late before the first packet is not negative
_LARGEST_CHANGE_S: Final = 10  # of the transit time of two packets that follow one another
_NS: Final = 1_000_000_000
_MASK32: Final = 0xFFFFFFFF


@compiled
def _restart(state: Integers, sequence: int) -> int:
    state[RECEIVED] = 1
    state[FIRST] = _FIRST_CYCLE + sequence
    state[HIGHEST] = _FIRST_CYCLE + sequence
    state[UNEXPECTED] = 0
    state[EXPECTED_REPORTED] = 0
    state[RECEIVED_REPORTED] = 0
    return _FIRST_CYCLE + sequence


@compiled
def note_sequence(state: Integers, sequence: int) -> int:
    """Count a packet by its 16-bit sequence number; returns the extended one.

    −1 when the number is far from the stream's (A.1): only a second packet in sequence with it
    shows that the sender has started anew, and the counts with it.
    """
    if state[RECEIVED] == 0:
        return _restart(state, sequence)
    highest = int(state[HIGHEST])
    ahead = (sequence - highest) & 0xFFFF
    if ahead >= 0x10000 - _MAX_MISORDER:
        ahead -= 0x10000
    elif ahead >= MAX_DROPOUT:
        if sequence + 1 == state[UNEXPECTED]:
            return _restart(state, sequence)
        state[UNEXPECTED] = ((sequence + 1) & 0xFFFF) + 1
        return -1
    if ahead > 0:
        state[HIGHEST] = highest + ahead
    state[RECEIVED] += 1
    return highest + ahead


@compiled
def note_timestamp(state: Integers, timestamp: int, arrival_ns: int, clock_rate: int) -> None:
    """Update the interarrival jitter by a packet's RTP timestamp and arrival (A.8)."""
    arrival = arrival_ns // _NS * clock_rate + arrival_ns % _NS * clock_rate // _NS
    transit = (arrival - timestamp) & _MASK32
    if state[TRANSIT_KNOWN]:
        change = (transit - int(state[TRANSIT])) & _MASK32
        if change & 0x80000000:
            change = (1 << 32) - change
        if change <= _LARGEST_CHANGE_S * clock_rate:  # else one of the clocks was set
            jitter = int(state[JITTER_SCALED])
            state[JITTER_SCALED] = jitter + change - ((jitter + 8) >> 4)
    state[TRANSIT] = transit
    state[TRANSIT_KNOWN] = 1


@compiled
def packets_expected(state: Integers) -> int:
    """How many packets the sender has sent since the first that came."""
    return int(state[HIGHEST]) - int(state[FIRST]) + 1 if state[RECEIVED] > 0 else 0


@compiled
def jitter(state: Integers) -> int:
    """The interarrival jitter in timestamp units."""
    return int(state[JITTER_SCALED]) >> 4


@compiled
def fill_report_block(state: Integers, ssrc: int, lsr: int, dlsr: int, block: Integers) -> None:
    """Make the report block due now (A.3) in ``block`` (``rtcp.BLOCK_…``).

    The fraction lost is that since the last call.
    """
    expected = packets_expected(state)
    received = int(state[RECEIVED])
    expected_now = expected - int(state[EXPECTED_REPORTED])
    lost_now = expected_now - (received - int(state[RECEIVED_REPORTED]))
    state[EXPECTED_REPORTED] = expected
    state[RECEIVED_REPORTED] = received
    fraction = 0
    if expected_now > 0 and lost_now > 0:
        fraction = min((lost_now << 8) // expected_now, 255)
    block[BLOCK_SSRC] = ssrc
    block[BLOCK_FRACTION_LOST] = fraction
    block[BLOCK_PACKETS_LOST] = min(max(expected - received, -0x800000), 0x7FFFFF)
    highest = int(state[HIGHEST]) - _FIRST_CYCLE if received > 0 else 0
    block[BLOCK_HIGHEST_SEQUENCE] = highest & _MASK32
    block[BLOCK_JITTER] = jitter(state) & _MASK32
    block[BLOCK_LSR] = lsr
    block[BLOCK_DLSR] = dlsr
