"""A score for each leg, once a second, with what takes it down. Pure."""

from typing import Final

import numpy as np

from sfu.api import LegScore, QualityLevel, Reason, ReasonCode
from sfu.plane import Column
from sfu.quality import emodel, picture
from sfu.quality.measurement import Measurement
from sfu.quality.window import DOWN, QUICK, UP, Figures, Window

EXCELLENT_FROM: Final = 4.02
"""G.107 annex B: R 80, users are satisfied."""

GOOD_FROM: Final = 3.6
"""R 70, some users are dissatisfied."""

LOST_AFTER_S: Final = 3.0
"""Nothing at all came from a browser, whose connectivity checks and RTCP never rest so long."""

UNANSWERED_AFTER_S: Final = 8.0
"""Nothing is said of what goes down; reports of audio alone come every 7.5 s at least."""

FLOWS_FROM: Final = 20.0
"""Packets a second that a browser would have to say something of."""

PAUSED_MOS: Final = 3.0
"""At most that is the way down of someone who should see and only hears."""

RISE: Final = 0.25
"""MOS a second, at most, back up."""

# From where on something is worth a word: figure, least value
WORTH_SAYING: Final = (
    (ReasonCode.LOSS, 1.0),  # percent
    (ReasonCode.UNREPAIRED, 0.2),  # percent of video packets
    (ReasonCode.FREEZES, 2.0),  # percent of the time
    (ReasonCode.JITTER, 30.0),  # ms
    (ReasonCode.DELAY, 300.0),  # ms, there and back
)
_LEAST: Final = np.array([least for _, least in WORTH_SAYING])


def level_of(mos: float) -> QualityLevel:
    """The word for a score."""
    if mos >= EXCELLENT_FROM:
        return QualityLevel.EXCELLENT
    return QualityLevel.GOOD if mos >= GOOD_FROM else QualityLevel.POOR


def leg_opinion(figures: Figures, delay_ms: Column) -> Column:
    """The score of each leg: that of its sound, or of its picture where that is worse."""
    heard = figures.audio_lost, delay_ms, figures.jitter_ms
    by_red = emodel.rating(*heard, emodel.Protection.RED)
    by_fec = emodel.rating(*heard, emodel.Protection.FEC)
    sound = emodel.opinion(np.where(figures.has_red, by_red, by_fec))
    seen = picture.opinion(figures.video_lost, figures.unrepaired, figures.frozen, figures.rtt_ms)
    return np.where(figures.has_video, np.minimum(sound, seen), sound)


class Scores:
    """The legs of ``max_participants`` slots, and the node as a leg of its own."""

    def __init__(self, max_participants: int) -> None:
        self._window = Window(max_participants)
        self._shown = np.full((max_participants, 2), np.nan)
        self._unanswered_s = np.zeros(max_participants)
        self._soundless_s = np.zeros(max_participants)
        self._is_paused = np.zeros(max_participants, bool)
        self._paused_s = np.zeros(max_participants)
        self._delays = _Delays(max_participants)

    def begin(self, slot: int) -> None:
        """A connection begins; nothing is held against it."""
        self._window.clear(slot)
        self._shown[slot] = np.nan
        self._unanswered_s[slot] = self._soundless_s[slot] = 0.0
        self.pause(slot, False)
        self._delays.clear(slot)

    def pause(self, slot: int, is_paused: bool) -> None:
        """From now on a picture is kept from ``slot``, whose downlink is too narrow for it; or no
        longer."""
        self._is_paused[slot] = is_paused
        if not is_paused:
            self._paused_s[slot] = 0.0

    def take(
        self, slots: Column, measured: Measurement, seconds: Column, own: Column
    ) -> list[tuple[LegScore, LegScore]]:
        """The scores of both legs after one more second. ``own`` as in ``Window.take``."""
        self._window.take(slots, measured, seconds, own)
        figures = self._window.figures(slots)
        quick = self._window.figures(slots, QUICK)
        delay_ms = self._delays.take(slots, figures.rtt_ms[:, UP], measured.transit_ms, seconds)
        now = np.minimum(leg_opinion(figures, delay_ms), leg_opinion(quick, delay_ms))
        before = self._shown[slots]
        allowed = np.where(np.isnan(before), now, before + RISE * seconds[:, None])
        # whoever is silent tells nothing of the other direction
        is_mute = measured.up.silent_s > 1.0
        now[:, DOWN] = np.where(is_mute & ~np.isnan(before[:, DOWN]), before[:, DOWN], now[:, DOWN])
        paused_s = self._paused(slots, measured, seconds)
        now[:, DOWN] = np.where(paused_s > 0, np.minimum(now[:, DOWN], PAUSED_MOS), now[:, DOWN])
        lost = self._lost(slots, measured, seconds, is_mute)
        shown = np.where(lost, 1.0, np.minimum(now, allowed))
        self._shown[slots] = shown
        return self._told(shown, lost, figures, measured, self._unanswered_s[slots], paused_s)

    def _paused(self, slots: Column, measured: Measurement, seconds: Column) -> Column:
        """For how long each misses a picture, s: nobody does while the partner is not there."""
        is_heard = measured.down.audio_expected > 0
        self._soundless_s[slots] = np.where(is_heard, 0.0, self._soundless_s[slots] + seconds)
        self._paused_s[slots] += np.where(self._is_paused[slots], seconds, 0.0)
        is_there = self._soundless_s[slots] < UNANSWERED_AFTER_S
        return np.where(is_there, self._paused_s[slots], 0.0)

    def _lost(
        self, slots: Column, measured: Measurement, seconds: Column, is_mute: Column
    ) -> Column:
        flows = measured.down.packets >= FLOWS_FROM * seconds
        is_answered = (measured.down.expected > 0) | ~flows
        waited = np.where(is_answered, 0.0, self._unanswered_s[slots] + seconds)
        self._unanswered_s[slots] = np.where(is_mute, 0.0, waited)
        up = measured.up.silent_s >= LOST_AFTER_S
        down = self._unanswered_s[slots] >= UNANSWERED_AFTER_S
        return np.stack((up, down), axis=1)

    def _told(
        self,
        shown: Column,
        lost: Column,
        figures: Figures,
        measured: Measurement,
        waited: Column,
        paused_s: Column,
    ) -> list[tuple[LegScore, LegScore]]:
        loss = np.where(
            figures.has_video,
            np.maximum(figures.audio_lost, figures.video_lost),
            figures.audio_lost,
        )
        values = np.stack(
            (
                100 * loss,
                100 * figures.unrepaired,
                100 * figures.frozen,
                figures.jitter_ms,
                figures.rtt_ms,
            ),
            axis=2,
        )
        worth = values / _LEAST
        silent = np.stack((measured.up.silent_s, waited), axis=1)
        scores: list[tuple[LegScore, LegScore]] = []
        has_words = (worth >= 1.0).any(2)
        for row, (opinions, losts) in enumerate(zip(shown.tolist(), lost.tolist(), strict=True)):
            legs = []
            for leg in (UP, DOWN):
                reasons: tuple[Reason, ...] = ()
                level = level_of(opinions[leg])
                if losts[leg]:
                    level = QualityLevel.LOST
                    reasons = (Reason(ReasonCode.SILENT, round(float(silent[row, leg]), 1)),)
                elif has_words[row, leg]:
                    reasons = _reasons(values[row, leg], worth[row, leg])
                if leg == DOWN and paused_s[row] > 0 and not losts[leg]:
                    paused = Reason(ReasonCode.PAUSED, round(float(paused_s[row]), 1))
                    reasons = (paused, *reasons)
                legs.append(LegScore(round(opinions[leg], 3), level, reasons))
            scores.append((legs[0], legs[1]))
        return scores


