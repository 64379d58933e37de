"""What is missing of each video source, and asking its browser for it (RFC 4585 generic NACK).

A number that was skipped is put on a list of fixed size. It is asked for at once, unless packets of
this source were seen to come late by themselves: then after a tolerance that grows with them
and fades with time.
Requests go out in pairs. The second, 3/8 of a round trip after the first, serves where the first
was lost; where it was not, the browser ignores what comes within a round trip of its own sending.
The next pair reaches it when it is ready again. What cannot be repaired in time is given up, and a
keyframe is asked for instead. A keyframe makes the gaps before it needless.

The list of a source is empty exactly when its ``missing`` is 0, so a stream without losses costs
two comparisons a packet.
"""

from typing import Final

from sfu.compiled import compiled_inline, compiled_within
from sfu.plane.counters import Counter
from sfu.plane.keyframes import ask_for_keyframes, media_role, want_keyframe
from sfu.plane.layouts import INBOUND, LOSS_REACH, OUTBOUND, Record
from sfu.plane.outgoing import ROW_ROOM, can_send_to, control_row, queue_control
from sfu.plane.payloads import starts_keyframe
from sfu.plane.reception import MAX_DROPOUT
from sfu.plane.rtcp import add_to_nack, write_nack
from sfu.plane.tables import Tables
from sfu.rtp.media import TrackKind

MOST_MISSING: Final = 256
"""Numbers that a source may miss at a time; with more of them a keyframe is sooner there."""

_TRIES: Final = 20  # over as many round trips as the ten tries of libwebrtc's receivers
_MOST_TOLERANCE_NS: Final = 100_000_000
_TOLERANCE_FADES_NS: Final = 1_000_000_000  # by an eighth
_TOLERANCE_GONE: Final = 40  # such eighths make less than 1 ms of the most
UNKNOWN_ROUND_TRIP_NS: Final = 100_000_000
_LEAST_RETRY_NS: Final = 10_000_000
_MOST_RETRY_NS: Final = 500_000_000
_PAUSE_NS: Final = 5_000_000  # beyond a round trip, before libwebrtc sends a packet once more
_LEAST_TICK_NS: Final = 2_000_000  # every tick looks at every slot
_LONG_NS: Final = 1_000_000_000
_OVERFLOW_NS: Final = 100_000_000  # after datagrams without room nobody is asked for so long


@compiled_within
def forget_losses(t: Tables, place: int) -> None:
    """Empty the list of a source, and watch for gaps from its next packet on."""
    source = t.sources[place]
    if source["missing"] != 0:
        _drop_below(t, place, int(source["next_number"]))
    source["next_number"] = 0


@compiled_within
def _drop_below(t: Tables, place: int, limit: int) -> int:
    """Take the numbers below ``limit`` off the list; how many there were."""
    source = t.sources[place]
    oldest = int(source["oldest_missing"])
    dropped = 0
    for number in range(oldest, min(limit, oldest + LOSS_REACH)):
        if source["missing"] == 0:
            break
        loss = t.losses[place * LOSS_REACH + number % LOSS_REACH]
        if loss["number"] == number:
            loss["number"] = 0
            source["missing"] -= 1
            dropped += 1
    source["oldest_missing"] = max(oldest, limit)
    return dropped


