"""Sequence numbers and timestamps that go on when the source of a stream, or its clock, changes.

A *source epoch* of a receiver begins when it gets another partner; within it each outbound stream
follows one source at a constant shift. What belongs before the first packet of an epoch cannot be
numbered without repeating a number that was used, so it is not sent at all.

Timestamps that step back, or far ahead of the time that has passed, are a source's clock that was
set. The receiver's timeline goes on by the time that has passed, and a late packet from before the
step keeps its place in it. Timestamps that fall behind are left alone: so do those of packets that
waited somewhere in the network.
"""

from typing import Final

from sfu.compiled import compiled_within
from sfu.plane.counters import Counter
from sfu.plane.layouts import Record
from sfu.plane.tables import Tables
from sfu.plane.unwrapping import UNWRAPPED_FROM, unwrap_near
from sfu.rtp.media import CLOCK_RATE_AUDIO, CLOCK_RATE_VIDEO, TrackKind

_MOST_AHEAD_S: Final = 10  # beyond it libwebrtc takes a frame for one of another time as well
_MOST_BACK_S: Final = 1  # no codec here sends pictures out of order
_NS: Final = 1_000_000_000
_NO_EPOCH: Final = -1
_MASK32: Final = 0xFFFFFFFF


@compiled_within
def clock_rate(kind: int) -> int:
    """Timestamp units a second of a track."""
    return CLOCK_RATE_AUDIO if kind == TrackKind.AUDIO else CLOCK_RATE_VIDEO


@compiled_within
def clock_ticks(duration_ns: int, rate: int) -> int:
    """A duration in timestamp units; no product on the way is large."""
    return duration_ns // _NS * rate + duration_ns % _NS * rate // _NS


@compiled_within
def time_ahead(timestamp: int, of: int) -> int:
    """How far one 32-bit timestamp is ahead of another: −2³¹ to 2³¹ − 1."""
    return ((timestamp - of + 0x80000000) & _MASK32) - 0x80000000


@compiled_within
def follows(stream: Record, epoch: int, source_ssrc: int) -> bool:
    """Whether the stream's shift is that of this source in this epoch."""
    return bool(stream["epoch"] == epoch and stream["source"] == source_ssrc)


@compiled_within
def follow(stream: Record, epoch: int, source_ssrc: int, sequence: int) -> None:
    """Let the stream follow a source from its packet of that unwrapped number on."""
    if stream["last"] == 0:
        stream["last"] = UNWRAPPED_FROM + int(stream["start"]) - 1
    stream["shift"] = int(stream["last"]) + 1 - sequence
    stream["first"] = int(stream["last"]) + 1
    stream["epoch"] = epoch
    stream["source"] = source_ssrc


@compiled_within
def next_sequence(stream: Record, sequence: int) -> int:
    """Our unwrapped number for the source's, or −1 for one from before the epoch."""
    ours = sequence + int(stream["shift"])
    if ours < stream["first"]:
        return -1
    stream["last"] = max(int(stream["last"]), ours)
    return ours


@compiled_within
def take_back_sequence(stream: Record, last: int) -> None:
    """The packet of the last ``next_sequence``, before which ``last`` was ours, is not sent.

    Its number leaves no hole; was it the first of its source, then that is the next one.
    """
    stream["last"] = last
    if last < stream["first"]:
        stream["epoch"] = _NO_EPOCH


@compiled_within
def next_of_our_own(stream: Record) -> int:
    """The next unwrapped number of a stream that we number ourselves: of retransmissions."""
    if stream["last"] == 0:
        stream["last"] = UNWRAPPED_FROM + int(stream["start"]) - 1
    stream["last"] += 1
    return int(stream["last"])


@compiled_within
def original_sequence(media: Record, number: int) -> int:
    """Our number for the 16-bit original sequence number in a retransmission.

    ``media`` is the stream that the retransmission repairs. −1 for one from before its epoch.
    """
    ours = unwrap_near(int(media["last"]), (number + int(media["shift"])) & 0xFFFF)
    return ours if ours >= media["first"] else -1


@compiled_within
def follow_time(
    media: Record, epoch: int, source_ssrc: int, timestamp: int, arrival_ns: int, rate: int
) -> None:
    """Let the track's timestamps go on from where they were by the time that has passed."""
    if media["time_last_ns"] == 0:
        media["time_shift"] = 0
    else:
        passed = clock_ticks(max(arrival_ns - int(media["time_last_ns"]), 0), rate)
        ours = int(media["time_last"]) + max(passed, 1)
        media["time_shift"] = (ours - timestamp) & _MASK32
    media["time_shift_before"] = media["time_shift"]
    media["time_epoch"] = epoch
    media["time_source"] = source_ssrc


@compiled_within
def next_timestamp(media: Record, timestamp: int, arrival_ns: int) -> int:
    """Our timestamp, in 32 bits, for that of a retransmission or of a packet that comes late."""
    ours = (timestamp + int(media["time_shift"])) & _MASK32
    before = (timestamp + int(media["time_shift_before"])) & _MASK32
    last = int(media["time_last"])
    if media["time_last_ns"] != 0 and abs(time_ahead(before, last)) < abs(time_ahead(ours, last)):
        ours = before
    return _note_timestamp(media, ours, arrival_ns)


@compiled_within
def newest_timestamp(t: Tables, media: Record, timestamp: int, arrival_ns: int, rate: int) -> int:
    """Our timestamp, in 32 bits, for that of the newest packet of the source."""
    ours = (timestamp + int(media["time_shift"])) & _MASK32
    if media["time_last_ns"] != 0:
        passed = clock_ticks(max(arrival_ns - int(media["time_last_ns"]), 0), rate)
        ahead = time_ahead(ours, int(media["time_last"]))
        if not -_MOST_BACK_S * rate <= ahead <= passed + _MOST_AHEAD_S * rate:
            t.counts[Counter.CLOCK_STEPPED] += 1
            media["time_shift_before"] = media["time_shift"]
            ours = (int(media["time_last"]) + max(passed, 1)) & _MASK32
            media["time_shift"] = (ours - timestamp) & _MASK32
    return _note_timestamp(media, ours, arrival_ns)


@compiled_within
def _note_timestamp(media: Record, ours: int, arrival_ns: int) -> int:
    if media["time_last_ns"] == 0 or time_ahead(ours, int(media["time_last"])) > 0:
        media["time_last"] = ours
        media["time_last_ns"] = arrival_ns
    return ours