def _reasons(values: Column, worth: Column) -> tuple[Reason, ...]:
    """What is worth saying, the worst first."""
    return tuple(
        Reason(WORTH_SAYING[place][0], round(float(values[place]), 1))
        for place in np.argsort(-worth, kind="stable").tolist()
        if worth[place] >= 1.0
    )


class _Delays:
    """Which part of the round trip is whose.

    RTCP tells the sum. What it has grown by since the connection began, and how much later sender
    reports come than they did then, tell which leg grew; the rest is shared alike. What a leg grew
    by is that leg's for as long as it stays: a route that became longer for good did so on one leg.
    """

    _GROWN_MS: Final = 20.0
    """Less than that is how round trips vary anyway."""

    _CLOCKS_MS: Final = 0.2
    """A second, of clocks that go apart: sender reports that come later by no more are not late.
    Only while the round trip has not grown; else what grew would seem to become less."""

    def __init__(self, max_participants: int) -> None:
        self._least_trip = np.full(max_participants, np.nan)
        self._least_transit = np.full(max_participants, np.nan)
        self._later = np.zeros(max_participants)

    def clear(self, slot: int) -> None:
        self._least_trip[slot] = self._least_transit[slot] = np.nan
        self._later[slot] = 0.0

    def take(self, slots: Column, rtt_ms: Column, transit_ms: Column, seconds: Column) -> Column:
        """Milliseconds one way of each leg: float64[n × 2]."""
        trip = self._least(self._least_trip, slots, np.where(rtt_ms > 0, rtt_ms, np.nan), 0.0)
        grown = np.maximum(rtt_ms - np.nan_to_num(trip), 0.0)
        has_grown = grown >= self._GROWN_MS
        apart_ms = np.where(has_grown, 0.0, self._CLOCKS_MS * seconds)
        transit = self._least(self._least_transit, slots, transit_ms, apart_ms)
        later = np.nan_to_num(transit_ms - transit)
        self._later[slots] += (later - self._later[slots]) * np.minimum(seconds / 2, 1.0)
        upwards = np.clip(self._later[slots], 0.0, grown)
        is_clear = has_grown & ~np.isnan(transit_ms)
        up = np.where(is_clear, (rtt_ms - grown) / 2 + upwards, rtt_ms / 2)
        return np.stack((up, rtt_ms - up), axis=1)

    def _least(
        self, kept: Column, slots: Column, now: Column, forgotten_ms: Column | float
    ) -> Column:
        """The least that was seen; a jump of seconds is another clock."""
        before = kept[slots] + forgotten_ms
        is_other = np.isnan(before) | (np.abs(now - before) > 5000.0)
        least = np.where(is_other, now, np.fmin(before, now))
        kept[slots] = np.where(np.isnan(now), kept[slots], least)
        return kept[slots]
