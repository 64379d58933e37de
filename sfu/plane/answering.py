"""Who answers a browser's transport-wide numbers: its partner, or the node while it is alone.

With a partner there, the partner's feedback is passed on, so that the sender's congestion control
sees the whole path. While the partner is absent or silent the node answers, about true arrivals,
and a REMB holds the browser to a modest rate. Ownership changes at one number. At every change
the reference time jumps ahead: libwebrtc starts its delay estimate anew on that, where a small
step would read as queueing. The feedback packet count is the node's own and has no gaps.
"""

from typing import Final

from sfu.compiled import compiled_inline, compiled_within
from sfu.plane.arrivals import LATEST, note_arrival, report_from, restart_arrivals
from sfu.plane.bucket import level_after
from sfu.plane.counters import Counter, DropReason
from sfu.plane.feedback import MAX_DELTAS, build_feedback
from sfu.plane.layouts import INBOUND, Octets
from sfu.plane.outgoing import ROW_ROOM, can_send_to, control_row, queue_control
from sfu.plane.rtcp import get16, get32, put16, write_remb
from sfu.plane.tables import Tables
from sfu.plane.tally import IS_AUDIO, SENT, WITHHELD, note_sent, tally_feedback
from sfu.plane.translation import feedback_is_whole, translate_feedback
from sfu.plane.unwrapping import UNWRAPPED_FROM, unwrap_near
from sfu.rtp.media import Extension, TrackKind

_REFERENCE_JUMP: Final = 160  # of 64 ms: 10.24 s
FREEING_REMBS: Final = 3  # a lost one would hold the browser down for good
_MASK24: Final = 0xFFFFFF
_REPORTS_A_TURN: Final = 8
_REPEATED_ALLOWED: Final = 8  # numbers in a row; then their sender has begun anew
_LONG_STEP: Final = 128  # numbers; a longer one is work, for each that is passed over is noted
_JUMPS_S: Final = 10  # such steps, and new beginnings, of a participant; a browser makes none
_LINK_OCTETS: Final = 72  # a packet's RTP, extensions, SRTP tag, UDP and IP headers

RELAYED: Final = -1


@compiled_within
def partner_is_there(t: Tables, slot: int) -> bool:
    """Whether ``slot`` has a partner that media can go to and that was heard lately."""
    partner = int(t.slots[slot]["partner"])
    if not can_send_to(t, partner):
        return False
    silent_ns = int(t.state[0]["steady_ns"]) - int(t.slots[partner]["last_heard_ns"])
    return bool(silent_ns < t.state[0]["silence_ns"])


@compiled_within
def _any_source(t: Tables, slot: int) -> int:
    """An SSRC to name in feedback about all streams of ``slot``.

    libwebrtc heeds only feedback about a stream that it sends: one that was heard, video first.
    """
    best = slot * INBOUND
    best_worth = 0
    for place in range(slot * INBOUND, (slot + 1) * INBOUND):
        source = t.sources[place]
        if source["ssrc"] < 0 or source["rtx"] != 0:
            continue
        is_video = source["kind"] > TrackKind.AUDIO
        worth = (3 if is_video else 2) if source["packets"] > 0 else (1 if is_video else 0)
        if worth > best_worth:
            best = place
            best_worth = worth
    return max(int(t.sources[best]["ssrc"]), 0)


@compiled_within
def _sender(t: Tables, slot: int) -> int:
    return int(t.slots[slot]["ssrc"])


@compiled_within
def _send_feedback(t: Tables, slot: int, row: Octets, length: int) -> None:
    """Send what stands in ``row``, under our packet count and reference time."""
    record = t.slots[slot]
    theirs = get32(row, 16) >> 8
    if record["feedback_fresh"] != 0:
        record["feedback_fresh"] = 0
        record["feedback_shift"] = 0
        if record["feedback_reference"] >= 0:
            wanted = int(record["feedback_reference"]) + _REFERENCE_JUMP
            record["feedback_shift"] = (wanted - theirs) & _MASK24
    reference = (theirs + int(record["feedback_shift"])) & _MASK24
    record["feedback_reference"] = reference
    count = int(record["feedback_count"]) & 0xFF
    record["feedback_count"] = count + 1
    put16(row, 16, reference >> 8)
    put16(row, 18, ((reference & 0xFF) << 8) | count)
    queue_control(t, slot, length)


