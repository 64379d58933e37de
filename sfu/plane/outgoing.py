"""What the plane is about to send: one batch for one ``sendmmsg``.

Forwarded RTP goes out from where it came in; RTCP is written into rows of its own. Runs of packets
to one destination (``runs``) leave as one message, which the kernel cuts (``UDP_SEGMENT``).
"""

from typing import Final

from sfu.compiled import compiled_inline, compiled_within
from sfu.plane.counters import Counter, DropReason
from sfu.plane.layouts import CONTROL_ROW, CONTROL_ROWS, MAX_SEGMENTS, QUEUE
from sfu.plane.pointers import (
    DATA,
    ROWS,
    point_message,
    point_vector,
    protect_rtcp,
    protect_rtp,
    send_messages,
)
from sfu.plane.runs import plan_runs
from sfu.plane.tables import Tables

ROW_ROOM: Final = CONTROL_ROW - 64  # the rest is libsrtp's
_REFUSALS_ALLOWED: Final = 8


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
    state["queued"] = 0
    state["control_rows"] = 0
    longest = MAX_SEGMENTS if state["segmentation"] != 0 else 1
    messages = plan_runs(t.queue, queued, t.chains, t.order, t.ends, longest)
    first = 0
    for index in range(messages):
        end = int(t.ends[index])
        for place in range(first, end):
            packet = t.queue[int(t.order[place])]
            point_vector(t, place, int(packet["arena"]), int(packet["at"]), int(packet["length"]))
        lead = t.queue[int(t.order[first])]
        segment = int(lead["length"]) if end - first > 1 else 0
        slot, remote = int(lead["slot"]), int(lead["remote"])
        point_message(t, index, slot, remote, first, end - first, segment)
        first = end
    _send(t, messages)


@compiled_within
def _send(t: Tables, messages: int) -> None:
    """Send the messages that ``t.ends`` tells of; a run that is refused goes packet by packet."""
    state = t.state[0]
    at = 0
    while at < messages:
        sent = max(send_messages(t, at, messages - at), 0)
        t.counts[Counter.SENDS] += 1
        for index in range(at, at + sent):
            packets = _packets(t, index)
            if packets > 1:
                state["refusals"] = 0
                t.counts[Counter.GSO_RUNS_SENT] += 1
                t.counts[Counter.GSO_PACKETS_SENT] += packets
        at += sent
        if at < messages:  # this one cannot be sent: no room, no way there, or no runs
            if _packets(t, at) > 1:
                _send_singly(t, int(t.ends[at]) - _packets(t, at), int(t.ends[at]))
            else:
                t.drops[DropReason.NOT_SENT] += 1
            at += 1


@compiled_within
def _packets(t: Tables, message: int) -> int:
    """How many packets a message is."""
    return int(t.ends[message]) - (int(t.ends[message - 1]) if message > 0 else 0)


@compiled_within
def _send_singly(t: Tables, first: int, end: int) -> None:
    """Send the packets of a run that was refused one by one.

    When they all go, it was the run that the kernel did not like (it is larger than the way there
    takes, or the device cannot do it). After some of these in a row there are no more runs.
    """
    state = t.state[0]
    for place in range(first, end):
        packet = t.queue[int(t.order[place])]
        slot, remote = int(packet["slot"]), int(packet["remote"])
        point_message(t, QUEUE + place - first, slot, remote, place, 1, 0)
    at = first
    lost = 0
    while at < end:
        sent = send_messages(t, QUEUE + at - first, end - at)
        t.counts[Counter.SENDS] += 1
        if sent <= 0:
            lost += 1
            sent = 1
        at += sent
    t.drops[DropReason.NOT_SENT] += lost
    if lost == 0:
        t.counts[Counter.GSO_RUNS_REFUSED] += 1
        state["refusals"] += 1
        if state["refusals"] >= _REFUSALS_ALLOWED:
            state["segmentation"] = 0
            t.counts[Counter.GSO_GIVEN_UP] = 1


@compiled_within
def _queue(t: Tables, slot: int, arena: int, at: int, length: int) -> None:
    state = t.state[0]
    record = t.slots[slot]
    index = int(state["queued"])
    packet = t.queue[index]
    packet["slot"] = slot
    packet["remote"] = record["remote"]
    packet["arena"] = arena
    packet["at"] = at
    packet["length"] = length
    state["queued"] = index + 1
    record["packets_out"] += 1
    record["octets_out"] += length


@compiled_inline
def queue_media(t: Tables, slot: int, at: int, end: int) -> bool:
    """Protect the RTP packet from ``at`` to ``end`` of the received data, and queue it.

    ``slot`` is the receiver, and can be sent to. False when libsrtp refuses (counted).
    """
    state = t.state[0]
    if state["queued"] >= QUEUE:
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
    if state["control_rows"] >= CONTROL_ROWS or state["queued"] >= QUEUE:
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
