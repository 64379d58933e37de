"""What the plane has received: one ``recvmmsg``, and the runs in it split into datagrams.

With ``UDP_GRO`` the kernel hands over a run of datagrams from one sender as one message. Each
message has a row of its own, as a plain datagram needs, and 64 KiB behind it for the rest of a
run. A plain datagram and the first of a run stay where they are; the others are copied to rows of
their own, for headers may grow and libsrtp's trailers may be longer than those that came.
"""

from sfu.compiled import compiled_within
from sfu.native import (
    CONTROL_SIZE,
    MSG_TRUNC,
    receive_overflow,
    receive_segment,
    receive_time,
    reset_messages,
)
from sfu.plane.counters import Counter, DropReason
from sfu.plane.layouts import BATCH, DATA_ROWS, FIRST_OCTET, LARGEST_DATAGRAM, OVERFLOW_SIZE, STRIDE
from sfu.plane.pointers import DATA, OVERFLOW, copy, receive_messages
from sfu.plane.tables import Tables


@compiled_within
def has_more(t: Tables) -> bool:
    """Whether messages that were received have not been split yet."""
    return bool(t.state[0]["unpacked"] < t.state[0]["messages"])


@compiled_within
def receive(t: Tables, now_ns: int) -> None:
    """Make the next batch: ``t.datagrams`` up to ``count``."""
    state = t.state[0]
    if not has_more(t):
        reset_messages(t.receive_headers, int(state["messages"]))
        messages = max(receive_messages(t), 0)
        state["messages"] = messages
        state["unpacked"] = 0
        t.counts[Counter.RECEIVES] += 1
        t.counts[Counter.MESSAGES_RECEIVED] += messages
        if messages == BATCH:
            t.counts[Counter.BATCH_FULL] += 1
    state["position"] = 0
    state["commands_checked"] = 0
    filled = 0
    spare = BATCH  # the next row that is no message's own
    while has_more(t):
        message = int(state["unpacked"])
        state["unpacked"] = message + 1  # if one raises, the next is the next
        datagrams = _datagrams(t, message)
        if filled > 0 and datagrams - 1 > DATA_ROWS - spare:
            t.counts[Counter.BATCH_FULL] += 1
            state["unpacked"] = message
            break  # the rest is the next batch
        filled, spare = _unpack(t, message, filled, spare, now_ns)
    state["count"] = filled


@compiled_within
def _datagrams(t: Tables, message: int) -> int:
    """How many datagrams a message holds."""
    header = t.receive_headers[message]
    at = message * CONTROL_SIZE
    segment = receive_segment(t.control, at, int(header["control_length"]))
    length = int(header["length"])
    return (length + segment - 1) // segment if 0 < segment < length else 1


@compiled_within
def _unpack(t: Tables, message: int, filled: int, spare: int, now_ns: int) -> tuple[int, int]:
    """Put the datagrams of a message behind the ``filled`` ones of the batch.

    The second and all after it are copied to rows from ``spare`` on, before the first is worked
    on, which may grow over them. Returns ``filled`` and ``spare`` as they are then.
    """
    header = t.receive_headers[message]
    control_at = message * CONTROL_SIZE
    control_length = int(header["control_length"])
    arrival_ns = receive_time(t.control, control_at, control_length)
    if arrival_ns <= 0:
        arrival_ns = now_ns
    overflow = receive_overflow(t.control, control_at, control_length)
    if overflow >= 0 and overflow != t.drops[DropReason.SOCKET_OVERFLOW]:
        t.drops[DropReason.SOCKET_OVERFLOW] = overflow
        t.state[0]["overflow_ns"] = now_ns
    length = int(header["length"])
    is_cut = header["flags"] & MSG_TRUNC != 0
    datagrams = _datagrams(t, message)
    segment = length
    if datagrams > 1:
        segment = receive_segment(t.control, control_at, control_length)
        t.counts[Counter.GRO_RUNS_RECEIVED] += 1
        t.counts[Counter.GRO_DATAGRAMS_RECEIVED] += datagrams
        # no kernel makes runs of more than 128; it would be too many for the rows
        taken = min(datagrams, 1 + DATA_ROWS - spare)
        t.drops[DropReason.OVERSIZED] += datagrams - taken
        datagrams = taken
    for index in range(datagrams):
        begin = index * segment
        size = min(segment, length - begin)
        is_last = begin + size == length
        row = message
        if index > 0:
            row = spare
            spare += 1
            if size <= LARGEST_DATAGRAM:
                _copy_segment(t, message, begin, row, size)
        datagram = t.datagrams[filled]
        datagram["row"] = row
        datagram["message"] = message
        datagram["arrival_ns"] = arrival_ns
        datagram["length"] = min(size, LARGEST_DATAGRAM)
        datagram["truncated"] = 1 if size > LARGEST_DATAGRAM or (is_cut and is_last) else 0
        filled += 1
    return filled, spare


@compiled_within
def _copy_segment(t: Tables, message: int, begin: int, row: int, size: int) -> None:
    """Copy octets from ``begin`` on of a message, which are in its row and behind, to a row."""
    target = row * STRIDE + FIRST_OCTET
    near = min(max(LARGEST_DATAGRAM - begin, 0), size)
    if near > 0:
        copy(t, DATA, message * STRIDE + FIRST_OCTET + begin, DATA, target, near)
    if near < size:
        source = message * OVERFLOW_SIZE + begin + near - LARGEST_DATAGRAM
        copy(t, OVERFLOW, source, DATA, target + near, size - near)