@compiled_within
def answer_arrivals(t: Tables, slot: int) -> None:
    """Tell ``slot`` about the arrivals that were not told yet; the node is the one to answer."""
    if not can_send_to(t, slot):
        return
    record = t.slots[slot]
    for _ in range(_REPORTS_A_TURN):
        begin = control_row(t)
        row = t.rows[begin : begin + ROW_ROOM]
        length = build_feedback(
            t.rings[slot],
            record["arrival"],
            _sender(t, slot),
            _any_source(t, slot),
            t.deltas,
            row,
            0,
        )
        if length <= 0:
            return
        _send_feedback(t, slot, row, length)
    t.counts[Counter.FEEDBACK_WAITED] += 1


@compiled_within
def hand_to_partner(t: Tables, slot: int, now_ns: int) -> None:
    """From the next number of ``slot`` on its partner answers, if it is there and able to."""
    record = t.slots[slot]
    partner = t.slots[int(record["partner"])]
    if partner["id_of"][Extension.TRANSPORT_WIDE_CC] == 0:
        return
    if not partner_is_there(t, slot):
        return
    answer_arrivals(t, slot)
    record["feedback_by_partner"] = 1
    record["feedback_from"] = int(record["arrival"][LATEST]) + 1
    record["feedback_told"] = int(record["arrival"][LATEST])
    record["feedback_fresh"] = 1
    record["remb_due_ns"] = 0  # one that was held is freed now


@compiled_within
def take_back(t: Tables, slot: int, now_ns: int) -> None:
    """From the first number that the partner of ``slot`` did not answer on, the node does."""
    record = t.slots[slot]
    if record["feedback_by_partner"] == 0:
        return
    record["feedback_by_partner"] = 0
    record["feedback_fresh"] = 1
    record["feedback_due_ns"] = now_ns
    report_from(record["arrival"], int(record["feedback_told"]) + 1)


@compiled_within
def _may_jump(t: Tables, slot: int, now_ns: int) -> bool:
    """Whether the transport-wide numbers of ``slot`` may jump once more."""
    record = t.slots[slot]
    full_ns = level_after(int(record["jumps_full_ns"]), now_ns, _JUMPS_S, _JUMPS_S)
    if full_ns < 0:
        t.counts[Counter.TRANSPORT_JUMPS_OVER_RATE] += 1
        return False
    record["jumps_full_ns"] = full_ns
    return True


@compiled_inline
def note_transport_number(t: Tables, slot: int, number: int, arrival_ns: int, now_ns: int) -> int:
    """Remember the arrival of a packet from ``slot``; its unwrapped number.

    −1 when that came before or is 8 s old (counted): the packet, which is authentic, has no number
    then. A sender that goes on so has begun anew: it gets a new shift, and a new answerer. Nor has
    one a number that jumps ahead, or begins anew, more often than it may (counted).
    """
    record = t.slots[slot]
    arrival = record["arrival"]
    latest = int(arrival[LATEST])
    is_long = latest != 0 and unwrap_near(latest, number) - latest > _LONG_STEP
    if is_long and not _may_jump(t, slot, now_ns):
        return -1
    unwrapped = note_arrival(t.rings[slot], arrival, number, arrival_ns)
    if unwrapped >= 0:
        return unwrapped
    t.counts[Counter.TRANSPORT_NUMBERS_REPEATED] += 1
    if record["repeated_at"] != arrival[LATEST]:
        record["repeated_at"] = arrival[LATEST]
        record["repeated"] = 0
    record["repeated"] += 1
    if record["repeated"] < _REPEATED_ALLOWED or not _may_jump(t, slot, now_ns):
        return -1
    t.counts[Counter.TRANSPORT_NUMBERS_RESTARTED] += 1
    take_back(t, slot, now_ns)
    answer_arrivals(t, slot)
    if record["partner"] >= 0:
        t.slots[int(record["partner"])]["transport_epoch"] = -1
    return restart_arrivals(t.rings[slot], arrival, number, arrival_ns)


