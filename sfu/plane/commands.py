"""What the shell asks of the plane, carried out on the tables."""

from typing import Any, Final

from sfu.compiled import compiled_within
from sfu.plane.addresses import add_address, remove_addresses
from sfu.plane.answering import FREEING_REMBS, take_back
from sfu.plane.counters import Counter, DropReason
from sfu.plane.history import forget_history, release_history
from sfu.plane.keyframes import ask_for_keyframes, want_keyframe
from sfu.plane.layouts import INBOUND, MID_SIZE, OUTBOUND, Record, Role
from sfu.plane.losses import forget_losses
from sfu.plane.pointers import receive_command
from sfu.plane.records import MAX_MIDS, CommandKind
from sfu.plane.reports import send_goodbye
from sfu.plane.sources import admit_source, find_source, is_ours, place_for_source
from sfu.plane.tables import Tables
from sfu.plane.telling import list_slot, tell_what_is_due
from sfu.rtp.media import TrackKind

_COMMANDS_A_TURN: Final = 1024


@compiled_within
def read_commands(t: Tables, now_ns: int) -> None:
    """Carry out every command that waits in the channel."""
    state = t.state[0]
    size = t.command.itemsize
    for _ in range(_COMMANDS_A_TURN):
        length = receive_command(t)
        if length == 0:  # the shell is gone
            state["running"] = 0
        if length != size:
            return
        carry_out(t, t.command[0], now_ns)
    t.counts[Counter.COMMANDS_WAITED] += 1


@compiled_within
def carry_out(t: Tables, command: Record, now_ns: int) -> None:
    """Carry out one command. One for a slot that is not open is out of date: nothing to do."""
    kind = int(command["kind"])
    slot = int(command["slot"])
    if kind == CommandKind.STOP:
        t.state[0]["running"] = 0
        return
    record = t.slots[slot]
    t.state[0]["slot"] = slot
    if kind == CommandKind.OPEN:
        _open(t, slot, now_ns)
    elif record["open"] == 0:
        return
    if kind == CommandKind.UFRAG:
        _copy(record["ufrag"], record["ufrag_before"])
    if kind == CommandKind.OPEN or kind == CommandKind.UFRAG:
        _copy(command["ufrag"], record["ufrag"])
    elif kind == CommandKind.ADDRESS:
        add_address(t, slot, command["address"])
    elif kind == CommandKind.REMOTE:
        index = add_address(t, slot, command["address"])
        record["remote"] = index
        # it has a while to be heard from before another address may take over
        record["address_heard_ns"][index] = t.state[0]["steady_ns"]
    elif kind == CommandKind.SRTP:
        record["srtp_in"] = command["first"]
        record["srtp_out"] = command["second"]
    elif kind == CommandKind.MEDIA:
        _set_media(t, slot, command, now_ns)
    elif kind == CommandKind.PAIR:
        _pair(t, slot, int(command["first"]), now_ns)
    elif kind == CommandKind.PAUSE:
        record["paused"][Role.VIDEO] = command["first"]
        record["paused"][Role.SCREEN] = command["second"]
    elif kind == CommandKind.CLOSE:
        _close(t, slot, now_ns)


@compiled_within
def _clear(t: Tables, slot: int, now_ns: int) -> None:
    _part(t, slot, now_ns)
    remove_addresses(t, slot)
    release_history(t, slot)
    listed = int(t.slots[slot]["listed"])
    t.slots[slot] = t.blank_slot[0]
    t.slots[slot]["listed"] = listed
    for place in range(slot * INBOUND, (slot + 1) * INBOUND):
        forget_losses(t, place)
        t.sources[place] = t.blank_source[0]
    for place in range(slot * OUTBOUND, (slot + 1) * OUTBOUND):
        t.streams[place] = t.blank_stream[0]


@compiled_within
def _open(t: Tables, slot: int, now_ns: int) -> None:
    _clear(t, slot, now_ns)
    t.slots[slot]["open"] = 1
    list_slot(t, slot)


@compiled_within
def _close(t: Tables, slot: int, now_ns: int) -> None:
    send_goodbye(t, slot)
    _clear(t, slot, now_ns)
    t.slots[slot]["release_untold"] = 1
    tell_what_is_due(t, slot)


@compiled_within
def _part(t: Tables, slot: int, now_ns: int) -> None:
    """End the pair that ``slot`` is in, if any."""
    partner = int(t.slots[slot]["partner"])
    if partner < 0:
        return
    for each in (slot, partner):
        take_back(t, each, now_ns)
        t.slots[each]["partner"] = -1
        if t.slots[each]["remb_relayed"] != 0:  # that estimate was of the path to this partner
            t.slots[each]["remb_relayed"] = 0
            t.slots[each]["remb_frees"] = FREEING_REMBS
            t.slots[each]["remb_due_ns"] = now_ns


