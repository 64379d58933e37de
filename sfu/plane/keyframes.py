"""Keyframe requests (PLI) to sources, throttled, the last one never lost."""

from sfu.compiled import compiled_within
from sfu.plane.outgoing import ROW_ROOM, can_send_to, control_row, queue_control
from sfu.plane.rtcp import write_pli
from sfu.plane.tables import INBOUND, OUTBOUND, Role, Tables
from sfu.rtp.media import TrackKind


@compiled_within
def media_role(kind: int) -> int:
    """The ``Role`` of a track's media stream; that of its retransmissions is one more."""
    if kind == TrackKind.AUDIO:
        return Role.AUDIO.value
    return Role.VIDEO.value if kind == TrackKind.VIDEO else Role.SCREEN.value


@compiled_within
def want_keyframe(t: Tables, slot: int, kind: int) -> None:
    """Ask the video sources of one kind in ``slot`` for a keyframe as soon as that is allowed."""
    for place in range(slot * INBOUND, (slot + 1) * INBOUND):
        source = t.sources[place]
        wanted = source["ssrc"] >= 0 and source["kind"] == kind and source["rtx"] == 0
        if wanted and source["packets"] > 0 and kind != TrackKind.AUDIO:
            source["keyframe_wanted"] = 1


@compiled_within
def ask_for_keyframes(t: Tables, slot: int, now_ns: int) -> None:
    """Send the requests that are wanted of ``slot`` and due."""
    interval_ns = int(t.state[0]["keyframe_interval_ns"])
    for place in range(slot * INBOUND, (slot + 1) * INBOUND):
        source = t.sources[place]
        if source["keyframe_wanted"] == 0:
            continue
        since_ns = now_ns - int(source["keyframe_asked_ns"])
        if 0 <= since_ns < interval_ns or not can_send_to(t, slot):
            continue
        role = media_role(int(source["kind"]))
        sender = int(t.streams[slot * OUTBOUND + role]["ssrc"])
        begin = control_row(t)
        row = t.rows[begin : begin + ROW_ROOM]
        length = write_pli(row, 0, max(sender, 0), int(source["ssrc"]))
        queue_control(t, slot, length)
        source["keyframe_wanted"] = 0
        source["keyframe_asked_ns"] = now_ns