@compiled_within
def note_withheld(t: Tables, slot: int, transport: int) -> None:
    """The packet of ``slot`` with that unwrapped number, or −1, came and goes no further.

    Its partner cannot tell of it, so ``relay_feedback`` does: the sender must not take it for lost.
    """
    partner = int(t.slots[slot]["partner"])
    if transport < 0 or partner < 0:
        return
    record = t.slots[partner]
    ours = transport + int(record["transport_shift"])
    if record["transport_epoch"] != record["epoch"] or ours < record["transport_first"]:
        return
    last = int(record["transport_last"])
    sizes = t.sizes[partner]
    size = int(sizes[ours % SENT]) if last - SENT < ours <= last else 0
    if size > WITHHELD:  # it was about to be sent
        record["numbered_packets"] -= 1
        record["numbered_octets"] -= size & (IS_AUDIO - 1)
    note_sent(sizes, last, ours, WITHHELD)
    t.counts[Counter.TRANSPORT_NUMBERS_WITHHELD] += 1
    record["transport_last"] = max(last, ours)
    record["withheld_last"] = max(int(record["withheld_last"]), ours)


@compiled_within
def send_transport_number(t: Tables, slot: int, number: int, octets: int, kind: int) -> int:
    """Our transport-wide number, unwrapped, for a packet to ``slot`` that has the partner's.

    ``octets`` is the length of its payload, ``kind`` its ``TrackKind``. −1 for one from before the
    epoch.
    """
    record = t.slots[slot]
    if record["transport_epoch"] != record["epoch"]:
        ours = max(int(record["transport_last"]), UNWRAPPED_FROM) + 1
        record["transport_shift"] = ours - number
        record["transport_first"] = ours
        record["transport_epoch"] = record["epoch"]
    ours = number + int(record["transport_shift"])
    if ours < record["transport_first"]:
        return -1
    last = int(record["transport_last"])
    size = octets + _LINK_OCTETS
    note_sent(t.sizes[slot], last, ours, size | IS_AUDIO if kind == TrackKind.AUDIO else size)
    record["numbered_packets"] += 1
    record["numbered_octets"] += size
    record["transport_last"] = max(last, ours)
    return ours


@compiled_within
def _note_told(t: Tables, slot: int, data: Octets, at: int, end: int) -> int:
    """Keep what feedback from ``slot`` tells of this hop; a ``DropReason``, or ``RELAYED``."""
    record = t.slots[slot]
    if get16(data, at + 14) > MAX_DELTAS:
        return DropReason.FEEDBACK_ABSURD.value
    last = int(record["transport_last"])
    base = unwrap_near(last, get16(data, at + 12))
    behind = base + get16(data, at + 14)
    if behind > last + 1:
        return DropReason.FEEDBACK_UNSENT.value
    if not feedback_is_whole(data, at, end):
        return DropReason.MALFORMED_RTCP.value
    # each number counts once; what was told as lost may be told as received later
    first = max(int(record["told_last"]) + 1, int(record["transport_first"]))
    if not tally_feedback(data, at, base, first, last, t.sizes[slot], record["told"]):
        return DropReason.FEEDBACK_UNSENT.value
    record["told_last"] = max(int(record["told_last"]), behind - 1)
    return RELAYED


@compiled_inline
def carry_transport_number(
    t: Tables, slot: int, transport: int, octets: int, kind: int, now_ns: int
) -> bool:
    """Put our transport-wide number for a packet from ``slot`` to its partner into ``t.elements``.

    ``transport`` is that of ``slot``, unwrapped, or −1 for none; ``octets`` and ``kind`` are those
    of ``send_transport_number``. False for one from before the epoch.
    """
    partner = int(t.slots[slot]["partner"])
    if transport < 0 or t.slots[partner]["id_of"][Extension.TRANSPORT_WIDE_CC] == 0:
        return True
    ours = send_transport_number(t, partner, transport, octets, kind)
    if ours < 0:
        return False
    t.elements[Extension.TRANSPORT_WIDE_CC] = ours & 0xFFFF
    if t.slots[slot]["feedback_by_partner"] == 0:
        hand_to_partner(t, slot, now_ns)
    return True


