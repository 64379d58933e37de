"""What the plane is about to send: one batch for one ``sendmmsg``.

Forwarded RTP goes out from where it came in; RTCP is written into rows of its own.
"""

from typing import Final

from sfu.compiled import compiled_within
from sfu.native import (
    ADDRESS_SIZE,
    MSG_DONTWAIT,
    SRTP_OK,
    sendmmsg,
    srtp_protect,
    srtp_protect_rtcp,
)
from sfu.plane.tables import (
    ADDRESSES_OFFSET,
    BATCH,
    CONTROL_ROW,
    CONTROL_ROWS,
    SLOT_SIZE,
    Counter,
    DropReason,
    Tables,
)

ROW_ROOM: Final = CONTROL_ROW - 64  # the rest is libsrtp's


@compiled_within
def can_send_to(t: Tables, slot: int) -> bool:
    """Whether ``slot`` has keys and an address, so that something can be sent to it."""
    if slot < 0:
        return False
    record = t.slots[slot]
    return bool(record["open"] != 0 and record["srtp_out"] != 0 and record["remote"] >= 0)


@compiled_within
def flush(t: Tables) -> None:
    """Send what is queued. What the socket has no room for is counted, and lost."""
    state = t.state[0]
    queued = int(state["queued"])
    at = 0
    while at < queued:
        sent = sendmmsg(
            int(state["socket"]),
            int(state["send_address"]) + at * t.send_headers.itemsize,
            queued - at,
            MSG_DONTWAIT,
        )
        if sent <= 0:  # the first one cannot be sent: no room, or no way there
            t.drops[DropReason.NOT_SENT] += 1
            sent = 1
        at += sent
    state["queued"] = 0
    state["control_rows"] = 0


@compiled_within
def _queue(t: Tables, slot: int, address: int, length: int) -> None:
    state = t.state[0]
    record = t.slots[slot]
    index = int(state["queued"])
    to = slot * SLOT_SIZE + ADDRESSES_OFFSET + int(record["remote"]) * ADDRESS_SIZE
    t.send_headers[index]["name"] = int(state["slots_address"]) + to
    t.send_vectors[index]["base"] = address
    t.send_vectors[index]["length"] = length
    state["queued"] = index + 1
    record["packets_out"] += 1
    record["octets_out"] += length


@compiled_within
def queue_media(t: Tables, slot: int, at: int, end: int) -> bool:
    """Protect the RTP packet from ``at`` to ``end`` of the received data, and queue it.

    ``slot`` is the receiver, and can be sent to. False when libsrtp refuses (counted).
    """
    state = t.state[0]
    if state["queued"] >= BATCH + CONTROL_ROWS:
        t.counts[Counter.FLUSHED_EARLY] += 1
        flush(t)
    t.length[0] = end - at
    address = int(state["data_address"]) + at
    context = int(t.slots[slot]["srtp_out"])
    if srtp_protect(context, address, int(state["length_address"])) != SRTP_OK:
        t.drops[DropReason.NOT_PROTECTED] += 1
        return False
    _queue(t, slot, address, int(t.length[0]))
    return True


@compiled_within
def control_row(t: Tables) -> int:
    """Where a row of ``t.rows`` begins whose ``ROW_ROOM`` octets may take one compound packet."""
    state = t.state[0]
    if state["control_rows"] >= CONTROL_ROWS or state["queued"] >= BATCH + CONTROL_ROWS:
        t.counts[Counter.FLUSHED_EARLY] += 1
        flush(t)
    return int(state["control_rows"]) * CONTROL_ROW


@compiled_within
def queue_control(t: Tables, slot: int, length: int) -> bool:
    """Protect what was written into the last ``control_row`` and queue it for ``slot``.

    ``slot`` can be sent to. False when libsrtp refuses (counted).
    """
    state = t.state[0]
    row = int(state["control_rows"])
    address = int(state["rows_address"]) + row * CONTROL_ROW
    t.length[0] = length
    context = int(t.slots[slot]["srtp_out"])
    if srtp_protect_rtcp(context, address, int(state["length_address"])) != SRTP_OK:
        t.drops[DropReason.NOT_PROTECTED] += 1
        return False
    state["control_rows"] = row + 1
    _queue(t, slot, address, int(t.length[0]))
    return True
