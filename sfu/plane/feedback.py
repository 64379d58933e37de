"""Transport-wide congestion feedback as it is written.

The format is that of draft-holmer-rmcat-transport-wide-cc-extensions-01. Pure compiled functions.
A report is an array of ``deltas``: for each number in turn the time since the last packet that
came, in ticks of 250 µs, or ``LOST``. A browser that is alone gets feedback made here, about true
arrivals; with a partner there, the partner's is translated (``translation``).
"""

from typing import Final

from sfu.compiled import compiled
from sfu.plane.arrivals import ARRIVALS, LATEST, NEXT
from sfu.plane.rtcp import (
    FORMAT_TRANSPORT_WIDE,
    TRANSPORT_FEEDBACK,
    Integers,
    Octets,
    is_feedback,
    put16,
    put32,
)
from sfu.plane.unwrapping import UNWRAPPED_FROM

MAX_DELTAS: Final = 4096
"""The length of ``deltas``: the most numbers that one report may cover after clipping."""

MAX_LENGTH: Final = 1100
"""The longest feedback made here, in octets: with SRTCP and IPv6 it fits any path."""

LOST: Final = 1 << 40

HEADER_LENGTH: Final = 20
TICKS_A_REFERENCE: Final = 256  # the reference time counts 64 ms
LONGEST_RUN: Final = 0x1FFF
SMALL: Final = 1  # symbols, also the octets of the delta that follows
LARGE: Final = 2
RESERVED: Final = 3
_TICK_NS: Final = 250_000
_MASK24: Final = 0xFFFFFF
_MASK32: Final = 0xFFFFFFFF


@compiled
def is_transport_feedback(data: Octets, at: int, end: int) -> bool:
    """Whether the packet is transport-wide feedback with a whole header."""
    return at + HEADER_LENGTH <= end and is_feedback(
        data, at, end, TRANSPORT_FEEDBACK, FORMAT_TRANSPORT_WIDE
    )


@compiled
def build_feedback(
    ring: Integers,
    state: Integers,
    sender: int,
    media: int,
    deltas: Integers,
    out: Octets,
    out_at: int,
) -> int:
    """Write feedback about the arrivals from ``state[NEXT]`` on, and move ``state[NEXT]`` behind.

    ``media`` must be an SSRC with which the browser sends, of whichever stream: libwebrtc takes no
    notice of feedback about any other. The number of the feedback packet is left 0.

    Returns the octets written, at most ``MAX_LENGTH``; 0 when nothing came, or −1 without room.
    Call again while it returns more than 0: what does not fit, or came more than 8 s apart, goes
    into a packet of its own.
    """
    latest = int(state[LATEST])
    base = max(int(state[NEXT]), latest - ARRIVALS + 1, UNWRAPPED_FROM)
    if latest == 0 or base > latest:
        return 0
    reference = -1
    ticks = 0
    covered = 0
    for number in range(base, min(latest + 1, base + MAX_DELTAS)):
        arrival_ns = int(ring[number % ARRIVALS])
        if arrival_ns == 0:
            deltas[covered] = LOST
        else:
            arrival = arrival_ns // _TICK_NS
            if reference < 0:
                reference = arrival // TICKS_A_REFERENCE
                ticks = reference * TICKS_A_REFERENCE
            if not -0x8000 <= arrival - ticks <= 0x7FFF:
                break
            deltas[covered] = arrival - ticks
            ticks = arrival
        covered += 1
    if reference < 0:
        return 0
    room = min(MAX_LENGTH, out.size - out_at)
    fits = fitting(deltas, covered, room)
    if fits == 0:
        return -1
    state[NEXT] = base + fits
    return write_feedback(deltas, fits, base, reference, sender, media, out, out_at)


@compiled
def _symbol(delta: int) -> int:
    if delta == LOST:
        return 0
    return SMALL if 0 <= delta <= 0xFF else LARGE


@compiled
def _run(deltas: Integers, at: int, end: int) -> int:
    """How many numbers from ``at`` on share their symbol."""
    symbol = _symbol(int(deltas[at]))
    behind = at + 1
    end = min(end, at + LONGEST_RUN)
    while behind < end and _symbol(int(deltas[behind])) == symbol:
        behind += 1
    return behind - at


@compiled
def _plan_chunk(deltas: Integers, at: int, end: int) -> int:
    """The span of the next chunk: positive a run, −14 one-bit and −7 two-bit symbols."""
    run = _run(deltas, at, end)
    if run >= 14 or at + run == end:
        return run
    for index in range(at, min(at + 14, end)):
        if _symbol(int(deltas[index])) == LARGE:
            return run if run >= 7 else -7
    return -14


@compiled
def fitting(deltas: Integers, count: int, room: int) -> int:
    """How many of ``deltas`` fit into a packet of ``room`` octets."""
    room = (room & ~3) - HEADER_LENGTH
    at = 0
    while at < count and room > 2:
        span = _plan_chunk(deltas, at, count)
        room -= 2
        if span > 0:
            octets = _symbol(int(deltas[at]))
            if octets * span > room:
                return at + room // octets
            room -= octets * span
            at += span
        else:
            end = min(at - span, count)
            for index in range(at, end):
                room -= _symbol(int(deltas[index]))
            if room < 0:
                return at
            at = end
    return at


@compiled
def write_feedback(
    deltas: Integers,
    covered: int,
    base: int,
    reference: int,
    sender: int,
    media: int,
    out: Octets,
    out_at: int,
) -> int:
    """Write the packet, for which there is room (``fitting``); returns its length."""
    to = out_at + HEADER_LENGTH
    at = 0
    while at < covered:
        span = _plan_chunk(deltas, at, covered)
        if span > 0:
            chunk = (_symbol(int(deltas[at])) << 13) | span
            at += span
        else:
            width = 14 // -span
            chunk = 0x8000 if width == 1 else 0xC000
            shift = 14
            for index in range(at, min(at - span, covered)):
                shift -= width
                chunk |= _symbol(int(deltas[index])) << shift
            at = min(at - span, covered)
        put16(out, to, chunk)
        to += 2
    for index in range(covered):
        delta = int(deltas[index])
        symbol = _symbol(delta)
        if symbol == SMALL:
            out[to] = delta
            to += 1
        elif symbol == LARGE:
            put16(out, to, delta)
            to += 2
    length = (to - out_at + 3) & ~3
    padding = out_at + length - to
    for index in range(to, out_at + length):
        out[index] = 0
    out[out_at] = 0x80 | FORMAT_TRANSPORT_WIDE
    if padding > 0:
        out[out_at] = 0xA0 | FORMAT_TRANSPORT_WIDE
        out[out_at + length - 1] = padding
    out[out_at + 1] = TRANSPORT_FEEDBACK
    put16(out, out_at + 2, length // 4 - 1)
    put32(out, out_at + 4, sender & _MASK32)
    put32(out, out_at + 8, media & _MASK32)
    put16(out, out_at + 12, base)
    put16(out, out_at + 14, covered)
    put32(out, out_at + 16, (reference & _MASK24) << 8)
    return length
