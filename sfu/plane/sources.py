"""The sources (SSRCs) that a participant may have: few, and known before libsrtp hears of them.

Every authenticated SSRC costs libsrtp memory and time, so the bound is kept here, in front of it.
"""

from typing import Final

from sfu.compiled import compiled_within
from sfu.plane.counters import Counter
from sfu.plane.layouts import INBOUND, OUTBOUND, SOURCES, TRACKS, Integers, Octets, Record
from sfu.plane.losses import forget_losses
from sfu.plane.pointers import forget_stream
from sfu.plane.rtcp import get8
from sfu.plane.tables import Tables
from sfu.plane.unwrapping import UNWRAPPED_FROM
from sfu.rtp.media import RTX_OFFSET, Codec, Extension, TrackKind

_IDLE_NS: Final = 10_000_000_000
"""A source that was not declared leaves for another one after this much silence."""


@compiled_within
def find_source(t: Tables, slot: int, ssrc: int) -> int:
    """The place of a known source, or −1."""
    for place in range(slot * INBOUND, (slot + 1) * INBOUND):
        if t.sources[place]["ssrc"] == ssrc:
            return place
    return -1


@compiled_within
def place_for_source(t: Tables, slot: int, rtx: bool, now_ns: int) -> int:
    """Where one more source can go: a free place, or that of a silent undeclared one; or −1.

    A slot may have ``SOURCES`` of RTX and as many others.
    """
    free = best = -1
    alike = 0
    for place in range(slot * INBOUND, (slot + 1) * INBOUND):
        source = t.sources[place]
        if source["ssrc"] < 0:
            free = place if free < 0 else free
            continue
        if (source["rtx"] != 0) != rtx:
            continue
        alike += 1
        idle = source["declared"] == 0 and now_ns - source["heard_ns"] >= _IDLE_NS
        if idle and (best < 0 or source["heard_ns"] < t.sources[best]["heard_ns"]):
            best = place
    return free if free >= 0 and alike < SOURCES else best


@compiled_within
def is_ours(t: Tables, slot: int, ssrc: int) -> bool:
    """Whether we send with that SSRC to ``slot``; then it may not (RFC 3550 section 8.2)."""
    if t.slots[slot]["ssrc"] == ssrc:
        return True
    for place in range(slot * OUTBOUND, (slot + 1) * OUTBOUND):
        if t.streams[place]["ssrc"] == ssrc:
            return True
    return False


@compiled_within
def forget_source(t: Tables, place: int) -> None:
    """Free a place, here and in libsrtp."""
    forget_losses(t, place)
    source = t.sources[place]
    if source["ssrc"] >= 0:
        t.counts[Counter.SOURCE_REPLACED] += 1
    if source["ssrc"] >= 0 and source["heard_ns"] > 0:
        forget_stream(t, place // INBOUND, int(source["ssrc"]))
    source["ssrc"] = -1


@compiled_within
def admit_source(t: Tables, place: int, ssrc: int, kind: int, rtx: bool, declared: bool) -> None:
    """Put a source into ``place``; what was there is forgotten."""
    forget_source(t, place)
    t.sources[place] = t.blank_source[0]
    source = t.sources[place]
    source["ssrc"] = ssrc
    source["kind"] = kind
    source["rtx"] = 1 if rtx else 0
    source["declared"] = 1 if declared else 0
    source["highest"] = UNWRAPPED_FROM


@compiled_within
def is_rtx(codec: int) -> bool:
    """Whether a codec is the retransmission of another."""
    return codec > RTX_OFFSET


@compiled_within
def carries(kind: int, rtx: bool, codec: int) -> bool:
    """Whether a source of that kind may send that codec."""
    if kind == TrackKind.AUDIO:
        return not rtx and (codec == Codec.OPUS or codec == Codec.RED)
    return codec >= Codec.VP8 and kind >= 0 and is_rtx(codec) == rtx


@compiled_within
def kind_by_mid(slot: Record, data: Octets, elements: Integers) -> int:
    """The track that the MID element of a packet names, or −1 (RFC 8843 section 9.2)."""
    mid = int(elements[Extension.MID])
    if mid < 0:
        return -1
    at = mid // 256
    length = mid % 256
    for kind in range(TRACKS):
        if slot["mid_lengths"][kind] != length:
            continue
        same = True
        for index in range(length):
            same = same and get8(data, at + index) == slot["mids"][kind, index]
        if same:
            return kind
    return -1
