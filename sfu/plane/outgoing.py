"""What the plane is about to send: one batch for one ``sendmmsg``.

Forwarded RTP goes out from where it came in; RTCP is written into rows of its own.
"""

from typing import Final

from sfu.compiled import compiled_within
from sfu.plane.pointers import (
    DATA,
    ROWS,
    point_message,
    protect_rtcp,
    protect_rtp,
    send_messages,
)
from sfu.plane.tables import BATCH, CONTROL_ROW, CONTROL_ROWS, Counter, DropReason, Tables

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
        sent = send_messages(t, at, queued - at)
        if sent <= 0:  # the first one cannot be sent: no room, or no way there
            t.drops[DropReason.NOT_SENT] += 1
            sent = 1
        at += sent
    state["queued"] = 0
    state["control_rows"] = 0


@compiled_within
def _queue(t: Tables, slot: int, arena: int, at: int, length: int) -> None:
    state = t.state[0]
    record = t.slots[slot]
    index = int(state["queued"])
    point_message(t, index, slot, arena, at, length)
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
    length = protect_rtp(t, slot, DATA, at, end)
    if length < 0:
        t.drops[DropReason.NOT_PROTECTED] += 1
        return False
    _queue(t, slot, DATA, at, length)
    return True


@compiled_within
def queue_row(t: Tables, slot: int, at: int, end: int) -> bool:
    """Protect the RTP packet from ``at`` to ``end`` of ``t.rows``, and queue it for ``slot``.

    It lies in the last ``control_row``. False when libsrtp refuses (counted).
    """
    state = t.state[0]
    length = protect_rtp(t, slot, ROWS, at, end)
    if length < 0:
        t.drops[DropReason.NOT_PROTECTED] += 1
        return False
    state["control_rows"] += 1
    _queue(t, slot, ROWS, at, length)
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
    at = row * CONTROL_ROW
    length = protect_rtcp(t, slot, ROWS, at, at + length)
    if length < 0:
        t.drops[DropReason.NOT_PROTECTED] += 1
        return False
    state["control_rows"] = row + 1
    _queue(t, slot, ROWS, at, length)
    return True
