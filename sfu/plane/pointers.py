"""Every pointer that the plane gives to libc or libsrtp is computed here, and checked before.

The rest of the plane knows offsets into the arenas of ``Tables`` and numbers of slots. An offset,
a length or a slot that does not fit is our own misuse: it raises IndexError and never reaches C,
also when the compiler's own bounds checks are off. (The loop counts what raises as a fault.)
"""

from typing import Final

from sfu.compiled import compiled_within
from sfu.large_pages import LINE
from sfu.native import (
    ADDRESS_SIZE,
    CLOCK_BOOTTIME,
    CLOCK_MONOTONIC,
    CLOCK_REALTIME,
    CONTROL_SIZE,
    MSG_DONTWAIT,
    SRTP_OK,
    SRTP_TRAILER,
    clock_nanosleep,
    memmove,
    poll,
    prefetch,
    read_clock,
    recv,
    recvmmsg,
    send,
    sendmmsg,
    srtp_protect,
    srtp_protect_rtcp,
    srtp_remove_stream,
    srtp_unprotect,
    srtp_unprotect_rtcp,
)
from sfu.plane.layouts import (
    ADDRESSES,
    ADDRESSES_OFFSET,
    BATCH,
    CONTROL_ROW,
    CONTROL_WORDS,
    HOT_SLOT,
    HOT_SOURCE,
    HOT_STREAM,
    INBOUND,
    OUTBOUND,
    SLOT_SIZE,
    SOURCE_SIZE,
    STREAM_SIZE,
    STRIDE,
)
from sfu.plane.tables import Tables

DATA: Final = 0
"""The arena of received datagrams, ``t.data``: rows of ``STRIDE``."""

ROWS: Final = 1
"""The arena of packets that the node writes itself, ``t.rows``: rows of ``CONTROL_ROW``."""

HISTORY: Final = 2
"""The arena of packets that may be sent again, ``t.history``."""

OVERFLOW: Final = 3
"""The arena of what of a received run does not fit into its row, ``t.overflow``."""

_SEGMENT_CONTROL: Final = 24  # CMSG_SPACE of 16 bits
_NS: Final = 1_000_000_000


@compiled_within
def _pointer(t: Tables, arena: int, at: int, length: int) -> int:
    """Where octet ``at`` of an arena is, behind which at least ``length`` octets belong to it."""
    state = t.state[0]
    if arena == DATA:
        base, size = int(state["data_address"]), int(t.data.size)
    elif arena == ROWS:
        base, size = int(state["rows_address"]), int(t.rows.size)
    elif arena == HISTORY:
        base, size = int(state["history_address"]), int(t.history.size)
    elif arena == OVERFLOW:
        base, size = int(state["overflow_address"]), int(t.overflow.size)
    else:
        raise IndexError("no such arena")
    if at < 0 or length < 0 or at + length > size:
        raise IndexError("outside of the arena")
    return base + at


@compiled_within
def _packet(t: Tables, arena: int, at: int, end: int, room: int) -> int:
    """Where a packet is that may grow by ``room`` octets behind ``end`` and stays in its row."""
    row = STRIDE if arena == DATA else CONTROL_ROW
    if not 0 <= at < end or at // row != (end + room - 1) // row:
        raise IndexError("not within one row")
    return _pointer(t, arena, at, end + room - at)


@compiled_within
def _context(t: Tables, slot: int, outbound: bool) -> int:
    """The ``srtp_t`` of a slot that has one."""
    if not 0 <= slot < t.slots.size:
        raise IndexError("no such slot")
    record = t.slots[slot]
    context = int(record["srtp_out"]) if outbound else int(record["srtp_in"])
    if context == 0:
        raise IndexError("a slot without keys")
    return context


# What is about to be used. The processor fetches it while it does other work. This is a hint, which
# never raises.


@compiled_within
def _fetch(address: int, size: int) -> None:
    for at in range(0, size, LINE):
        prefetch(address + at)


@compiled_within
def fetch_slot(t: Tables, slot: int) -> None:
    """What forwarding looks at of a slot; nothing when there is no such slot."""
    if 0 <= slot < t.slots.size:
        _fetch(int(t.state[0]["slots_address"]) + slot * SLOT_SIZE, HOT_SLOT)


