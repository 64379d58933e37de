"""The video packets last sent to each participant, in plaintext, for it may ask for them again.

RFC 4588 sends a lost packet again inside another one, so the payload is kept as it was before
encryption, and beside it what the new header needs. Payloads lie one behind the other in an arena
of fixed size, which a slot gets with its first video packet; the oldest are overwritten. Packets
are found by their sequence number, ours, so they can be asked for also after a change of source.

A stretch of an arena is named by how many octets were written in front of it, ever: that says at
once whether it has been overwritten since.
"""

from sfu.compiled import compiled, compiled_within
from sfu.plane.layouts import KEPT_PACKETS, OUTBOUND, Role
from sfu.plane.pointers import DATA, HISTORY, copy
from sfu.plane.tables import Tables
from sfu.rtp.media import Extension


@compiled_within
def kept_place(arena: int, role: int, number: int) -> int:
    """Where the packet of that unwrapped number would be in ``t.kept``."""
    track = 0 if role == Role.VIDEO else 1
    return (arena * 2 + track) * KEPT_PACKETS + number % KEPT_PACKETS


@compiled_within
def forget_history(t: Tables, slot: int) -> None:
    """What was sent to ``slot`` cannot be found any more."""
    arena = int(t.slots[slot]["arena"])
    if arena >= 0:
        t.slots[slot]["history_from"] = t.arenas[arena]


@compiled_within
def release_history(t: Tables, slot: int) -> None:
    """Give the arena of ``slot`` back; the one given back last is the first to be used again."""
    arena = int(t.slots[slot]["arena"])
    if arena >= 0:
        count = int(t.state[0]["free_arena_count"])
        t.free_arenas[count] = arena
        t.state[0]["free_arena_count"] = count + 1
        t.slots[slot]["arena"] = -1


@compiled_within
def _take_arena(t: Tables, slot: int) -> int:
    """There is one for each slot."""
    count = int(t.state[0]["free_arena_count"]) - 1
    arena = int(t.free_arenas[count])
    t.state[0]["free_arena_count"] = count
    t.slots[slot]["arena"] = arena
    t.slots[slot]["history_from"] = t.arenas[arena]
    return arena


@compiled_within
def _is_whole(t: Tables, slot: int, place: int) -> bool:
    """Whether the payload of ``t.kept[place]`` is this slot's and still there."""
    position = int(t.kept[place]["position"])
    record = t.slots[slot]
    written = int(t.arenas[int(record["arena"])]) - position
    return bool(record["history_from"] <= position and written <= t.state[0]["history_octets"])


@compiled
def find_kept(t: Tables, slot: int, role: int, number: int, now_ns: int) -> int:
    """The place in ``t.kept`` of a packet sent to ``slot`` lately; −1 when there is none.

    ``number`` is unwrapped, and ours.
    """
    arena = int(t.slots[slot]["arena"])
    if arena < 0:
        return -1
    place = kept_place(arena, role, number)
    kept = t.kept[place]
    if kept["number"] != number or not _is_whole(t, slot, place):
        return -1
    return place if now_ns - kept["sent_ns"] <= t.state[0]["history_ns"] else -1


@compiled_within
def keep(
    t: Tables,
    slot: int,
    role: int,
    number: int,
    at: int,
    end: int,
    timestamp: int,
    marker: int,
    codec: int,
    now_ns: int,
) -> int:
    """Keep the payload from ``at`` to ``end`` of ``t.data``, on its way to ``slot``.

    ``number`` is unwrapped; it and ``timestamp`` are ours. ``marker`` is 0x80 or 0, ``codec`` that
    of the payload. The header extensions are in ``t.elements``. Returns the place in ``t.kept``,
    or −1: the packet is there already, is older than all that is kept, or does not fit.
    """
    length = end - at
    size = int(t.state[0]["history_octets"])
    record = t.slots[slot]
    has_rtx = t.streams[slot * OUTBOUND + role + 1]["ssrc"] >= 0
    if not has_rtx or size == 0 or length > size:
        return -1
    arena = int(record["arena"])
    if arena < 0:
        arena = _take_arena(t, slot)
    place = kept_place(arena, role, number)
    kept = t.kept[place]
    if kept["number"] >= number and _is_whole(t, slot, place):
        return -1
    position = int(t.arenas[arena])
    into = position % size
    if into + length > size:
        position += size - into
        into = 0
    t.arenas[arena] = position + length
    kept["number"] = number
    kept["position"] = position
    kept["length"] = length
    kept["timestamp"] = timestamp
    kept["marker"] = marker
    kept["codec"] = codec
    kept["orientation"] = t.elements[Extension.VIDEO_ORIENTATION]
    kept["playout_delay"] = t.elements[Extension.PLAYOUT_DELAY]
    kept["sent_ns"] = now_ns
    kept["resends"] = 0
    kept["owed"] = 0
    copy(t, DATA, at, HISTORY, arena * size + into, length)
    return place


@compiled_within
def note_resent(t: Tables, place: int, now_ns: int) -> None:
    """The packet at ``t.kept[place]`` is sent again."""
    t.kept[place]["resends"] += 1
    t.kept[place]["resent_ns"] = now_ns
    t.kept[place]["owed"] = 0


@compiled_within
def note_relayed(t: Tables, place: int, now_ns: int) -> None:
    """The packet at ``t.kept[place]`` passes in a retransmission by its sender.

    However often: a sender repeats recent packets as padding, too.
    """
    t.kept[place]["resends"] = max(int(t.kept[place]["resends"]), 1)
    t.kept[place]["resent_ns"] = now_ns
    t.kept[place]["owed"] = 0
