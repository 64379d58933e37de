"""The plane's loop: wait, commands, a batch of datagrams, timers, one batch out.

``run`` returns when it is told to stop. It may raise, which is our error: it can be called again
and goes on behind what it was doing (``Phase``).
"""

from typing import Final

from sfu.compiled import compiled, compiled_inline, compiled_within
from sfu.native import POLLIN
from sfu.plane.addresses import find_address
from sfu.plane.answering import answer_when_due
from sfu.plane.bucket import level_after
from sfu.plane.coalescing import load_after, pause_ns
from sfu.plane.commands import read_commands
from sfu.plane.counters import DropReason
from sfu.plane.forwarding import receive_rtp
from sfu.plane.incoming import has_more, receive
from sfu.plane.keyframes import ask_for_keyframes
from sfu.plane.layouts import ADDRESS_WORDS, ADDRESSES, FIRST_OCTET, INBOUND, STRIDE, Phase
from sfu.plane.losses import ask_when_due
from sfu.plane.outgoing import flush
from sfu.plane.pointers import (
    fetch_call,
    fetch_slot,
    sleep,
    steady_clock_ns,
    wait_readable,
    wall_clock_ns,
)
from sfu.plane.records import EventKind
from sfu.plane.reports import report_when_due
from sfu.plane.resending import resend_when_due
from sfu.plane.responses import receive_rtcp
from sfu.plane.rtcp import get8
from sfu.plane.stun import UFRAG_LENGTH, slot_of, username_at
from sfu.plane.tables import Tables
from sfu.plane.telling import tell_datagram, tell_what_is_due

FAULTS_ALLOWED: Final = 3
_IDLE_MS: Final = 1000  # nothing is open: only a command can give work
_NS_A_MS: Final = 1_000_000
_STUN_S: Final = 50  # a second and participant; a browser sends a few
_DTLS_S: Final = 200
_TIMERS_A_TURN: Final = 32  # slots: a tenth of a millisecond when most of them are due


@compiled
def run(t: Tables) -> None:
    """Forward until the shell says stop."""
    state = t.state[0]
    now_ns = wall_clock_ns(t)
    while state["running"] != 0:
        if state["phase"] == Phase.WAIT:
            if not has_more(t) and not coalesce(t, now_ns):
                wait(t, now_ns)
            now_ns = wall_clock_ns(t)
            state["steady_ns"] = steady_clock_ns(t)
            receive(t, now_ns)
            state["phase"] = Phase.COMMANDS
        take_turn(t, now_ns)