@compiled_within
def fetch_call(t: Tables, slot: int) -> None:
    """What forwarding from a slot looks at elsewhere: its sources, and where they go."""
    state = t.state[0]
    record = t.slots[slot]
    prefetch(int(record["srtp_in"]))
    at = int(state["sources_address"]) + slot * INBOUND * SOURCE_SIZE
    _fetch(at, HOT_SOURCE)
    _fetch(at + SOURCE_SIZE, HOT_SOURCE)
    partner = int(record["partner"])
    if 0 <= partner < t.slots.size:
        prefetch(int(t.slots[partner]["srtp_out"]))
        at = int(state["streams_address"]) + partner * OUTBOUND * STREAM_SIZE
        _fetch(at, HOT_STREAM)
        _fetch(at + STREAM_SIZE, HOT_STREAM)
        prefetch(at + 2 * STREAM_SIZE)  # whether there is RTX


# Octets


@compiled_within
def copy(t: Tables, source: int, source_at: int, target: int, target_at: int, length: int) -> None:
    """Copy ``length`` octets from one arena to another or within one, where they may overlap."""
    into = _pointer(t, target, target_at, length)
    memmove(into, _pointer(t, source, source_at, length), length)


# SRTP. The packet is from ``at`` to ``end`` of the arena and stays in its row.


@compiled_within
def unprotect_rtp(t: Tables, slot: int, at: int, end: int) -> int:
    """Authenticate and decrypt an RTP packet of ``t.data`` that came from ``slot``.

    Returns how many octets are left of it, or less than 0: minus libsrtp's error status.
    """
    packet = _packet(t, DATA, at, end, 0)
    t.length[0] = end - at
    length = int(t.state[0]["length_address"])
    status = srtp_unprotect(_context(t, slot, False), packet, length)
    return int(t.length[0]) if status == SRTP_OK else -int(status)


@compiled_within
def unprotect_rtcp(t: Tables, slot: int, at: int, end: int) -> int:
    """Like ``unprotect_rtp``, for a compound RTCP packet."""
    packet = _packet(t, DATA, at, end, 0)
    t.length[0] = end - at
    length = int(t.state[0]["length_address"])
    status = srtp_unprotect_rtcp(_context(t, slot, False), packet, length)
    return int(t.length[0]) if status == SRTP_OK else -int(status)


@compiled_within
def protect_rtp(t: Tables, slot: int, arena: int, at: int, end: int) -> int:
    """Encrypt an RTP packet for ``slot``, in place.

    Returns how long it is then, or less than 0: minus libsrtp's error status.
    """
    packet = _packet(t, arena, at, end, SRTP_TRAILER)
    t.length[0] = end - at
    length = int(t.state[0]["length_address"])
    status = srtp_protect(_context(t, slot, True), packet, length)
    return int(t.length[0]) if status == SRTP_OK else -int(status)


@compiled_within
def protect_rtcp(t: Tables, slot: int, arena: int, at: int, end: int) -> int:
    """Like ``protect_rtp``, for a compound RTCP packet."""
    packet = _packet(t, arena, at, end, SRTP_TRAILER)
    t.length[0] = end - at
    length = int(t.state[0]["length_address"])
    status = srtp_protect_rtcp(_context(t, slot, True), packet, length)
    return int(t.length[0]) if status == SRTP_OK else -int(status)


@compiled_within
def forget_stream(t: Tables, slot: int, ssrc: int) -> None:
    """Let libsrtp forget an inbound stream; nothing when the slot has no keys."""
    if t.slots[slot]["srtp_in"] != 0:
        srtp_remove_stream(_context(t, slot, False), ssrc)


# Messages


@compiled_within
def receive_messages(t: Tables) -> int:
    """Receive at most ``BATCH`` messages without waiting; how many came, or −1."""
    state = t.state[0]
    headers = int(state["receive_address"])
    return int(recvmmsg(int(state["socket"]), headers, BATCH, MSG_DONTWAIT, 0))