@compiled_within
def relay_feedback(t: Tables, slot: int, data: Octets, at: int, end: int) -> int:
    """Pass transport-wide feedback from ``slot`` on to its partner, the sender it is about.

    ``RELAYED``, or the ``DropReason`` for which nothing of it went to the partner.
    """
    record = t.slots[slot]
    source = int(record["partner"])
    if not can_send_to(t, source) or record["transport_epoch"] != record["epoch"]:
        return DropReason.FEEDBACK_NOT_RELAYED.value
    reason = _note_told(t, slot, data, at, end)
    if reason != RELAYED:
        return reason
    sender = t.slots[source]
    if sender["feedback_by_partner"] == 0:
        return DropReason.FEEDBACK_NOT_RELAYED.value
    shift = int(record["transport_shift"])
    begin = control_row(t)
    row = t.rows[begin : begin + ROW_ROOM]
    t.acknowledged[0] = 0
    length = translate_feedback(
        data,
        at,
        end,
        shift,
        max(int(record["transport_first"]), int(sender["feedback_from"]) + shift),
        int(record["transport_last"]),
        _sender(t, source),
        _any_source(t, source),
        t.sizes[slot],
        int(record["withheld_last"]),
        t.deltas,
        row,
        0,
        t.acknowledged,
    )
    if length <= 0:
        return DropReason.FEEDBACK_NOT_RELAYED.value
    told = int(t.acknowledged[0]) - shift
    sender["feedback_told"] = max(int(sender["feedback_told"]), told)
    _send_feedback(t, source, row, length)
    t.counts[Counter.FEEDBACK_RELAYED] += 1
    return RELAYED


@compiled_within
def send_remb(t: Tables, slot: int, bitrate_bps: int) -> None:
    """Hold ``slot`` to a bitrate, in the SSRCs of its video."""
    count = 0
    for place in range(slot * INBOUND, (slot + 1) * INBOUND):
        if t.sources[place]["ssrc"] >= 0 and t.sources[place]["kind"] > TrackKind.AUDIO:
            t.ssrcs[count] = t.sources[place]["ssrc"]
            count += 1
    if count == 0:
        return
    begin = control_row(t)
    row = t.rows[begin : begin + ROW_ROOM]
    length = write_remb(row, 0, _sender(t, slot), bitrate_bps, t.ssrcs, count)
    queue_control(t, slot, length)


@compiled_inline
def answer_when_due(t: Tables, slot: int, now_ns: int) -> None:
    """The timers of this module for ``slot``."""
    record = t.slots[slot]
    state = t.state[0]
    if not can_send_to(t, slot):
        return
    alone = not partner_is_there(t, slot)
    if not alone:
        record["alone_since_ns"] = 0
    elif record["alone_since_ns"] == 0 or record["alone_since_ns"] > now_ns:
        record["alone_since_ns"] = now_ns
    if alone:
        take_back(t, slot, now_ns)
    interval_ns = int(state["feedback_interval_ns"])
    if record["feedback_due_ns"] - now_ns > interval_ns:
        record["feedback_due_ns"] = now_ns  # the clock was set back
    if record["feedback_by_partner"] == 0 and now_ns >= record["feedback_due_ns"]:
        record["feedback_due_ns"] = now_ns + interval_ns
        answer_arrivals(t, slot)
    if record["remb_due_ns"] - now_ns > 1_000_000_000:
        record["remb_due_ns"] = now_ns
    if now_ns < record["remb_due_ns"]:
        return
    record["remb_due_ns"] = now_ns + 1_000_000_000
    if alone:
        if now_ns - int(record["alone_since_ns"]) < int(state["alone_grace_ns"]):
            return
        record["remb_frees"] = FREEING_REMBS
        send_remb(t, slot, int(state["alone_bitrate_bps"]))
    elif record["remb_frees"] > 0:
        record["remb_frees"] -= 1
        send_remb(t, slot, int(state["free_bitrate_bps"]))
