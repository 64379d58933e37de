"""How the connections of a consultation do: five legs, second by second, told in words. Pure.

What was measured and how it is scored is the node's; docs/quality.md has it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

PERIOD_S = 5.0
BEST_MOS = 4.5
SECOND_S = 1.0  # after which scores come again, a little sooner or later


class Level(StrEnum):
    """How a connection does, from the other side's chair."""

    EXCELLENT = "excellent"
    GOOD = "good"
    POOR = "poor"
    LOST = "lost"


class Leg(StrEnum):
    """One direction of one side's connection, seen from the node; or the node itself."""

    CLIENT_UP = "client_up"
    CLIENT_DOWN = "client_down"
    SPECIALIST_UP = "specialist_up"
    SPECIALIST_DOWN = "specialist_down"
    NODE = "node"


@dataclass(frozen=True)
class PausedVideo:
    """What is not sent to a participant because the connection is too slow for it."""

    camera: bool = False
    screen: bool = False


@dataclass(frozen=True)
class Reason:
    """What takes a score down; docs/quality.md has the codes and the units of their numbers."""

    code: str
    value: float


@dataclass(frozen=True)
class Score:
    """One leg over a second or more. ``mos`` is 1 to 4.5; None where nothing is known.

    ``expected`` packets are those whose fate became known, ``lost`` of these; the rest as the node
    has it (``sfu.api.LegQuality``).
    """

    mos: float
    level: Level
    reasons: tuple[Reason, ...] = ()
    expected: int = 0
    lost: int = 0
    jitter_ms: float | None = None
    video_jitter_ms: float | None = None
    rtt_ms: float | None = None
    bitrate_bps: float | None = None
    packets: int | None = None
    repaired: int | None = None
    given_up: int | None = None
    freezes: int | None = None
    silent_s: float | None = None

    def to_json(self) -> dict[str, Any]:
        """As it is stored, told, and put into receipts."""
        return {
            "mos": round(self.mos, 3),
            "level": self.level.value,
            "reasons": [{"code": each.code, "value": each.value} for each in self.reasons],
            "expected": self.expected,
            "lost": self.lost,
            "jitter_ms": _rounded(self.jitter_ms),
            "video_jitter_ms": _rounded(self.video_jitter_ms),
            "rtt_ms": _rounded(self.rtt_ms),
            "bitrate_bps": None if self.bitrate_bps is None else round(self.bitrate_bps),
            "packets": self.packets,
            "repaired": self.repaired,
            "given_up": self.given_up,
            "freezes": self.freezes,
            "silent_s": _rounded(self.silent_s),
        }


@dataclass(frozen=True)
class Period:
    """Some seconds of a consultation, from ``at`` (Unix seconds) on."""

    at: float
    duration_s: float
    legs: Mapping[Leg, Score]

    def to_json(self) -> dict[str, Any]:
        """As it is stored and told."""
        legs = {leg.value: score.to_json() for leg, score in sorted(self.legs.items())}
        return {"at": self.at, "duration_s": round(self.duration_s, 1), "legs": legs}


class Timeline:
    """The seconds of a consultation on their way to periods of five."""

    def __init__(self) -> None:
        self._began_at: float | None = None
        self._last_at = 0.0
        self._seconds: dict[Leg, list[Score]] = {}

    def take(self, scores: Mapping[Leg, Score], at: float) -> Period | None:
        """Scores of the second that ended ``at``; the period before it, when that is over."""
        over = None
        if self._began_at is not None and at - self._began_at > PERIOD_S - SECOND_S / 2:
            over = self.finish()
        if self._began_at is None:
            self._began_at = at
        self._last_at = at
        for leg, score in scores.items():
            self._seconds.setdefault(leg, []).append(score)
        return over

    def finish(self) -> Period | None:
        """The period that has begun, as far as it is known."""
        if self._began_at is None:
            return None
        # the scores of a second come at its end
        duration_s = min(max(self._last_at - self._began_at + SECOND_S, SECOND_S), PERIOD_S)
        legs = {leg: _together(seconds) for leg, seconds in self._seconds.items()}
        period = Period(self._began_at - SECOND_S, duration_s, legs)
        self._began_at, self._seconds = None, {}
        return period


