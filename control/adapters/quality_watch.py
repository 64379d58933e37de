"""What the node measures of consultations: told to the pages, kept, and summed up at the end."""

from collections.abc import Callable, Iterable

from control.adapters.audience import Audience
from control.adapters.errands import Errands
from control.adapters.live import LiveConsultations
from control.adapters.quality_records import QualityRecords
from control.adapters.scheduler import Clock
from control.consultations.commands import NoteQuality
from control.consultations.consultation import Consultation
from control.consultations.liveness import LinkState
from control.consultations.parties import Role
from control.consultations.quality import Leg, Level, Period, Reason, Score, Timeline, summary
from sfu.api import ConnectionQuality, LegQuality, LegScore

LEGS = {
    Role.CLIENT: (Leg.CLIENT_UP, Leg.CLIENT_DOWN),
    Role.SPECIALIST: (Leg.SPECIALIST_UP, Leg.SPECIALIST_DOWN),
}

SUSPECT_MOS = 2.0


class QualityWatch:
    """Follows all consultations with a room. ``observe`` takes each period as it ends."""

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
        self._timelines: dict[str, Timeline] = {}

    def take(self, consultation: Consultation, role: Role, measured: ConnectionQuality) -> None:
        """The node measured a second of a participant's connection. Not waited for."""
        legs = _scores(role, measured)
        up, _ = LEGS[role]
        # Whoever is silent is not well connected, whatever was measured before.
        match consultation.links[role].state:
            case LinkState.RECONNECTING | LinkState.DROPPED:
                legs[up] = Score(1.0, Level.LOST, legs[up].reasons)
            case LinkState.SUSPECT if legs[up].mos > SUSPECT_MOS:
                legs[up] = Score(SUSPECT_MOS, Level.POOR, legs[up].reasons)
        self._audience.quality(consultation, role, legs)
        timeline = self._timelines.setdefault(consultation.id, Timeline())
        period = timeline.take(legs, self._clock())
        if period is not None:
            self._observe(period)
            self._errands.send(self._records.add(consultation.id, period))

    async def over(self, consultation_id: str) -> None:
        """The room is closed: sum up what was measured, for the record of the consultation."""
        timeline = self._timelines.pop(consultation_id, None)
        period = timeline.finish() if timeline else None
        if period is not None:
            self._observe(period)
            await self._records.add(consultation_id, period)
        # also of what was measured before control was started again
        summed_up = summary(await self._records.of(consultation_id))
        if summed_up is not None:
            done = self._records.summed_up(consultation_id)
            await self._live.order(consultation_id, NoteQuality(summed_up), lambda _: [done])

    async def left_over(self) -> list[str]:
        """What a control before this one did not come to: to be asked before any room is open."""
        return await self._records.left_over()

    def sum_up(self, consultation_ids: Iterable[str]) -> None:
        """Do that, from what was stored. Not waited for."""
        for consultation_id in consultation_ids:
            self._errands.send(self.over(consultation_id))


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
    )


def _score(scored: LegScore) -> Score:
    reasons = tuple(Reason(each.code.value, each.value) for each in scored.reasons)
    return Score(scored.mos, Level(scored.level.value), reasons)
