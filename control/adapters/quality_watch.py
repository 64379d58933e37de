"""What the node measures of consultations: told to the pages, kept, and summed up at the end."""

from collections.abc import Callable, Iterable
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
from control.consultations.quality import Leg, Level, Period, Reason, Score, Timeline, summary
from sfu.api import ConnectionQuality, LegQuality, LegScore, ReasonCode

LEGS = {
    Role.CLIENT: (Leg.CLIENT_UP, Leg.CLIENT_DOWN),
    Role.SPECIALIST: (Leg.SPECIALIST_UP, Leg.SPECIALIST_DOWN),
}

SUSPECT_MOS: Final = 2.0
"""At most that is the way up of someone who is silent, and of whom nobody is told yet."""


@dataclass
class _Followed:
    """A consultation that is measured. Those of load tests are in no figure of all calls."""

    is_synthetic: bool
    timeline: Timeline = field(default_factory=Timeline)


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
        legs[up] = _judged(legs[up], consultation.links[role], self._clock())
        self._audience.quality(consultation, role, legs)
        followed = self._followed.setdefault(
            consultation.id, _Followed(is_synthetic(consultation.client.id))
        )
        period = followed.timeline.take(legs, self._clock())
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
