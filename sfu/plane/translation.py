"""Transport-wide feedback of a receiver, read, and written anew in its sender's own numbers.

Pure compiled functions; the format stands in ``feedback``.
"""

from sfu.compiled import compiled
from sfu.plane.feedback import (
    HEADER_LENGTH,
    LARGE,
    LONGEST_RUN,
    LOST,
    MAX_DELTAS,
    RESERVED,
    SMALL,
    TICKS_A_REFERENCE,
    fitting,
    is_transport_feedback,
    write_feedback,
)
from sfu.plane.rtcp import Integers, Octets, get8, get16, get32, put16, put32
from sfu.plane.tally import SENT, WITHHELD, Sizes
from sfu.plane.unwrapping import unwrap_near


@compiled
def _deltas_begin(data: Octets, at: int, end: int) -> int:
    """Where the deltas of a feedback packet begin; −1 when the packet is malformed.

    The work is bounded by the octets of the packet: a run is not walked.
    """
    left = get16(data, at + 14)
    to = at + HEADER_LENGTH
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
            span = min(chunk & LONGEST_RUN, left)
            if symbol == RESERVED:
                return -1
            octets += symbol * span
            left -= span
        else:
            width = 2 if chunk & 0x4000 else 1
            shift = 14
            while shift > 0 and left > 0:
                shift -= width
                symbol = (chunk >> shift) & (0x3 if width == 2 else 0x1)
                if symbol == RESERVED:
                    return -1
                octets += symbol
                left -= 1
    return to if to + octets <= end else -1


@compiled
def feedback_is_whole(data: Octets, at: int, end: int) -> bool:
    """Whether chunks and deltas are all there; so that others need not look again."""
    return _deltas_begin(data, at, end) >= 0


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
    deltas_at = _deltas_begin(data, at, end)
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
    if fitting(deltas, covered, out.size - out_at) < covered:
        return -1
    acknowledged[0] = begin + covered - 1
    return write_feedback(deltas, covered, begin - shift, reference, sender, media, out, out_at)


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
    The packet has passed ``_deltas_begin``.
    """
    ticks = (get32(data, at + 16) >> 8) * TICKS_A_REFERENCE
    reference = ticks // TICKS_A_REFERENCE
    started = False
    index = -skipped
    chunk_at = at + HEADER_LENGTH
    while index < covered:
        chunk = get16(data, chunk_at)
        chunk_at += 2
        if chunk & 0x8000 == 0:
            width = 0
            span = chunk & LONGEST_RUN
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
            if symbol == SMALL:
                delta = get8(data, deltas_at)
                deltas_at += 1
            elif symbol == LARGE:
                delta = ((get16(data, deltas_at) + 0x8000) & 0xFFFF) - 0x8000
                deltas_at += 2
            if delta != LOST:
                ticks += delta
            if index >= 0:
                if delta != LOST and not started:
                    started = True
                    reference = ticks // TICKS_A_REFERENCE
                    delta = ticks - reference * TICKS_A_REFERENCE
                deltas[index] = delta
            index += 1
    if not started:
        reference = ticks // TICKS_A_REFERENCE
    return reference