@compiled_within
def point_vector(t: Tables, index: int, arena: int, at: int, length: int) -> None:
    """Let outgoing packet ``index`` be ``length`` octets of an arena."""
    if not 0 <= index < t.send_vectors.size:
        raise IndexError("no such packet")
    t.send_vectors[index]["base"] = _pointer(t, arena, at, length)
    t.send_vectors[index]["length"] = length


@compiled_within
def point_message(
    t: Tables, index: int, slot: int, remote: int, first: int, count: int, segment: int
) -> None:
    """Let outgoing message ``index`` be ``count`` packets from ``first`` on.

    They go to address ``remote`` of ``slot``. ``segment`` is the size of all but the last when
    there are several, else 0.
    """
    if not 0 <= slot < t.slots.size:
        raise IndexError("no such slot")
    if not 0 <= remote < ADDRESSES:
        raise IndexError("a slot without an address")
    if not 0 <= index < t.send_headers.size:
        raise IndexError("no such message")
    if not 0 <= first < first + count <= t.send_vectors.size:
        raise IndexError("no such packets")
    state = t.state[0]
    header = t.send_headers[index]
    to = slot * SLOT_SIZE + ADDRESSES_OFFSET + remote * ADDRESS_SIZE
    header["name"] = int(state["slots_address"]) + to
    header["vectors"] = int(state["vectors_address"]) + first * int(t.send_vectors.itemsize)
    header["vector_count"] = count
    header["control"] = 0
    header["control_length"] = 0
    if segment > 0:
        t.send_control[index * CONTROL_WORDS + 2] = segment
        header["control"] = int(state["control_address"]) + index * CONTROL_SIZE
        header["control_length"] = _SEGMENT_CONTROL


@compiled_within
def send_messages(t: Tables, first: int, count: int) -> int:
    """Send ``count`` messages from ``first`` on without waiting.

    Returns how many could be sent; 0 or −1 when the first could not.
    """
    if not 0 <= first <= first + count <= t.send_headers.size:
        raise IndexError("no such messages")
    state = t.state[0]
    headers = int(state["send_address"]) + first * int(t.send_headers.itemsize)
    return int(sendmmsg(int(state["socket"]), headers, count, MSG_DONTWAIT))


# Channels


@compiled_within
def receive_command(t: Tables) -> int:
    """Take one command into ``t.command``: its octets, 0 when the shell is gone, −1 for none."""
    state = t.state[0]
    channel = int(state["command_channel"])
    return int(recv(channel, int(state["command_address"]), t.command.itemsize, MSG_DONTWAIT))


@compiled_within
def send_event(t: Tables, size: int) -> bool:
    """Send the first ``size`` octets of ``t.event``; False when the channel has no room."""
    if not 0 <= size <= t.event.itemsize:
        raise IndexError("longer than an event")
    state = t.state[0]
    channel = int(state["event_channel"])
    return bool(send(channel, int(state["event_address"]), size, MSG_DONTWAIT) == size)


# Time


@compiled_within
def wall_clock_ns(t: Tables) -> int:
    """CLOCK_REALTIME, as the kernel's arrival times."""
    return int(read_clock(t.clock, int(t.state[0]["clock_address"]), CLOCK_REALTIME))


@compiled_within
def steady_clock_ns(t: Tables) -> int:
    """CLOCK_BOOTTIME: what liveness goes by. Nobody sets it, and who slept was not heard."""
    return int(read_clock(t.clock, int(t.state[0]["clock_address"]), CLOCK_BOOTTIME))


@compiled_within
def sleep(t: Tables, duration_ns: int) -> None:
    """Sleep, less than a second."""
    t.sleep[0]["nanoseconds"] = min(max(duration_ns, 0), _NS - 1)
    clock_nanosleep(CLOCK_MONOTONIC, 0, int(t.state[0]["sleep_address"]), 0)


@compiled_within
def wait_readable(t: Tables, milliseconds: int) -> int:
    """Wait until one of the descriptors of ``t.poll`` is readable; how many are."""
    return int(poll(int(t.state[0]["poll_address"]), t.poll.size, milliseconds))