@compiled
def take_turn(t: Tables, now_ns: int) -> None:
    """Commands, the batch that was received, sending; then some of the timers that are due.

    What the timers of many calls take, packets need not wait for: neither those that were just
    received, nor, since each turn sees to a part of them, those that come meanwhile.
    """
    state = t.state[0]
    if state["phase"] == Phase.COMMANDS:
        # after the batch was received: what was commanded before a datagram came, holds for it
        if t.poll[1]["happened"] != 0:
            read_commands(t, now_ns)
        look_ahead(t)
        state["phase"] = Phase.PACKETS
    if state["phase"] == Phase.PACKETS:
        while state["position"] < state["count"]:
            index = int(state["position"])
            state["position"] = index + 1
            state["slot"] = -1
            if index + 1 < state["count"] and t.datagrams[index + 1]["place"] >= 0:
                fetch_call(t, int(t.datagrams[index + 1]["place"]) // ADDRESSES)
            take_datagram(t, index, now_ns)
        state["phase"] = Phase.TIMERS
        state["slot"] = -1
        flush(t)
    left_ns = int(state["next_tick_ns"]) - now_ns
    if state["timers_due"] == 0 and (left_ns <= 0 or left_ns > state["tick_ns"]):
        state["next_tick_ns"] = now_ns + state["tick_ns"]  # a timer may draw it forward
        state["timers_due"] = 1
        state["timer"] = 0
    if state["timers_due"] != 0:
        run_timers(t, now_ns)
        state["slot"] = -1
        flush(t)
    state["phase"] = Phase.WAIT


@compiled_within
def look_ahead(t: Tables) -> None:
    """Find who sent the datagrams of the batch, and have what that takes fetched.

    With many calls none of it is in a near cache, and the processor waits for one line after the
    other; here it waits for all of them together.
    """
    before = -1
    for index in range(int(t.state[0]["count"])):
        datagram = t.datagrams[index]
        place = find_address(t, t.names, int(datagram["message"]) * ADDRESS_WORDS)
        datagram["place"] = place
        slot = place // ADDRESSES
        if place >= 0 and slot != before:
            fetch_slot(t, slot)
            before = slot
    for index in range(int(t.state[0]["count"])):
        place = int(t.datagrams[index]["place"])
        if place >= 0:
            fetch_slot(t, int(t.slots[place // ADDRESSES]["partner"]))


@compiled_within
def coalesce(t: Tables, now_ns: int) -> bool:
    """Under load, sleep a little after a small batch; whether it did.

    Then there is no need to wait for more: it has come, and the commands are looked for.
    """
    state = t.state[0]
    count = int(state["count"])
    load = load_after(int(state["load"]), count, now_ns - int(state["turned_ns"]))
    state["load"] = load
    state["turned_ns"] = now_ns
    state["count"] = 0
    pause = pause_ns(load, count, int(state["coalesce_ns"]))
    if pause <= 0:
        return False
    sleep(t, pause)
    t.poll[1]["happened"] = 1
    return True


@compiled_within
def wait(t: Tables, now_ns: int) -> None:
    """Sleep until a datagram or a command is there, or a timer is due."""
    state = t.state[0]
    t.poll[0]["fd"] = state["socket"]
    t.poll[1]["fd"] = state["command_channel"]
    t.poll[0]["events"] = POLLIN
    t.poll[1]["events"] = POLLIN
    t.poll[1]["happened"] = 0
    milliseconds = _IDLE_MS
    if state["open_count"] > 0:
        left_ns = int(state["next_tick_ns"]) - now_ns
        milliseconds = min(max((left_ns + _NS_A_MS - 1) // _NS_A_MS, 0), 1000)
    if state["timers_due"] != 0:
        milliseconds = 0
    wait_readable(t, milliseconds)


@compiled_inline
def take_datagram(t: Tables, index: int, now_ns: int) -> None:
    """Classify one datagram by its first octet (RFC 7983) and hand it on."""
    datagram = t.datagrams[index]
    at = int(datagram["row"]) * STRIDE + FIRST_OCTET
    end = at + int(datagram["length"])
    if end == at:
        t.drops[DropReason.EMPTY] += 1
        return
    if datagram["truncated"] != 0:
        t.drops[DropReason.OVERSIZED] += 1
        return
    first = get8(t.data, at)
    if first < 4:
        take_stun(t, index, at, end, now_ns)
        return
    is_media = 128 <= first < 192
    if not is_media and not 20 <= first < 64:
        t.drops[DropReason.UNKNOWN_PROTOCOL] += 1
        return
    place = int(datagram["place"])
    if place < 0 and t.state[0]["commands_checked"] == 0:
        # its address may have been validated after ``wait`` saw that no command was there
        t.state[0]["commands_checked"] = 1
        read_commands(t, now_ns)
    if t.state[0]["commands_checked"] != 0:  # then ``look_ahead`` may be out of date
        place = find_address(t, t.names, int(datagram["message"]) * ADDRESS_WORDS)
    if place < 0:
        t.drops[DropReason.UNKNOWN_SOURCE] += 1
        return
    slot = place // ADDRESSES
    record = t.slots[slot]
    t.state[0]["slot"] = slot
    if record["faults"] >= FAULTS_ALLOWED:
        t.drops[DropReason.FAULT] += 1
        return
    if not is_media:
        full_ns = level_after(int(record["dtls_full_ns"]), now_ns, _DTLS_S, _DTLS_S)
        if full_ns < 0:
            t.drops[DropReason.DTLS_RATE] += 1
            return
        record["dtls_full_ns"] = full_ns
        tell_datagram(t, EventKind.DTLS.value, slot, index, at, end)
        return
    if record["srtp_in"] == 0 and t.state[0]["commands_checked"] == 0:
        t.state[0]["commands_checked"] = 1
        read_commands(t, now_ns)
    if record["srtp_in"] == 0 or record["media"] == 0:
        t.drops[DropReason.NO_KEYS_YET] += 1
        return
    a_second = int(t.state[0]["media_packets_s"])
    full_ns = level_after(int(record["media_full_ns"]), now_ns, a_second, a_second)
    if full_ns < 0:
        t.drops[DropReason.MEDIA_RATE] += 1
        return
    record["media_full_ns"] = full_ns
    arrival_ns = int(datagram["arrival_ns"])
    if end - at >= 2 and 192 <= get8(t.data, at + 1) < 224:  # RFC 5761 section 4
        receive_rtcp(t, place, at, end, arrival_ns, now_ns)
    else:
        receive_rtp(t, place, at, end, arrival_ns, now_ns)


@compiled_within
def take_stun(t: Tables, index: int, at: int, end: int, now_ns: int) -> None:
    """Pass a STUN packet up if its username names an open slot by its whole fragment.

    In an ICE restart the fragment before it counts, too: the shell knows until when.
    """
    username = username_at(t.data, at, end)
    if username < 0:
        t.drops[DropReason.MALFORMED_STUN] += 1
        return
    slot = slot_of(t.data, username)
    is_now = is_before = 0 <= slot < t.slots.size and t.slots[slot]["open"] != 0
    for offset in range(UFRAG_LENGTH):
        is_now = is_now and t.slots[slot]["ufrag"][offset] == t.data[username + offset]
        is_before = is_before and t.slots[slot]["ufrag_before"][offset] == t.data[username + offset]
    if not is_now and not is_before:
        t.drops[DropReason.UNKNOWN_UFRAG] += 1
        return
    record = t.slots[slot]
    t.state[0]["slot"] = slot
    # Who overhears the fragment can spend what new addresses may, and cannot keep a call from
    # the consent of RFC 7675, which comes from an address that is validated.
    is_own = int(t.datagrams[index]["place"]) // ADDRESSES == slot
    before_ns = int(record["consent_full_ns"] if is_own else record["stun_full_ns"])
    full_ns = level_after(before_ns, now_ns, _STUN_S, _STUN_S)
    if full_ns < 0:
        t.drops[DropReason.STUN_RATE] += 1
        return
    if is_own:
        record["consent_full_ns"] = full_ns
    else:
        record["stun_full_ns"] = full_ns
    tell_datagram(t, EventKind.STUN.value, slot, index, at, end)


@compiled_within
def run_timers(t: Tables, now_ns: int) -> None:
    """Do what is due for some of the open slots, from ``timer`` in their list on."""
    state = t.state[0]
    behind = min(int(state["timer"]) + _TIMERS_A_TURN, int(state["open_count"]))
    while state["timer"] < behind:
        slot = int(t.open_slots[int(state["timer"])])
        state["timer"] += 1
        state["slot"] = slot
        record = t.slots[slot]
        if record["fault_untold"] != 0 or record["release_untold"] != 0:
            tell_what_is_due(t, slot)
        if record["open"] != 0 and record["faults"] < FAULTS_ALLOWED:
            answer_when_due(t, slot, now_ns)
            report_when_due(t, slot, now_ns)
            if record["pressing"] != 0:
                ask_when_due(t, slot, now_ns)
                resend_when_due(t, slot, now_ns)
                ask_for_keyframes(t, slot, now_ns)
                record["pressing"] = 1 if _is_pressing(t, slot) else 0
    if state["timer"] >= state["open_count"]:
        state["timers_due"] = 0


@compiled_within
def _is_pressing(t: Tables, slot: int) -> bool:
    """Whether ``slot`` is owed something, or lacks it still; most ticks need not look at any."""
    if t.slots[slot]["owed_count"] != 0:
        return True
    for place in range(slot * INBOUND, (slot + 1) * INBOUND):
        source = t.sources[place]
        if source["missing"] != 0 or source["keyframe_wanted"] != 0:
            return True
    return False
