"""Events to the shell. The channel is bounded: what may be lost is counted, the rest waits."""

from sfu.compiled import compiled_within
from sfu.plane.counters import DropReason
from sfu.plane.layouts import ADDRESS_WORDS
from sfu.plane.pointers import send_event
from sfu.plane.records import DATA_SIZE, EVENT_HEADER, EventKind
from sfu.plane.tables import Tables


@compiled_within
def tell_datagram(t: Tables, kind: int, slot: int, index: int, at: int, end: int) -> None:
    """Pass datagram ``index`` of the batch, from ``at`` to ``end`` of the data, to the shell."""
    length = end - at
    if length > DATA_SIZE:
        t.drops[DropReason.OVERSIZED] += 1
        return
    event = t.event[0]
    event["kind"] = kind
    event["slot"] = slot
    event["at_ns"] = t.state[0]["steady_ns"]
    event["length"] = length
    name = int(t.datagrams[index]["message"]) * ADDRESS_WORDS
    for word in range(ADDRESS_WORDS):
        event["address"][word] = t.names[name + word]
    for offset in range(length):
        event["data"][offset] = t.data[at + offset]
    if not send_event(t, EVENT_HEADER + length):
        t.drops[DropReason.EVENTS_FULL] += 1


@compiled_within
def tell_what_is_due(t: Tables, slot: int) -> None:
    """Send the events of ``slot`` that must not be lost; what does not fit waits."""
    record = t.slots[slot]
    event = t.event[0]
    event["slot"] = slot
    event["length"] = 0
    if record["fault_untold"] != 0:
        event["kind"] = EventKind.FAULTED
        if send_event(t, EVENT_HEADER):
            record["fault_untold"] = 0
    if record["release_untold"] != 0:
        event["kind"] = EventKind.RELEASED
        if send_event(t, EVENT_HEADER):
            record["release_untold"] = 0
            if record["open"] == 0:
                _unlist(t, slot)


@compiled_within
def list_slot(t: Tables, slot: int) -> None:
    """Let the timers look at ``slot``."""
    record = t.slots[slot]
    if record["listed"] == 0:
        count = int(t.state[0]["open_count"])
        record["listed"] = 1
        t.open_slots[count] = slot
        t.state[0]["open_count"] = count + 1


@compiled_within
def _unlist(t: Tables, slot: int) -> None:
    last = int(t.state[0]["open_count"]) - 1
    for index in range(last + 1):
        if t.open_slots[index] == slot:
            t.open_slots[index] = t.open_slots[last]
            t.open_slots[last] = slot
    t.state[0]["open_count"] = last
    t.slots[slot]["listed"] = 0