@compiled_within
def _give_up(t: Tables, place: int, count: int, now_ns: int) -> None:
    """``count`` numbers will not be asked for any more: the picture needs a keyframe."""
    source = t.sources[place]
    source["given_up"] += count
    t.counts[Counter.LOSSES_GIVEN_UP] += count
    want_keyframe(t, place // INBOUND, int(source["kind"]))
    ask_for_keyframes(t, place // INBOUND, now_ns)


@compiled_inline
def note_packet(
    t: Tables, place: int, number: int, payload: int, end: int, codec: int, now_ns: int
) -> None:
    """A video packet of that unwrapped number came, as itself; ask for what is due.

    ``payload`` to ``end`` is its payload in ``t.data``.
    """
    source = t.sources[place]
    if number == source["next_number"]:
        source["next_number"] = number + 1
    elif number < source["next_number"]:
        _note_late(t, place, number, now_ns)
    else:
        _note_gap(t, place, number, now_ns)
    if source["missing"] == 0:
        return
    if starts_keyframe(t.data, payload, end, codec):
        note_keyframe(t, place, number)
    if source["missing"] != 0 and now_ns >= source["ask_ns"]:
        ask_for_losses(t, place, now_ns)


@compiled_within
def _note_gap(t: Tables, place: int, number: int, now_ns: int) -> None:
    """List what is missing before ``number``, which is beyond the next one expected."""
    source = t.sources[place]
    first = int(source["next_number"])
    source["next_number"] = number + 1
    if first == 0:
        return
    count = number - first
    if source["missing"] + count > MOST_MISSING:
        dropped = _drop_below(t, place, first) if source["missing"] != 0 else 0
        t.counts[Counter.LOSSES_BEYOND_REACH] += 1
        if count >= MAX_DROPOUT:  # its sender began anew, RFC 3550 appendix A.1: nothing was lost
            count = 0
        t.counts[Counter.LOSSES] += count
        _give_up(t, place, dropped + count, now_ns)
        return
    if source["missing"] == 0:
        source["oldest_missing"] = first
        source["ask_ns"] = now_ns + _LONG_NS
    else:
        dropped = _drop_below(t, place, number - LOSS_REACH)
        if dropped > 0:
            _give_up(t, place, dropped, now_ns)
    for each in range(first, number):
        loss = t.losses[place * LOSS_REACH + each % LOSS_REACH]
        loss["number"] = each
        loss["noticed_ns"] = now_ns
        loss["tries"] = 0
    t.slots[place // INBOUND]["pressing"] = 1
    source["missing"] += count
    t.counts[Counter.LOSSES] += count
    _fade_tolerance(source, now_ns)
    ask_ns = now_ns + int(source["tolerance_ns"])
    source["ask_ns"] = min(int(source["ask_ns"]), ask_ns)
    if ask_ns > now_ns:
        wake_by(t, ask_ns, now_ns)


@compiled_within
def _fade_tolerance(source: Record, now_ns: int) -> None:
    """Take an eighth off the tolerance for each second since it was as large as needed."""
    tolerance_ns = int(source["tolerance_ns"])
    if tolerance_ns == 0:
        return
    since_ns = now_ns - int(source["tolerance_from_ns"])
    if since_ns < 0:  # the clock was set back
        source["tolerance_from_ns"] = now_ns
        return
    seconds = since_ns // _TOLERANCE_FADES_NS
    if seconds >= _TOLERANCE_GONE:
        source["tolerance_ns"] = 0
        return
    for _ in range(seconds):
        tolerance_ns -= tolerance_ns // 8
    source["tolerance_ns"] = tolerance_ns
    source["tolerance_from_ns"] += seconds * _TOLERANCE_FADES_NS


@compiled_within
def wake_by(t: Tables, due_ns: int, now_ns: int) -> None:
    """Draw the next tick forward to ``due_ns``, but not to the very next moment."""
    state = t.state[0]
    due_ns = max(due_ns, now_ns + _LEAST_TICK_NS)
    state["next_tick_ns"] = min(int(state["next_tick_ns"]), due_ns)


@compiled_within
def _take_off(t: Tables, place: int, number: int) -> bool:
    """Take a number off the list; whether it was there."""
    source = t.sources[place]
    loss = t.losses[place * LOSS_REACH + number % LOSS_REACH]
    if source["missing"] == 0 or loss["number"] != number:
        return False
    loss["number"] = 0
    source["missing"] -= 1
    return True


@compiled_within
def _has_rtx(t: Tables, slot: int, kind: int) -> bool:
    for place in range(slot * INBOUND, (slot + 1) * INBOUND):
        source = t.sources[place]
        if source["ssrc"] >= 0 and source["kind"] == kind and source["rtx"] != 0:
            return True
    return False


@compiled_within
def _note_late(t: Tables, place: int, number: int, now_ns: int) -> None:
    """A packet came after one with a higher number: it was overtaken, or sent again as it was."""
    source = t.sources[place]
    loss = t.losses[place * LOSS_REACH + number % LOSS_REACH]
    if not _take_off(t, place, number):
        return
    slot = place // INBOUND
    late_ns = now_ns - int(loss["noticed_ns"])
    may_be_answer = loss["tries"] > 0 and 2 * late_ns >= t.slots[slot]["round_trip_ns"]
    if may_be_answer and not _has_rtx(t, slot, int(source["kind"])):
        source["repaired"] += 1
        t.counts[Counter.LOSSES_REPAIRED] += 1
        return
    wanted_ns = min(late_ns + late_ns // 4, _MOST_TOLERANCE_NS)
    _fade_tolerance(source, now_ns)
    if wanted_ns >= source["tolerance_ns"]:
        source["tolerance_ns"] = wanted_ns
        source["tolerance_from_ns"] = now_ns
    t.counts[Counter.LOSSES_LATE] += 1


@compiled_within
def note_repair(t: Tables, place: int, number: int) -> bool:
    """The packet of that unwrapped number came by retransmission; whether it was missing."""
    source = t.sources[place]
    if not _take_off(t, place, number):
        return False
    source["repaired"] += 1
    t.counts[Counter.LOSSES_REPAIRED] += 1
    tolerance_ns = int(source["tolerance_ns"])
    source["tolerance_ns"] = tolerance_ns - tolerance_ns // 8
    return True


@compiled_within
def note_keyframe(t: Tables, place: int, number: int) -> None:
    """A keyframe begins with the packet of that number: what is missing before it may be."""
    if t.sources[place]["missing"] != 0:
        t.counts[Counter.LOSSES_OVERTAKEN] += _drop_below(t, place, number)


@compiled_within
def _retry_ns(t: Tables, slot: int, tries: int) -> int:
    """How long after so many NACKs about a packet the next one goes.

    After the first of a pair 3/8 of a round trip. After both 3/4, and the pause of libwebrtc: the
    pair then comes a round trip and an eighth and that pause after the one before, when the browser
    is ready to send the packet once more, although its idea of the round trip is not quite ours.
    """
    trip_ns = int(t.slots[slot]["round_trip_ns"])
    if trip_ns < 0:
        trip_ns = UNKNOWN_ROUND_TRIP_NS
    wait_ns = trip_ns * 3 // 8 if tries % 2 == 1 else trip_ns * 3 // 4 + _PAUSE_NS
    return min(max(wait_ns, _LEAST_RETRY_NS), _MOST_RETRY_NS)


@compiled_within
def ask_for_losses(t: Tables, place: int, now_ns: int) -> None:
    """Send one NACK about what is due of a source, and give up what is too old.

    While its browser cannot be sent to, it is not asked; nor is anyone while the node's own socket
    overflows. Most of what is missing then was lost in it, and to ask for that, and get it, would
    take the time of which there is too little.
    """
    slot = place // INBOUND
    source = t.sources[place]
    repair_ns = int(t.state[0]["repair_ns"])
    tolerance_ns = int(source["tolerance_ns"])
    since_overflow_ns = now_ns - int(t.state[0]["overflow_ns"])
    has_overflow = 0 <= since_overflow_ns < _OVERFLOW_NS
    can_ask = can_send_to(t, slot) and not has_overflow
    withheld = False
    end = int(source["next_number"])
    given_up = _drop_below(t, place, end - LOSS_REACH)
    begin = control_row(t)
    row = t.rows[begin : begin + ROW_ROOM]
    sender = int(t.streams[slot * OUTBOUND + media_role(int(source["kind"]))]["ssrc"])
    if sender < 0:
        sender = int(t.slots[slot]["ssrc"])
    behind = write_nack(row, 0, sender, int(source["ssrc"]))
    asked = 0
    oldest = end
    source["ask_ns"] = now_ns + _LONG_NS
    for number in range(int(source["oldest_missing"]), end):
        loss = t.losses[place * LOSS_REACH + number % LOSS_REACH]
        if loss["number"] != number:
            continue
        fresh = loss["tries"] == 0
        since_ns = now_ns - int(loss["noticed_ns"] if fresh else loss["asked_ns"])
        wait_ns = tolerance_ns if fresh else _retry_ns(t, slot, int(loss["tries"]))
        is_due = since_ns >= wait_ns or since_ns < 0  # below 0: the clock was set back
        age_ns = now_ns - int(loss["noticed_ns"])
        if age_ns >= repair_ns or (is_due and loss["tries"] >= _TRIES):
            loss["number"] = 0
            source["missing"] -= 1
            given_up += 1
            continue
        oldest = min(oldest, number)
        withheld = withheld or (is_due and has_overflow)
        if is_due and can_ask:
            behind = add_to_nack(row, 0, behind, number & 0xFFFF)
            asked += 1
            loss["tries"] += 1
            loss["asked_ns"] = now_ns
        if is_due:
            since_ns = 0
            wait_ns = _retry_ns(t, slot, int(loss["tries"]))
            if has_overflow:  # not sooner: to look at hundreds takes time, too
                wait_ns = max(wait_ns, _OVERFLOW_NS - since_overflow_ns)
        next_ns = min(max(wait_ns - since_ns, 0), repair_ns - age_ns)
        source["ask_ns"] = min(int(source["ask_ns"]), now_ns + next_ns)
    source["oldest_missing"] = oldest
    if asked > 0 and queue_control(t, slot, behind):
        t.counts[Counter.NACKS] += 1
        t.counts[Counter.NACK_NUMBERS] += asked
    if withheld:
        t.counts[Counter.NACKS_WITHHELD] += 1
    if given_up > 0:
        _give_up(t, place, given_up, now_ns)


@compiled_within
def ask_when_due(t: Tables, slot: int, now_ns: int) -> None:
    """The timer of this module for ``slot``."""
    for place in range(slot * INBOUND, (slot + 1) * INBOUND):
        source = t.sources[place]
        if source["missing"] == 0 or source["ssrc"] < 0:
            continue
        left_ns = int(source["ask_ns"]) - now_ns
        if left_ns <= 0 or left_ns > _LONG_NS:
            ask_for_losses(t, place, now_ns)
        if source["missing"] != 0:
            wake_by(t, int(source["ask_ns"]), now_ns)


@compiled_within
def media_source_of(t: Tables, rtx_place: int) -> int:
    """The source that an RTX source repairs: of its kind, the one heard last; or −1."""
    slot = rtx_place // INBOUND
    best = -1
    for place in range(slot * INBOUND, (slot + 1) * INBOUND):
        source = t.sources[place]
        if source["ssrc"] < 0 or source["rtx"] != 0 or source["packets"] == 0:
            continue
        if source["kind"] != t.sources[rtx_place]["kind"] or source["kind"] == TrackKind.AUDIO:
            continue
        if best < 0 or source["heard_ns"] > t.sources[best]["heard_ns"]:
            best = place
    return best
