"""Sequence numbers and timestamps that go on when the source of a stream changes.

A *source epoch* of a receiver begins when it gets another partner; within it each outbound stream
follows one source at a constant shift. What belongs before the first packet of an epoch cannot be
numbered without repeating a number that was used, so it is not sent at all.
"""

from typing import Final

from sfu.compiled import compiled_within
from sfu.plane.feedback import UNWRAPPED_FROM, unwrap_near
from sfu.plane.tables import Record
from sfu.rtp.media import CLOCK_RATE_AUDIO, CLOCK_RATE_VIDEO, TrackKind

_NS: Final = 1_000_000_000
_MASK32: Final = 0xFFFFFFFF


@compiled_within
def clock_rate(kind: int) -> int:
    """Timestamp units a second of a track."""
    return CLOCK_RATE_AUDIO if kind == TrackKind.AUDIO else CLOCK_RATE_VIDEO


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
        elapsed_ns = max(arrival_ns - int(media["time_last_ns"]), 0)
        passed = elapsed_ns // _NS * rate + elapsed_ns % _NS * rate // _NS
        ours = int(media["time_last"]) + max(passed, 1)
        media["time_shift"] = (ours - timestamp) & _MASK32
    media["time_epoch"] = epoch
    media["time_source"] = source_ssrc


@compiled_within
def next_timestamp(media: Record, timestamp: int, arrival_ns: int) -> int:
    """Our timestamp for the source's, in 32 bits."""
    ours = (timestamp + int(media["time_shift"])) & _MASK32
    ahead = (ours - int(media["time_last"])) & _MASK32
    if media["time_last_ns"] == 0 or 0 < ahead < 0x80000000:
        media["time_last"] = ours
        media["time_last_ns"] = arrival_ns
    return ours
