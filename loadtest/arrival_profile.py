"""When a browser sends how much: a capture of one participant's packets, and its replay.

A profile is a JSON file, one entry a packet in the order of sending::

    {"format": 1, "source": "Chromium 156, …", "at_us": […], "size": […],
     "video": [0, 1, …], "frame_end": [0, 1, …]}

``size`` is that of the UDP payload in octets, SRTP trailer included; ``frame_end`` is the RTP
marker of the last packet of a video frame. Retransmissions and padding are not in it.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]

FORMAT = 1
PROFILES = Path(__file__).parent / "profiles"

AUDIO_PPS = 50
AUDIO_SIZE = 120
VIDEO_PPS = 190
VIDEO_SIZE = 1100
VIDEO_GAP_US = 250
"""The load of one participant: packets per second, mean octets a packet, and the median gap
between the packets of a frame. Chromium hands a frame to a fast loopback with some 15 µs between
its packets, a slower machine or line spreads them; closer packets would flatter a server that
takes many at once.
"""

MIN_SIZE = 80  # what the generator writes into a packet needs this much
MAX_SIZE = 1250


BURST = 1.75
"""A frame of so many times the median's octets is a keyframe."""


class BadProfile(Exception):
    """The file is not an arrival profile; the text says why."""


@dataclass(frozen=True)
class ArrivalProfile:
    """One participant's packets in the order of sending; arrays of equal length.

    Attributes:
        source: what was captured, for the report.
        at_us: when, from the start of the profile on; never falls.
        size: octets of UDP payload.
        video: 1 for video, 0 for audio.
        frame_end: 1 for the last packet of a video frame.
        period_us: after this long the replay begins again.
        step_us: 0, or the one gap between all packets; participants then stand equal parts of it
            apart, so that the packets of all of them come singly and evenly.
    """

    source: str
    at_us: Integers
    size: Integers
    video: Integers
    frame_end: Integers
    period_us: int
    step_us: float = 0.0

    def __len__(self) -> int:
        return len(self.at_us)

    def rate(self, video: bool) -> float:
        """Packets per second of one kind."""
        return int(np.sum(self.video == video)) * 1e6 / self.period_us

    def mean_size(self, video: bool) -> float:
        """Mean octets a packet of one kind."""
        return float(np.mean(self.size[self.video == video]))

    def phases_ns(self, participants: int) -> Integers:
        """How far into the period each participant begins."""
        index = np.arange(participants)
        # the golden ratio spreads any number of phases evenly, and in no step with frames
        phase = self.period_us * (index * 0.618033988749895 % 1.0)
        if self.step_us:
            phase = (phase // self.step_us + index / participants) * self.step_us
        phases: Integers = (phase * 1000).astype(np.int64)
        return phases

    @cached_property
    def keyframe(self) -> Integers:
        """For each packet 1 if it is of a keyframe: of one of the bursts among the frames."""
        chosen = np.flatnonzero(self.video)
        starts = np.unique(_frame_starts(self.frame_end[chosen]))
        octets = np.add.reduceat(self.size[chosen], starts)
        bursts = octets > BURST * np.median(octets)
        flags: Integers = np.zeros(len(self), np.int64)
        flags[chosen] = np.repeat(bursts, np.diff([*starts, len(chosen)]))
        return flags

    @property
    def burst(self) -> tuple[int, int]:
        """A keyframe's packets, of the largest, and the octets of each; (0, 0) when none is one."""
        chosen = np.flatnonzero(self.video)
        starts = np.unique(_frame_starts(self.frame_end[chosen]))
        packets = np.add.reduceat(self.keyframe[chosen], starts)
        if not packets.any():
            return 0, 0
        return int(packets.max()), int(self.size[self.keyframe == 1].mean())

    def frame_gaps_us(self) -> Integers:
        """The times between successive packets of one frame, of all frames."""
        chosen = self.video == 1
        gaps: Integers = np.diff(self.at_us[chosen])[self.frame_end[chosen][:-1] == 0]
        return gaps


def read_profile(path: Path) -> ArrivalProfile:
    """Read a capture. Raises BadProfile, or OSError when there is no such file."""
    try:
        content: dict[str, Any] = json.loads(path.read_text())
        if content["format"] != FORMAT:
            raise BadProfile(f"{path.name}: format {content['format']} is not {FORMAT}")
        fields = [
            np.array(content[name], np.int64) for name in ("at_us", "size", "video", "frame_end")
        ]
        source = str(content["source"])
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise BadProfile(f"{path.name}: {error}") from error
    at_us, size, video, frame_end = fields
    if any(field.shape != at_us.shape or field.ndim != 1 for field in fields):
        raise BadProfile(f"{path.name}: its lists differ in length")
    if not (0 < int(video.sum()) < len(video)) or not frame_end.any():
        raise BadProfile(f"{path.name}: it needs audio and whole frames of video")
    if at_us[0] < 0 or np.any(np.diff(at_us) < 0) or np.any(size <= 0):
        raise BadProfile(f"{path.name}: time falls, or a size is not positive")
    # the pause after the last packet is taken to be the mean one
    period_us = int(at_us[-1] + max(1, (at_us[-1] - at_us[0]) // len(at_us)))
    return ArrivalProfile(source, at_us, size, video, frame_end, period_us)


def write_profile(profile: ArrivalProfile, path: Path) -> None:
    """Write ``profile`` as a capture that ``read_profile`` reads."""
    lines = [f'"format": {FORMAT}', f'"source": {json.dumps(profile.source)}']
    for name in ("at_us", "size", "video", "frame_end"):
        values = ",".join(str(value) for value in getattr(profile, name))
        lines.append(f'"{name}": [{values}]')
    path.write_text("{" + ",\n ".join(lines) + "}\n")


def fitted(
    profile: ArrivalProfile,
    audio_pps: float = AUDIO_PPS,
    audio_size: float = AUDIO_SIZE,
    video_pps: float = VIDEO_PPS,
    video_size: float = VIDEO_SIZE,
    video_gap_us: float | None = VIDEO_GAP_US,
) -> ArrivalProfile:
    """The same stream at a given load.

    Sizes move by one amount for all packets of a kind, so packets of a frame stay as equal as
    they were; so do the gaps between packets of a frame (None leaves them as captured). The
    pauses between frames, and between audio packets, are stretched by one factor.
    """
    kinds = []
    for video, pps in ((False, audio_pps), (True, video_pps)):
        chosen = np.flatnonzero(profile.video == video)
        at_us = profile.at_us[chosen]
        first = _frame_starts(profile.frame_end[chosen]) if video else np.arange(len(chosen))
        offset_us = at_us - at_us[first]
        if video and video_gap_us is not None:
            place = np.arange(len(chosen)) - first
            inside = profile.frame_gaps_us()
            if len(inside):
                offset_us = offset_us + place * round(video_gap_us - float(np.median(inside)))
        stretch = len(chosen) * 1e6 / pps / profile.period_us
        moved = np.round(at_us[first] * stretch).astype(np.int64) + np.maximum(offset_us, 0)
        size = _shifted(profile.size[chosen], video_size if video else audio_size)
        kinds.append((moved, size, chosen, round(profile.period_us * stretch)))
    period_us = min(kind[3] for kind in kinds)
    at_us = np.concatenate([kind[0] for kind in kinds])
    size = np.concatenate([kind[1] for kind in kinds])
    chosen = np.concatenate([kind[2] for kind in kinds])
    order = np.argsort(at_us, kind="stable")
    order = order[at_us[order] < period_us]
    chosen = chosen[order]
    return ArrivalProfile(
        profile.source,
        at_us[order],
        size[order],
        profile.video[chosen],
        profile.frame_end[chosen],
        period_us,
    )


def spread(profile: ArrivalProfile) -> ArrivalProfile:
    """The same packets in the same order of each kind, one by one and evenly in time.

    The worst case for a server that takes and sends packets in batches.
    """
    wish = np.empty(len(profile))  # where a packet of its kind would stand, kinds apart
    for video in (False, True):
        chosen = np.flatnonzero(profile.video == video)
        wish[chosen] = (np.arange(len(chosen)) + 0.5) / len(chosen)
    order = np.argsort(wish, kind="stable")
    step_us = profile.period_us / len(profile)
    return ArrivalProfile(
        profile.source,
        np.round(np.arange(len(profile)) * step_us).astype(np.int64),
        profile.size[order],
        profile.video[order],
        profile.frame_end[order],
        profile.period_us,
        step_us,
    )


def _frame_starts(frame_end: Integers) -> Integers:
    """For each video packet the index of its frame's first."""
    first = np.concatenate([[True], frame_end[:-1] != 0])
    starts: Integers = np.flatnonzero(first)[np.cumsum(first) - 1]
    return starts


def _shifted(size: Integers, mean: float) -> Integers:
    """Sizes moved by one amount to have that mean, kept between the least and the most."""
    moved: Integers = np.clip(size, MIN_SIZE, MAX_SIZE)
    for _ in range(20):  # what is cut off at the ends has to be made up for
        error = round(mean - float(np.mean(moved)))
        if error == 0:
            break
        moved = np.clip(moved + error, MIN_SIZE, MAX_SIZE)
    return moved
