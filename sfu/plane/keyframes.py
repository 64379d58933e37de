"""Keyframe requests (PLI) to sources: asked again until a keyframe comes, but never a storm.

A keyframe that is wanted of a source stays wanted until the first octets of one arrive. A request,
or the keyframe, may be lost, so it is asked for again: at the soonest after the interval between
requests, and after the round trip, for an answer takes as long. After a few requests the pauses
double, and then it is given up: such a source sends nothing. However many ask, PLI or FIR, a
source hears one request an interval.
"""

from typing import Final

from sfu.compiled import compiled_within
from sfu.plane.counters import Counter
from sfu.plane.layouts import INBOUND, OUTBOUND, Octets, Record, Role
from sfu.plane.outgoing import ROW_ROOM, can_send_to, control_row, queue_control
from sfu.plane.payloads import starts_keyframe
from sfu.plane.rtcp import write_pli
from sfu.plane.tables import Tables
from sfu.rtp.media import TrackKind

_STEADY_TRIES: Final = 4  # requests at the steady interval, before the pauses double
_TRIES: Final = 10  # with the usual interval the last one is 20 s after the first
_PAUSE_NS: Final = 1_000_000_000
_FRAME_GAP_NS: Final = 250_000_000  # a camera in the dark sends 5 to 10 pictures a second
"""A camera that was silent for this long was paused. A screen may just have stood still."""

_LONGEST_TRIP_NS: Final = 1_000_000_000  # a browser that claims more is asked all the same


@compiled_within
def media_role(kind: int) -> int:
    """The ``Role`` of a track's media stream; that of its retransmissions is one more."""
    if kind == TrackKind.AUDIO:
        return Role.AUDIO.value
    return Role.VIDEO.value if kind == TrackKind.VIDEO else Role.SCREEN.value


@compiled_within
def _want(source: Record) -> None:
    if source["keyframe_wanted"] == 0:
        source["keyframe_wanted"] = 1
        source["keyframe_tries"] = 0
    else:  # someone still waits: no long pauses
        source["keyframe_tries"] = min(int(source["keyframe_tries"]), _STEADY_TRIES)


@compiled_within
def want_keyframe(t: Tables, slot: int, kind: int) -> None:
    """Ask the video sources of one kind in ``slot`` for a keyframe as soon as that is allowed.

    ``ask_for_keyframes`` sends the request, at the latest at the next tick.
    """
    t.slots[slot]["pressing"] = 1
    for place in range(slot * INBOUND, (slot + 1) * INBOUND):
        source = t.sources[place]
        wanted = source["ssrc"] >= 0 and source["kind"] == kind and source["rtx"] == 0
        if wanted and source["packets"] > 0 and kind != TrackKind.AUDIO:
            _want(source)


@compiled_within
def note_silence(source: Record, arrival_ns: int) -> None:
    """A media packet of ``source`` came: after a pause a decoder may have nothing to go on from.

    A camera is seen to stand still when nothing comes for longer than any frame rate explains.
    """
    before_ns = int(source["media_ns"])
    source["media_ns"] = arrival_ns
    if source["kind"] != TrackKind.VIDEO or before_ns <= 0:
        return
    gap_ns = arrival_ns - before_ns
    if gap_ns >= _PAUSE_NS:
        _want(source)
    elif gap_ns >= _FRAME_GAP_NS:
        source["frame_gaps"] += 1
        source["frame_gaps_ns"] += gap_ns


@compiled_within
def note_payload(
    t: Tables, source: Record, data: Octets, payload: int, end: int, codec: int
) -> None:
    """A payload of ``source``, of a video ``codec``, is on its way to the receiver.

    One that was retransmitted counts, too; ``codec`` is that of the picture in it.
    """
    if source["keyframe_wanted"] != 0 and starts_keyframe(data, payload, end, codec):
        source["keyframe_wanted"] = 0
        t.counts[Counter.KEYFRAME_ARRIVED] += 1


@compiled_within
def _pause_ns(t: Tables, slot: int, tries: int) -> int:
    """How long to wait after the last of ``tries`` requests."""
    interval_ns = int(t.state[0]["keyframe_interval_ns"])
    trip_ns = min(int(t.slots[slot]["round_trip_ns"]), _LONGEST_TRIP_NS)
    return max(interval_ns, trip_ns) << max(tries - _STEADY_TRIES, 0)


@compiled_within
def ask_for_keyframes(t: Tables, slot: int, now_ns: int) -> None:
    """Send the requests that are wanted of ``slot`` and due."""
    for place in range(slot * INBOUND, (slot + 1) * INBOUND):
        source = t.sources[place]
        if source["keyframe_wanted"] == 0:
            continue
        tries = int(source["keyframe_tries"])
        since_ns = now_ns - int(source["keyframe_asked_ns"])
        if 0 <= since_ns < _pause_ns(t, slot, tries) or not can_send_to(t, slot):
            continue
        if tries >= _TRIES:
            source["keyframe_wanted"] = 0
            t.counts[Counter.KEYFRAME_GIVEN_UP] += 1
            continue
        role = media_role(int(source["kind"]))
        sender = int(t.streams[slot * OUTBOUND + role]["ssrc"])
        if sender < 0:
            sender = int(t.slots[slot]["ssrc"])
        begin = control_row(t)
        row = t.rows[begin : begin + ROW_ROOM]
        length = write_pli(row, 0, sender, int(source["ssrc"]))
        queue_control(t, slot, length)
        source["keyframe_asked_ns"] = now_ns
        source["keyframe_tries"] = tries + 1
        t.counts[Counter.KEYFRAME_ASKED] += 1
