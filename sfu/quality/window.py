"""The last five seconds of each leg, as what a score is made of. Pure."""

from typing import Final, NamedTuple

import numpy as np

from sfu.plane import Column
from sfu.quality.measurement import Leg, Measurement

SECONDS: Final = 5
QUICK: Final = 2
"""A score falls by the worse of the whole window and its last seconds."""

LEAST_PACKETS: Final = 50
"""Loss is taken of this many packets at least: one lost of three says nothing."""

KEYFRAME_FREEZE_S: Final = 0.3
"""A picture that waits for a keyframe: the round trip and the first of it."""

SHAKEN_MS: Final = 30.0
"""Jitter of audio with which a pause of the camera is the path's doing."""

UP: Final = 0
DOWN: Final = 1

# What is summed up, of each leg and second
_AUDIO, _AUDIO_LOST, _REDUNDANT, _VIDEO, _VIDEO_LOST, _GIVEN_UP, _FROZEN_S, _LASTED_S = range(8)
_OWN_VIDEO: Final = 8  # packets of video that the node itself lost
_SUMS: Final = 9
# and what is averaged
_JITTER_MS, _RTT_MS = range(2)
_MEANS: Final = 2


class Figures(NamedTuple):
    """What is known of a part of the window; float64[n × legs], fractions 0 to 1.

    ``has_video`` says whether video flowed at all, ``has_red`` whether sound came in RED.
    """

    audio_lost: Column
    video_lost: Column
    unrepaired: Column
    frozen: Column
    jitter_ms: Column
    rtt_ms: Column
    has_video: Column
    has_red: Column


class Window:
    """Of ``max_participants`` slots."""

    def __init__(self, max_participants: int) -> None:
        self._sums = np.zeros((SECONDS, max_participants, 2, _SUMS))
        self._means = np.full((SECONDS, max_participants, 2, _MEANS), np.nan)

    def clear(self, slot: int) -> None:
        """A new connection begins."""
        self._sums[:, slot] = 0.0
        self._means[:, slot] = np.nan

    def take(self, slots: Column, measured: Measurement, seconds: Column, own: Column) -> None:
        """Add a second. ``own`` is what the node itself lost of what came and what went (0 to 1):
        neither leg is to blame for it."""
        self._sums[1:, slots] = self._sums[:-1, slots]
        self._means[1:, slots] = self._means[:-1, slots]
        for place, leg in ((UP, measured.up), (DOWN, measured.down)):
            video, video_lost = leg.expected - leg.audio_expected, leg.lost - leg.audio_lost
            share = own[place]
            own_video = share * video
            # what is not repaired is given up within a second
            own_given_up = own_video + self._sums[1, slots, place, _OWN_VIDEO]
            given_up = np.maximum(leg.given_up - own_given_up, 0.0)
            columns = (
                leg.audio_expected,
                leg.audio_lost - share * leg.audio_expected,
                leg.redundant,
                video,
                video_lost - own_video,
                given_up,
                _frozen_s(place, leg, given_up, share),
                seconds,
                own_video,
            )
            self._sums[0, slots, place] = np.stack(columns, axis=1)
            self._means[0, slots, place, _JITTER_MS] = leg.jitter_ms
            self._means[0, slots, place, _RTT_MS] = measured.rtt_ms

    def figures(self, slots: Column, length: int = SECONDS) -> Figures:
        """Of the last seconds."""
        sums = self._sums[:length, slots].sum(0)
        audio = np.maximum(sums[..., _AUDIO], LEAST_PACKETS)
        video = np.maximum(sums[..., _VIDEO], LEAST_PACKETS)
        means = self._means[:length, slots]
        known = ~np.isnan(means)
        mean = np.where(known, means, 0.0).sum(0) / np.maximum(known.sum(0), 1)
        return Figures(
            audio_lost=_fraction(sums[..., _AUDIO_LOST], audio),
            video_lost=_fraction(sums[..., _VIDEO_LOST], video),
            unrepaired=_fraction(sums[..., _GIVEN_UP], video),
            frozen=_fraction(sums[..., _FROZEN_S], np.maximum(sums[..., _LASTED_S], 1.0)),
            jitter_ms=mean[..., _JITTER_MS],
            rtt_ms=mean[..., _RTT_MS],
            has_video=sums[..., _VIDEO] > 0,
            has_red=2 * sums[..., _REDUNDANT] > sums[..., _AUDIO],
        )


def _frozen_s(place: int, leg: Leg, given_up: Column, own: Column) -> Column:
    """How long the picture stood still because of the path: only where it shows otherwise, too.

    A camera that is covered, turned on or off, and a keyframe for someone new, are no fault. Nor is
    the node's own loss, of which one leg has more than another, but hardly twice its share.
    """
    is_lossy = leg.lost > 2.0 * own * leg.expected
    if place == DOWN:
        return np.where(is_lossy, KEYFRAME_FREEZE_S * leg.frame_gaps, 0.0)
    is_shaken = np.nan_to_num(leg.jitter_ms) > SHAKEN_MS
    waits = np.where(given_up > 0, KEYFRAME_FREEZE_S, 0.0)
    return waits + np.where(is_lossy | is_shaken, leg.frame_gaps_s, 0.0)


def _fraction(part: Column, whole: Column) -> Column:
    return np.clip(part / whole, 0.0, 1.0)
