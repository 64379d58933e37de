"""Transport-wide congestion feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01).

Pure compiled functions. A browser that is alone gets feedback made here, about true arrivals;
with a partner there, the partner's feedback is translated to the browser's own numbers.

Transport-wide numbers are 16 bits on the wire. Inside, they are *unwrapped*: counted on from
``UNWRAPPED_FROM``, so that none is negative and 0 can mean "none".

A report is an array of ``deltas``: for each number in turn the time since the last packet that
came, in ticks of 250 µs, or ``LOST``.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from sfu.compiled import compiled
from sfu.plane.rtcp import (
    FORMAT_TRANSPORT_WIDE,
    TRANSPORT_FEEDBACK,
    Integers,
    Octets,
    get8,
    get16,
    get32,
    is_feedback,
    put16,
    put32,
)

Sizes = npt.NDArray[np.uint16]

SENT: Final = 4096
"""How many packets sent with a transport-wide number are remembered by their size."""

IS_AUDIO: Final = 0x8000  # beside the octets of a packet sent
_TOLD_AS_LOST: Final = 0x4000  # and this, while its receiver has not told that it came late
_OCTETS: Final = 0x3FFF
_LATE: Final = 512  # how far back a number that was told as lost may still be told as received
WITHHELD: Final = 1  # in place of the octets: it came, but was not sent on (0: it never came)

# What feedback has told of packets sent: an int64 array, all zero at first
TOLD: Final = 0  # packets
TOLD_LOST: Final = 1
TOLD_OCTETS: Final = 2  # of those told as received
TOLD_AUDIO: Final = 3  # packets of audio
TOLD_AUDIO_LOST: Final = 4
TOLD_FIELDS: Final = 5

ARRIVALS: Final = 4096
"""How many arrivals are remembered, at 500 packets/s those of eight seconds."""

UNWRAPPED_FROM: Final = 1 << 16

# The state beside the ring of arrivals: an int64 array, all zero at first
LATEST: Final = 0  # highest unwrapped number that came, 0 = none yet
NEXT: Final = 1  # unwrapped number to report next, 0 = none yet
OWNED_FROM: Final = 2  # the first unwrapped number that is ours to report
ARRIVAL_FIELDS: Final = 3

MAX_DELTAS: Final = 4096
"""The length of ``deltas``: the most numbers that one report may cover after clipping."""

MAX_LENGTH: Final = 1100
"""The longest feedback made here, in octets: with SRTCP and IPv6 it fits any path."""

LOST: Final = 1 << 40

_HEADER: Final = 20
_TICK_NS: Final = 250_000
_TICKS_A_REFERENCE: Final = 256  # the reference time counts 64 ms
_LONGEST_RUN: Final = 0x1FFF
_SMALL: Final = 1  # symbols, also the octets of the delta that follows
_LARGE: Final = 2
_RESERVED: Final = 3
_MASK24: Final = 0xFFFFFF
_MASK32: Final = 0xFFFFFFFF


@compiled
def unwrap_near(near: int, number: int) -> int:
    """The unwrapped number of a 16-bit one, within 32 768 of ``near``."""
    return near + ((number - near + 0x8000) & 0xFFFF) - 0x8000


# Arrivals


@compiled
def note_arrival(ring: Integers, state: Integers, number: int, arrival_ns: int) -> int:
    """Remember when the packet of a 16-bit transport-wide number came.

    Returns the unwrapped number; −1 when it is older than the ring or came before. One that
    comes after it was reported lost is reported again.
    """
    latest = int(state[LATEST])
    if latest == 0:
        ring[:] = 0
        latest = UNWRAPPED_FROM + (number & 0xFFFF)
        state[LATEST] = latest
        state[NEXT] = latest
        state[OWNED_FROM] = UNWRAPPED_FROM
        ring[latest % ARRIVALS] = arrival_ns
        return latest
    unwrapped = unwrap_near(latest, number)
    if unwrapped > latest:
        for passed in range(max(latest + 1, unwrapped - ARRIVALS), unwrapped):
            ring[passed % ARRIVALS] = 0
        state[LATEST] = unwrapped
    elif unwrapped <= latest - ARRIVALS or ring[unwrapped % ARRIVALS] != 0:
        return -1
    elif state[OWNED_FROM] <= unwrapped < state[NEXT]:
        state[NEXT] = unwrapped
    ring[unwrapped % ARRIVALS] = arrival_ns
    return unwrapped


@compiled
def restart_arrivals(ring: Integers, state: Integers, number: int, arrival_ns: int) -> int:
    """Begin anew at a 16-bit number that ``note_arrival`` did not take; its unwrapped number.

    That counts on from the latest, and what was not reported yet is forgotten.
    """
    behind = int(state[LATEST]) + 1
    unwrapped = behind + ((number - behind) & 0xFFFF)
    ring[:] = 0
    ring[unwrapped % ARRIVALS] = arrival_ns
    state[LATEST] = unwrapped
    state[NEXT] = unwrapped
    state[OWNED_FROM] = unwrapped
    return unwrapped


@compiled
def report_from(state: Integers, number: int) -> None:
    """Report from a 16-bit number on: what is before it is for someone else to tell."""
    if state[LATEST] != 0:
        state[NEXT] = max(unwrap_near(int(state[LATEST]), number), UNWRAPPED_FROM)
        state[OWNED_FROM] = state[NEXT]


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
                reference = arrival // _TICKS_A_REFERENCE
                ticks = reference * _TICKS_A_REFERENCE
            if not -0x8000 <= arrival - ticks <= 0x7FFF:
                break
            deltas[covered] = arrival - ticks
            ticks = arrival
        covered += 1
    if reference < 0:
        return 0
    room = min(MAX_LENGTH, out.size - out_at)
    fitting = _fit(deltas, covered, room)
    if fitting == 0:
        return -1
    state[NEXT] = base + fitting
    return _write(deltas, fitting, base, reference, sender, media, out, out_at)


# Writing


@compiled
def _symbol(delta: int) -> int:
    if delta == LOST:
        return 0
    return _SMALL if 0 <= delta <= 0xFF else _LARGE


@compiled
def _run(deltas: Integers, at: int, end: int) -> int:
    """How many numbers from ``at`` on share their symbol."""
    symbol = _symbol(int(deltas[at]))
    behind = at + 1
    end = min(end, at + _LONGEST_RUN)
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
        if _symbol(int(deltas[index])) == _LARGE:
            return run if run >= 7 else -7
    return -14


@compiled
def _fit(deltas: Integers, count: int, room: int) -> int:
    """How many of ``deltas`` fit into a packet of ``room`` octets."""
    room = (room & ~3) - _HEADER
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
def _write(
    deltas: Integers,
    covered: int,
    base: int,
    reference: int,
    sender: int,
    media: int,
    out: Octets,
    out_at: int,
) -> int:
    """Write the packet, for which there is room (``_fit``); returns its length."""
    to = out_at + _HEADER
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
        if symbol == _SMALL:
            out[to] = delta
            to += 1
        elif symbol == _LARGE:
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


# Reading and translating


@compiled
def is_transport_feedback(data: Octets, at: int, end: int) -> bool:
    """Whether the packet is transport-wide feedback with a whole header."""
    return at + _HEADER <= end and is_feedback(
        data, at, end, TRANSPORT_FEEDBACK, FORMAT_TRANSPORT_WIDE
    )


@compiled
def _chunks_end(data: Octets, at: int, end: int) -> int:
    """Where the deltas of a feedback packet begin; −1 when the packet is malformed.

    The work is bounded by the octets of the packet: a run is not walked.
    """
    left = get16(data, at + 14)
    to = at + _HEADER
    octets = 0
    if left == 0:
        return -1
    while left > 0:
        if to + 2 > end:
            return -1
        chunk = get16(data, to)
        to += 2
        if chunk & 0x8000 == 0:
            symbol = chunk >> 13
            span = min(chunk & _LONGEST_RUN, left)
            if symbol == _RESERVED:
                return -1
            octets += symbol * span
            left -= span
        else:
            width = 2 if chunk & 0x4000 else 1
            shift = 14
            while shift > 0 and left > 0:
                shift -= width
                symbol = (chunk >> shift) & (0x3 if width == 2 else 0x1)
                if symbol == _RESERVED:
                    return -1
                octets += symbol
                left -= 1
    return to if to + octets <= end else -1


@compiled
def note_sent(sizes: Sizes, last: int, number: int, size: int) -> None:
    """Remember the size (``IS_AUDIO`` beside it) of the packet sent with an unwrapped number.

    ``last`` is the highest number sent before, 0 for none: those between were never sent.
    """
    for passed in range(max(last + 1, number - SENT), number):
        sizes[passed % SENT] = 0
    if number > last - SENT:
        sizes[number % SENT] = size


@compiled
def tally_feedback(
    data: Octets, at: int, base: int, first: int, last: int, sizes: Sizes, told: Integers
) -> bool:
    """Add to ``told`` what a feedback packet says of the numbers ``first`` to ``last`` (unwrapped).

    ``base`` is its first number, unwrapped; the packet is whole (``feedback_is_whole``). False,
    and nothing is added, when it tells as received a number that was never sent. What is before
    ``first`` was told of already: of that, a packet told as lost that came late is lost no more.
    """
    left = get16(data, at + 14)
    number = base
    chunk_at = at + _HEADER
    first = max(first, last - SENT + 1)
    earliest = max(first - _LATE, last - SENT + 1)
    packets = audio = octets = lost = audio_lost = 0
    while left > 0 and number <= last:
        chunk = get16(data, chunk_at)
        chunk_at += 2
        width = 0
        span = chunk & _LONGEST_RUN
        if chunk & 0x8000:
            width = 2 if chunk & 0x4000 else 1
            span = 14 // width
        span = min(span, left)
        for place in range(max(earliest - number, 0), min(span, last + 1 - number)):
            symbol = chunk >> 13
            if width != 0:
                symbol = (chunk >> (14 - width * (place + 1))) & (0x3 if width == 2 else 0x1)
            size = int(sizes[(number + place) % SENT])
            of_audio = 1 if size >= IS_AUDIO else 0
            if number + place < first:
                if symbol != 0 and size & _TOLD_AS_LOST:
                    sizes[(number + place) % SENT] = size & ~_TOLD_AS_LOST
                    octets += size & _OCTETS
                    lost -= 1
                    audio_lost -= of_audio
                continue
            if size <= WITHHELD:
                if symbol != 0:
                    return False
                continue
            packets += 1
            audio += of_audio
            if symbol != 0:
                sizes[(number + place) % SENT] = size & ~_TOLD_AS_LOST
                octets += size & _OCTETS
                continue
            sizes[(number + place) % SENT] = size | _TOLD_AS_LOST
            lost += 1
            audio_lost += of_audio
        number += span
        left -= span
    told[TOLD] += packets
    told[TOLD_AUDIO] += audio
    told[TOLD_OCTETS] += octets
    told[TOLD_LOST] += lost
    told[TOLD_AUDIO_LOST] += audio_lost
    return True


@compiled
def feedback_is_whole(data: Octets, at: int, end: int) -> bool:
    """Whether chunks and deltas are all there; so that others need not look again."""
    return _chunks_end(data, at, end) >= 0


@compiled
def translate_feedback(
    data: Octets,
    at: int,
    end: int,
    shift: int,
    first: int,
    last: int,
    sender: int,
    media: int,
    sizes: Sizes,
    withheld: int,
    deltas: Integers,
    out: Octets,
    out_at: int,
    acknowledged: Integers,
) -> int:
    """Write feedback about packets that we passed on, as their sender counts them.

    The numbers in ``data`` are ours and ``shift`` above the sender's. ``first`` and ``last`` are
    the unwrapped numbers, ours, between which that shift holds: what is outside belongs to
    another epoch and is cut off. ``media`` is as in ``build_feedback``. ``withheld`` is the
    highest number of which ``sizes`` says that it was not sent on: such numbers are told as
    received, at the moment of the next one, for no path has lost them.

    Returns the octets written: 0 when nothing is left or the packet is malformed, −1 without
    room. ``acknowledged[0]`` becomes the last unwrapped number (ours) that the packet written
    tells about, as received or as lost; it stays as it is when nothing is written.
    """
    if not is_transport_feedback(data, at, end) or first > last:
        return 0
    deltas_at = _chunks_end(data, at, end)
    if deltas_at < 0:
        return 0
    base = unwrap_near(last, get16(data, at + 12))
    behind = base + get16(data, at + 14)
    length = 4 + 4 * get16(data, at + 2)
    if first <= base and behind <= last + 1 and withheld < base:
        if out_at + length > out.size:
            return -1
        for index in range(length):
            out[out_at + index] = data[at + index]
        put32(out, out_at + 4, sender)
        put32(out, out_at + 8, media)
        put16(out, out_at + 12, base - shift)
        acknowledged[0] = behind - 1
        return length
    begin = max(base, first)
    covered = min(behind, last + 1) - begin
    if covered <= 0 or covered > MAX_DELTAS:
        return 0
    reference = _read(data, at, deltas_at, begin - base, covered, deltas)
    if withheld >= begin:
        _tell_withheld(deltas, begin, covered, last, sizes)
    if _fit(deltas, covered, out.size - out_at) < covered:
        return -1
    acknowledged[0] = begin + covered - 1
    return _write(deltas, covered, begin - shift, reference, sender, media, out, out_at)


@compiled
def _tell_withheld(deltas: Integers, begin: int, covered: int, last: int, sizes: Sizes) -> None:
    """Make received of each number from ``begin`` on that came here and was not sent on."""
    next_received = -1
    for index in range(covered - 1, -1, -1):
        number = begin + index
        if deltas[index] != LOST:
            next_received = index
        elif number > last - SENT and sizes[number % SENT] == WITHHELD:
            if next_received < 0:
                deltas[index] = 0  # with the one before
            else:
                deltas[index] = deltas[next_received]
                deltas[next_received] = 0
            next_received = index


@compiled
def _read(
    data: Octets, at: int, deltas_at: int, skipped: int, covered: int, deltas: Integers
) -> int:
    """Read ``covered`` deltas after the first ``skipped``, for a reference time of their own.

    Returns that reference time, in 64 ms: the first packet that came is less than 64 ms after it.
    The packet has passed ``_chunks_end``.
    """
    ticks = (get32(data, at + 16) >> 8) * _TICKS_A_REFERENCE
    reference = ticks // _TICKS_A_REFERENCE
    started = False
    index = -skipped
    chunk_at = at + _HEADER
    while index < covered:
        chunk = get16(data, chunk_at)
        chunk_at += 2
        if chunk & 0x8000 == 0:
            width = 0
            span = chunk & _LONGEST_RUN
            if chunk >> 13 == 0 and index + span <= 0:  # lost, and before the first wanted
                index += span
                continue
        elif chunk & 0x4000:
            width = 2
            span = 7
        else:
            width = 1
            span = 14
        for place in range(min(span, covered - index)):
            if width == 0:
                symbol = chunk >> 13
            else:
                symbol = (chunk >> (14 - width * (place + 1))) & (0x3 if width == 2 else 0x1)
            delta = LOST
            if symbol == _SMALL:
                delta = get8(data, deltas_at)
                deltas_at += 1
            elif symbol == _LARGE:
                delta = ((get16(data, deltas_at) + 0x8000) & 0xFFFF) - 0x8000
                deltas_at += 2
            if delta != LOST:
                ticks += delta
            if index >= 0:
                if delta != LOST and not started:
                    started = True
                    reference = ticks // _TICKS_A_REFERENCE
                    delta = ticks - reference * _TICKS_A_REFERENCE
                deltas[index] = delta
            index += 1
    if not started:
        reference = ticks // _TICKS_A_REFERENCE
    return reference
