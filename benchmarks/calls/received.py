"""Arithmetic on what a browser says it received. Pure; times are Unix seconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np

# A freeze by the definition of freezeCount in webrtc-stats: a frame that comes later than
# max(3 δ, δ + 150 ms) after the one before, δ being the mean of the last 30 intervals.
FREEZE_FACTOR, FREEZE_MORE_S, FREEZE_MEMORY = 3.0, 0.150, 30


@dataclass(frozen=True)
class Look:
    """The counters of one page at one time, since the connection began.

    Attributes:
        at_s: when.
        video_bytes: of payload, resends included.
        frames: of video, decoded.
        freezes, frozen_s: as the browser itself counts them; one that lasts is not in it yet.
        keyframes: decoded.
        video_packets, video_lost: received; lost before repair (``packetsLost``).
        resent: packets that came by RTX.
        nacks, plis: sent.
        audio_packets, audio_lost: received; lost.
        samples, concealed: of audio at the player; made up for packets that were not there,
            silence not counted.
        width, height: of the picture.
    """

    at_s: float
    video_bytes: int = 0
    frames: int = 0
    freezes: int = 0
    frozen_s: float = 0.0
    keyframes: int = 0
    video_packets: int = 0
    video_lost: int = 0
    resent: int = 0
    nacks: int = 0
    plis: int = 0
    audio_packets: int = 0
    audio_lost: int = 0
    samples: int = 0
    concealed: int = 0
    width: int = 0
    height: int = 0

    @classmethod
    def read(cls, found: dict[str, Any]) -> Self:
        """From ``__probe.received()``."""
        video, audio = found["video"] or {}, found["audio"] or {}
        return cls(
            at_s=found["at"] / 1000,
            video_bytes=video.get("bytesReceived", 0),
            frames=video.get("framesDecoded", 0),
            freezes=video.get("freezeCount", 0),
            frozen_s=video.get("totalFreezesDuration", 0.0),
            keyframes=video.get("keyFramesDecoded", 0),
            video_packets=video.get("packetsReceived", 0),
            video_lost=video.get("packetsLost", 0),
            resent=video.get("retransmittedPacketsReceived", 0),
            nacks=video.get("nackCount", 0),
            plis=video.get("pliCount", 0),
            audio_packets=audio.get("packetsReceived", 0),
            audio_lost=audio.get("packetsLost", 0),
            samples=audio.get("totalSamplesReceived", 0),
            concealed=audio.get("concealedSamples", 0) - audio.get("silentConcealedSamples", 0),
            width=video.get("frameWidth", 0),
            height=video.get("frameHeight", 0),
        )


def longest_gap_s(frames_s: Sequence[float], from_s: float, until_s: float) -> float:
    """The longest time without a new picture; the ends of the span count as pictures."""
    inside = [from_s, *(at for at in frames_s if from_s < at < until_s), until_s]
    return max(later - earlier for earlier, later in pairwise(inside))


def frozen_s(frames_s: Sequence[float], until_s: float) -> float:
    """Time in freezes, from the times at which pictures were shown; also one that lasts.

    As ``totalFreezesDuration``: a frozen interval counts whole.
    """
    intervals: list[float] = []
    total = 0.0
    for earlier, later in pairwise([*frames_s, until_s]):
        interval = later - earlier
        if intervals:
            mean = sum(intervals) / len(intervals)
            if interval >= max(FREEZE_FACTOR * mean, mean + FREEZE_MORE_S):
                total += interval
        intervals = [*intervals, interval][-FREEZE_MEMORY:]
    return total


def share_pct(part: float, whole: float) -> float:
    """In percent; 0 of nothing."""
    return 100 * part / whole if whole else 0.0


def mean_bps(looks: Sequence[Look], from_s: float, until_s: float) -> float:
    """Mean rate of video over a span, between looks by linear interpolation."""
    times = [look.at_s for look in looks]
    octets = [float(look.video_bytes) for look in looks]
    first, last = np.interp([from_s, until_s], times, octets)
    return float(last - first) * 8 / (until_s - from_s)


def recovery_s(
    looks: Sequence[Look], freed_s: float, wanted_bps: float, span_s: float = 2.0
) -> float | None:
    """How long after ``freed_s`` video first had that rate, as the mean of the last ``span_s``.

    None when it never had.
    """
    for look in looks:
        began_s = look.at_s - span_s
        if look.at_s < freed_s or began_s < looks[0].at_s:
            continue
        # a little less, for a rate that is just reached is not missed by rounding
        if mean_bps(looks, began_s, look.at_s) >= wanted_bps * 0.999999:
            return look.at_s - freed_s
    return None


def between(first: Look, last: Look) -> dict[str, float]:
    """What came from one look to another, for a report."""
    seconds = last.at_s - first.at_s
    audio = last.audio_packets - first.audio_packets
    audio_lost = last.audio_lost - first.audio_lost
    return {
        "seconds": round(seconds, 2),
        "video_bps": round((last.video_bytes - first.video_bytes) * 8 / seconds),
        "frames_per_s": round((last.frames - first.frames) / seconds, 2),
        "width": last.width,
        "height": last.height,
        "freezes": last.freezes - first.freezes,
        "frozen_pct": round(share_pct(last.frozen_s - first.frozen_s, seconds), 3),
        "keyframes": last.keyframes - first.keyframes,
        "video_packets": last.video_packets - first.video_packets,
        "video_lost": last.video_lost - first.video_lost,
        "resent": last.resent - first.resent,
        "nacks": last.nacks - first.nacks,
        "plis": last.plis - first.plis,
        "audio_lost_pct": round(share_pct(audio_lost, audio + audio_lost), 3),
        "audio_concealed_pct": round(
            share_pct(last.concealed - first.concealed, last.samples - first.samples), 3
        ),
    }
