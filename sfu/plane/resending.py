"""Answering a receiver's NACK from the history, by RTX (RFC 4588).

Every resend is a packet of its own on the receiver's RTX stream. It has no transport-wide number,
so that the feedback relayed to the sender tells of the sender's own packets only. A packet goes
again a few times at most, and never twice within a round trip of its receiver, as the last report
tells it: the second request has then crossed the first answer. Nobody knows yet whether that answer
arrived, and the receiver asks again only after another round trip, so a crossed answer is repeated
once when the round trip is over. What the node lacks itself is on the list of ``losses`` and is
forwarded as soon as it comes. All resends together are a share of the video sent to the receiver;
of a picture that is paused there are none.
"""

from typing import Final

from sfu.compiled import compiled_within
from sfu.plane.bucket import level_after
from sfu.plane.continuity import next_of_our_own
from sfu.plane.counters import Counter
from sfu.plane.history import find_kept, note_resent
from sfu.plane.layouts import EXTENSIONS, OUTBOUND, OWED, RESEND_CREDIT, Role
from sfu.plane.losses import UNKNOWN_ROUND_TRIP_NS, wake_by
from sfu.plane.outgoing import can_send_to, control_row, queue_row
from sfu.plane.packet import ROOM_FOR_HEADER, write_header
from sfu.plane.pointers import HISTORY, ROWS, copy
from sfu.plane.rtcp import get16, put16
from sfu.plane.tables import Tables
from sfu.plane.unwrapping import unwrap_near
from sfu.rtp.media import RTX_OFFSET, Extension

_RESENDS: Final = 6  # of a packet; that its sender sent it again counts as one
_LEAST_TRIP_NS: Final = 20_000_000
_ENTRIES_S: Final = 1000  # of NACKs, each up to 17 packets, looked up a second and participant
_CREDIT_A_RESEND: Final = 100


@compiled_within
def allow_resends(t: Tables, slot: int) -> None:
    """A video packet goes to ``slot``: this much more may be sent to it again."""
    record = t.slots[slot]
    credit = int(record["resend_credit"]) + int(t.state[0]["resend_percent"])
    record["resend_credit"] = min(credit, RESEND_CREDIT)


@compiled_within
def resend(t: Tables, slot: int, stream_place: int, at: int, end: int, now_ns: int) -> None:
    """Send again what ``slot``, which can be sent to, asks for in a NACK about one of its streams.

    The NACK is from ``at`` to ``end`` of ``t.data``.
    """
    role = stream_place % OUTBOUND
    rtx = t.streams[stream_place + 1]["ssrc"] if role in (Role.VIDEO, Role.SCREEN) else -1
    if rtx < 0:
        t.counts[Counter.RESENDS_WITHOUT_RTX] += 1
        return
    record = t.slots[slot]
    for entry in range(at + 12, end - 3, 4):
        full_ns = level_after(int(record["nack_full_ns"]), now_ns, _ENTRIES_S, _ENTRIES_S)
        if full_ns < 0:
            t.counts[Counter.NACKS_OVER_RATE] += 1
            return
        record["nack_full_ns"] = full_ns
        number = get16(t.data, entry)
        wanted = (get16(t.data, entry + 2) << 1) | 1
        while wanted:
            if wanted & 1:
                _resend_one(t, slot, stream_place, number & 0xFFFF, now_ns)
            wanted >>= 1
            number += 1


@compiled_within
def _resend_one(t: Tables, slot: int, stream_place: int, number: int, now_ns: int) -> None:
    """Send the packet of that 16-bit number again, if it is there and may be."""
    role = stream_place % OUTBOUND
    ours = unwrap_near(int(t.streams[stream_place]["last"]), number)
    place = find_kept(t, slot, role, ours, now_ns)
    if place < 0:
        t.counts[Counter.RESENDS_NOT_KEPT] += 1
        return
    if _early_ns(t, slot, place, now_ns) > 0:
        t.counts[Counter.RESENDS_TOO_SOON] += 1
        _owe(t, slot, role, place, now_ns)
    else:
        _resend_kept(t, slot, stream_place, place, now_ns)


@compiled_within
def _early_ns(t: Tables, slot: int, place: int, now_ns: int) -> int:
    """How much is left of the round trip since ``t.kept[place]`` was sent again; ≤ 0: nothing."""
    kept = t.kept[place]
    since_ns = now_ns - int(kept["resent_ns"])
    if kept["resends"] == 0 or since_ns < 0:  # the clock was set back
        return 0
    trip_ns = int(t.slots[slot]["round_trip_ns"])
    if trip_ns < 0:
        trip_ns = UNKNOWN_ROUND_TRIP_NS
    return max(trip_ns, _LEAST_TRIP_NS) - since_ns


