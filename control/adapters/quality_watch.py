"""What the node measures of consultations: told to the pages, kept, and summed up at the end."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from control.accounts import is_synthetic
from control.adapters.audience import Audience
from control.adapters.errands import Errands
from control.adapters.live import LiveConsultations
from control.adapters.quality_records import QualityRecords
from control.adapters.scheduler import Clock
from control.consultations.commands import NoteQuality
from control.consultations.consultation import Consultation
from control.consultations.liveness import Link, LinkState
from control.consultations.parties import Role
from control.consultations.quality import (
    Leg,
    Level,
    Period,
    Reason,
    Score,
    Timeline,
    summary,
    worst,
)
from sfu.api import ConnectionQuality, LegQuality, LegScore, ReasonCode

Word = tuple[Level | None, Leg | None, str | None]
"""The level of the worst leg and, unless it is excellent, that leg and its worst reason."""

LEGS = {
    Role.CLIENT: (Leg.CLIENT_UP, Leg.CLIENT_DOWN),
    Role.SPECIALIST: (Leg.SPECIALIST_UP, Leg.SPECIALIST_DOWN),
}

SUSPECT_MOS: Final = 2.0
"""At most that is the way up of someone who is silent, and of whom nobody is told yet."""


TELL_EVERY_S: Final = 5.0
"""The pages hear the same word about a connection again after so long, with new figures."""


@dataclass
class _Followed:
    """A consultation that is measured. Those of load tests are in no figure of all calls."""

    is_synthetic: bool
    timeline: Timeline = field(default_factory=Timeline)
    told: dict[Role, tuple[Word, float]] = field(default_factory=dict)

    def is_news(self, role: Role, word: Word, now: float) -> bool:
        """Whether the pages are to hear it. A narrow connection has better use for its bits than
        to hear the same each second."""
        before, at = self.told.get(role, (None, -math.inf))
        # Reports come a second apart, more or less.
        if word == before and now - at < TELL_EVERY_S - 0.5:
            return False
        self.told[role] = word, now
        return True


class QualityWatch:
    """Follows all consultations with a room. ``observe`` takes each period as it ends, but those
    of load tests."""

    def __init__(
        self,
        live: LiveConsultations,
        audience: Audience,
        errands: Errands,
        records: QualityRecords,
        clock: Clock,
        observe: Callable[[Period], None],
    ) -> None:
        self._live = live
        self._audience = audience
        self._errands = errands
        self._records = records
        self._clock = clock
        self._observe = observe
        self._followed: dict[str, _Followed] = {}

    def take(self, consultation: Consultation, role: Role, measured: ConnectionQuality) -> None:
        """The node measured a second of a participant's connection. Not waited for."""
        legs = _scores(role, measured)
        up, _ = LEGS[role]
        now = self._clock()
        legs[up] = _judged(legs[up], consultation.links[role], now)
        followed = self._followed.setdefault(
            consultation.id, _Followed(is_synthetic(consultation.client.id))
        )
        if followed.is_news(role, _word(legs), now):
            self._audience.quality(consultation, role, legs)
        period = followed.timeline.take(legs, now)
        if period is not None:
            self._note(period, followed)
            self._errands.send(self._records.add(consultation.id, period))

    async def over(self, consultation_id: str) -> None:
        """The room is closed: sum up what was measured, for the record of the consultation."""
        followed = self._followed.pop(consultation_id, None)
        period = followed.timeline.finish() if followed else None
        if followed is not None and period is not None:
            self._note(period, followed)
            await self._records.add(consultation_id, period)
        # also of what was measured before control was started again
        summed_up = summary(await self._records.of(consultation_id))
        if summed_up is not None:
            done = self._records.summed_up(consultation_id)
            await self._live.order(consultation_id, NoteQuality(summed_up), lambda _: [done])

    def _note(self, period: Period, followed: _Followed) -> None:
        if not followed.is_synthetic:
            self._observe(period)

    async def left_over(self) -> list[str]:
        """What a control before this one did not come to: to be asked before any room is open."""
        return await self._records.left_over()

    def sum_up(self, consultation_ids: Iterable[str]) -> None:
        """Do that, from what was stored. Not waited for."""
        for consultation_id in consultation_ids:
            self._errands.send(self.over(consultation_id))


def _word(legs: Mapping[Leg, Score]) -> Word:
    blamed = worst(legs)
    if blamed is None:
        return None, None, None
    score = legs[blamed]
    if score.level is Level.EXCELLENT:
        return Level.EXCELLENT, None, None
    return score.level, blamed, score.reasons[0].code if score.reasons else None


def _judged(score: Score, link: Link, now: float) -> Score:
    """The way up as control sees it: whoever is silent is not well connected, whatever was
    measured before."""
    silent_s = 0.0 if link.silent_from is None else max(now - link.silent_from, 0.0)
    others = (each for each in score.reasons if each.code != ReasonCode.SILENT)
    reasons = (Reason(ReasonCode.SILENT.value, round(silent_s, 1)), *others)
    match link.state:
        case LinkState.RECONNECTING | LinkState.DROPPED:
            return replace(score, mos=1.0, level=Level.LOST, reasons=reasons)
        case LinkState.SUSPECT if score.mos > SUSPECT_MOS:
            return replace(score, mos=SUSPECT_MOS, level=Level.POOR, reasons=reasons)
        case _:
            return score


def _scores(role: Role, measured: ConnectionQuality) -> dict[Leg, Score]:
    up, down = LEGS[role]
    return {
        up: _leg(measured.up, measured.rtt_ms),
        down: _leg(measured.down, measured.rtt_ms),
        Leg.NODE: _score(measured.node),
    }


def _leg(leg: LegQuality, rtt_ms: float | None) -> Score:
    scored = _score(leg.score)
    return Score(
        scored.mos,
        scored.level,
        scored.reasons,
        leg.expected,
        leg.lost,
        leg.jitter_ms,
        leg.video_jitter_ms,
        rtt_ms,
        leg.bitrate_bps,
        leg.packets,
        leg.repaired,
        leg.given_up,
        leg.freezes,
        leg.silent_s,
    )


def _score(scored: LegScore) -> Score:
    reasons = tuple(Reason(each.code.value, each.value) for each in scored.reasons)
    return Score(scored.mos, Level(scored.level.value), reasons)