def worst(scores: Mapping[Leg, Score]) -> Leg | None:
    """The leg to blame first."""
    return min(scores, key=lambda leg: (scores[leg].mos, leg)) if scores else None


def summary(periods: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Stored periods in a few numbers: of each leg its mean and least score and the part of the
    time at each level; and the verdict, the leg that was worst with the reasons of its worst
    period. Worst is what took most from the call while it was poor or lost; where nothing was, the
    lowest mean score. None when nothing was measured."""
    by_leg: dict[str, list[tuple[float, Mapping[str, Any]]]] = {}
    for period in periods:
        for leg, score in period["legs"].items():
            by_leg.setdefault(leg, []).append((period["duration_s"], score))
    if not by_leg:
        return None
    legs = {leg: _summed_up(by_leg[leg]) for leg in sorted(by_leg)}
    blamed = min(legs, key=lambda leg: (-_taken(by_leg[leg]), _mean_mos(by_leg[leg]), leg))
    _, at_worst = min(by_leg[blamed], key=lambda each: float(each[1]["mos"]))
    verdict = {
        "leg": blamed,
        "mos": legs[blamed]["mos"],
        "level": at_worst["level"],
        "reasons": list(at_worst["reasons"]),
    }
    return {"legs": legs, "verdict": verdict}


def _taken(scored: Sequence[tuple[float, Mapping[str, Any]]]) -> float:
    """What the periods that were poor or lost lack to the best score, times seconds."""
    bad = (Level.POOR.value, Level.LOST.value)
    lacked: float = sum(
        s * (BEST_MOS - score["mos"]) for s, score in scored if score["level"] in bad
    )
    return lacked


def _mean_mos(scored: Sequence[tuple[float, Mapping[str, Any]]]) -> float:
    lasted_s = sum(duration_s for duration_s, _ in scored)
    mean: float = sum(s * score["mos"] for s, score in scored) / lasted_s
    return mean


def _summed_up(scored: Sequence[tuple[float, Mapping[str, Any]]]) -> dict[str, Any]:
    lasted_s = sum(duration_s for duration_s, _ in scored)
    levels = dict.fromkeys((level.value for level in Level), 0.0)
    for duration_s, score in scored:
        levels[score["level"]] += duration_s / lasted_s
    expected = sum(score["expected"] for _, score in scored)
    lost = sum(score["lost"] for _, score in scored)
    return {
        "mos": round(_mean_mos(scored), 2),
        "least_mos": min(score["mos"] for _, score in scored),
        "levels": {level: round(part, 3) for level, part in levels.items()},
        "loss_pct": _loss_pct(expected, lost),
    }


def _together(seconds: Sequence[Score]) -> Score:
    """One score of several: the mean, with the level and the reasons of the worst second; sums of
    what is counted, and the longest silence."""
    lowest = min(seconds, key=lambda each: each.mos)
    return Score(
        mos=sum(each.mos for each in seconds) / len(seconds),
        level=lowest.level,
        reasons=lowest.reasons,
        expected=sum(each.expected for each in seconds),
        lost=sum(each.lost for each in seconds),
        jitter_ms=_mean([each.jitter_ms for each in seconds]),
        video_jitter_ms=_mean([each.video_jitter_ms for each in seconds]),
        rtt_ms=_mean([each.rtt_ms for each in seconds]),
        bitrate_bps=_mean([each.bitrate_bps for each in seconds]),
        packets=_sum([each.packets for each in seconds]),
        repaired=_sum([each.repaired for each in seconds]),
        given_up=_sum([each.given_up for each in seconds]),
        freezes=_sum([each.freezes for each in seconds]),
        silent_s=max((s for each in seconds if (s := each.silent_s) is not None), default=None),
    )


def _loss_pct(expected: int, lost: int) -> float | None:
    return round(100 * max(lost, 0) / expected, 2) if expected > 0 else None


def _sum(counts: Sequence[int | None]) -> int | None:
    known = [each for each in counts if each is not None]
    return sum(known) if known else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [each for each in values if each is not None]
    return sum(known) / len(known) if known else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