@compiled_within
def _pair(t: Tables, slot: int, partner: int, now_ns: int) -> None:
    if t.slots[slot]["partner"] == partner:
        return
    _part(t, slot, now_ns)
    if partner < 0 or t.slots[partner]["open"] == 0:
        return
    _part(t, partner, now_ns)
    t.slots[slot]["partner"] = partner
    t.slots[partner]["partner"] = slot
    for each in (slot, partner):
        t.slots[each]["epoch"] += 1
        want_keyframe(t, each, TrackKind.VIDEO.value)
        want_keyframe(t, each, TrackKind.SCREEN.value)
        ask_for_keyframes(t, each, now_ns)


@compiled_within
def _declare(t: Tables, slot: int, ssrc: int, kind: int, rtx: bool, now_ns: int) -> None:
    if ssrc < 0:
        return
    if is_ours(t, slot, ssrc):
        t.drops[DropReason.SSRC_COLLISION] += 1
        return
    place = find_source(t, slot, ssrc)
    if place < 0:
        place = place_for_source(t, slot, rtx, now_ns)
        if place < 0:  # full of undeclared ones: a declared one counts for more
            for each in range(slot * INBOUND, (slot + 1) * INBOUND):
                if t.sources[each]["declared"] == 0 and (t.sources[each]["rtx"] != 0) == rtx:
                    place = each
        if place < 0:
            return
        admit_source(t, place, ssrc, kind, rtx, True)
    source = t.sources[place]
    source["kind"] = kind
    source["rtx"] = 1 if rtx else 0
    source["declared"] = 1


@compiled_within
def _copy(source: Any, target: Any) -> None:
    """Element by element: an assignment of slices would allocate."""
    for index in range(source.size):
        target[index] = source[index]


@compiled_within
def _set_stream(t: Tables, place: int, ssrc: int, start: int) -> None:
    """Send the stream with this SSRC from now on, or, with −1, no more.

    One that comes back with the SSRC it had goes on where it was: SRTP takes no number twice under
    one key (RFC 3711 section 9.1), and its receiver's decoder is the same.
    """
    stream = t.streams[place]
    if ssrc < 0:
        stream["ssrc_before"] = stream["ssrc"]
        stream["ssrc"] = -1
    elif stream["ssrc_before"] == ssrc:
        stream["ssrc"] = ssrc
        stream["epoch"] = stream["time_epoch"] = stream["picture_epoch"] = -1  # follow anew
    else:
        t.streams[place] = t.blank_stream[0]
        t.streams[place]["ssrc"] = ssrc
        t.streams[place]["start"] = start


@compiled_within
def _set_media(t: Tables, slot: int, command: Record, now_ns: int) -> None:
    """Take over a MediaMap. Sources and streams whose SSRCs stay go on as they are."""
    record = t.slots[slot]
    record["media"] = 1
    _copy(command["codec_of"], record["codec_of"])
    _copy(command["extension_of"], record["extension_of"])
    _copy(t.blank_slot[0]["payload_of"], record["payload_of"])
    _copy(t.blank_slot[0]["id_of"], record["id_of"])
    # of several payload types of a codec the first listed is the lowest: go down to it
    for payload_type in range(127, -1, -1):
        codec = command["codec_of"][payload_type]
        if codec != 0:
            record["payload_of"][codec] = payload_type
    for identity in range(14, 0, -1):
        kind = command["extension_of"][identity]
        if kind != 0:
            record["id_of"][kind] = identity
    _copy(command["cname"], record["cname"])
    record["cname_length"] = command["cname_length"]
    for role in range(OUTBOUND):
        ssrc = int(command["outbound_ssrcs"][role])
        if t.streams[slot * OUTBOUND + role]["ssrc"] != ssrc:
            forget_history(t, slot)
            _set_stream(t, slot * OUTBOUND + role, ssrc, int(command["starts"][role]))
    record["ssrc"] = command["ssrc"]
    for role in range(OUTBOUND - 1, -1, -1):  # rather that of a stream, the first there is
        if command["outbound_ssrcs"][role] >= 0:
            record["ssrc"] = command["outbound_ssrcs"][role]
    for place in range(slot * INBOUND, (slot + 1) * INBOUND):
        t.sources[place]["declared"] = 0
    for kind in range(MAX_MIDS):
        length = int(command["mid_lengths"][kind]) if command["inbound"][kind] != 0 else 0
        record["mid_lengths"][kind] = length if 0 < length <= MID_SIZE else -1
        _copy(command["mids"][kind], record["mids"][kind])
        if command["inbound"][kind] != 0:
            _declare(t, slot, int(command["inbound_ssrcs"][kind, 0]), kind, False, now_ns)
            _declare(t, slot, int(command["inbound_ssrcs"][kind, 1]), kind, True, now_ns)