@compiled_within
def _owe(t: Tables, slot: int, role: int, place: int, now_ns: int) -> None:
    """Remember to send ``t.kept[place]`` again as soon as it may be, once for all such requests."""
    record = t.slots[slot]
    kept = t.kept[place]
    count = int(record["owed_count"])
    if kept["owed"] != 0:
        return
    if count >= OWED:
        t.counts[Counter.RESENDS_NOT_OWED] += 1
        return
    kept["owed"] = 1
    record["owed"][count] = int(kept["number"]) * 2 + (1 if role == Role.SCREEN else 0)
    record["owed_count"] = count + 1
    record["pressing"] = 1
    wake_by(t, now_ns + _early_ns(t, slot, place, now_ns), now_ns)


@compiled_within
def resend_when_due(t: Tables, slot: int, now_ns: int) -> None:
    """The timer of this module for ``slot``."""
    record = t.slots[slot]
    left = 0
    for index in range(int(record["owed_count"])):
        owed = int(record["owed"][index])
        role = Role.VIDEO if owed % 2 == 0 else Role.SCREEN
        place = find_kept(t, slot, role, owed // 2, now_ns)
        if place < 0 or t.kept[place]["owed"] == 0:  # gone, or sent again meanwhile
            continue
        early_ns = _early_ns(t, slot, place, now_ns)
        if early_ns > 0:
            wake_by(t, now_ns + early_ns, now_ns)
            record["owed"][left] = owed
            left += 1
            continue
        t.kept[place]["owed"] = 0
        if can_send_to(t, slot):
            _resend_kept(t, slot, slot * OUTBOUND + role, place, now_ns)
    record["owed_count"] = left


@compiled_within
def _resend_kept(t: Tables, slot: int, stream_place: int, place: int, now_ns: int) -> None:
    """Send ``t.kept[place]`` again, unless that was often enough, or it is paused."""
    record = t.slots[slot]
    kept = t.kept[place]
    if record["paused"][stream_place % OUTBOUND] != 0:
        t.counts[Counter.RESENDS_PAUSED] += 1
    elif kept["resends"] >= _RESENDS:
        t.counts[Counter.RESENDS_TOO_OFTEN] += 1
    elif record["resend_credit"] < _CREDIT_A_RESEND:
        t.counts[Counter.RESENDS_OVER_RATE] += 1
    elif _send_kept(t, slot, stream_place, place):
        note_resent(t, place, now_ns)
        record["resend_credit"] -= _CREDIT_A_RESEND
        t.streams[stream_place]["resends"] += 1
        t.counts[Counter.RESENDS] += 1


@compiled_within
def _send_kept(t: Tables, slot: int, stream_place: int, place: int) -> bool:
    """Build the RTX packet of ``t.kept[place]`` and queue it."""
    record = t.slots[slot]
    kept = t.kept[place]
    rtx = t.streams[stream_place + 1]
    payload_type = int(record["payload_of"][int(kept["codec"]) + RTX_OFFSET])
    if payload_type < 0:
        t.counts[Counter.RESENDS_WITHOUT_RTX] += 1
        return False
    length = int(kept["length"])
    size = int(t.state[0]["history_octets"])
    payload = control_row(t) + ROOM_FOR_HEADER
    put16(t.rows, payload, int(kept["number"]) & 0xFFFF)
    kept_at = int(record["arena"]) * size + int(kept["position"]) % size
    copy(t, HISTORY, kept_at, ROWS, payload + 2, length)
    for kind in range(EXTENSIONS):
        t.elements[kind] = -1
    t.elements[Extension.VIDEO_ORIENTATION] = kept["orientation"]
    t.elements[Extension.PLAYOUT_DELAY] = kept["playout_delay"]
    begin = write_header(
        t.rows,
        payload,
        int(kept["marker"]),
        payload_type,
        next_of_our_own(rtx) & 0xFFFF,
        int(kept["timestamp"]),
        int(rtx["ssrc"]),
        record,
        t.elements,
    )
    if not queue_row(t, slot, begin, payload + 2 + length):
        return False
    rtx["packets"] += 1
    rtx["octets"] += 2 + length
    return True
