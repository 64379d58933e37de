"""How connections did, as the API tells it. docs/quality.md has what each figure means."""

from pydantic import Field

from control.consultations.quality import Leg, Level
from control.web.schema.base import Output


class ReasonOut(Output):
    """What takes a score down."""

    code: str
    value: float


class LegOut(Output):
    """One leg over some seconds; null: not known."""

    mos: float = Field(description="1 to 4.5")
    level: Level
    reasons: list[ReasonOut] = Field(description="those of the worst second, the worst first")
    expected: int = Field(description="packets whose fate became known")
    lost: int = Field(description="of these; less than 0 when lost ones came late")
    jitter_ms: float | None = Field(description="of audio (RFC 3550)")
    video_jitter_ms: float | None = Field(None, description="of the camera")
    rtt_ms: float | None
    bitrate_bps: int | None
    packets: int | None = Field(None, description="SRTP and SRTCP")
    repaired: int | None = Field(
        None, description="lost packets that came again; down, packets that were sent again"
    )
    given_up: int | None = Field(
        None, description="lost packets of video that nobody asks for any more; down always 0"
    )
    freezes: int | None = Field(
        None, description="pauses of the camera's packets; down, keyframes asked for"
    )
    silent_s: float | None = Field(
        None, description="the longest that any second's last packet was ago"
    )


class PeriodOut(Output):
    """Five seconds, or less, from ``at`` (Unix seconds) on."""

    at: float
    duration_s: float
    legs: dict[Leg, LegOut]


class LegSummaryOut(Output):
    """One leg over the whole consultation."""

    mos: float = Field(description="the mean")
    least_mos: float
    levels: dict[Level, float] = Field(description="the part of the time at each level, 0 to 1")
    loss_pct: float | None


class VerdictOut(Output):
    """The leg with the lowest mean score; ``level`` and ``reasons`` are of its worst period."""

    leg: Leg
    mos: float
    level: Level
    reasons: list[ReasonOut]


class QualityOut(Output):
    """The connections of a consultation, so far. Null and empty: nothing was measured."""

    consultation_id: str
    complete: bool = Field(description="it is over and summed up: no period comes after these")
    legs: dict[Leg, LegSummaryOut]
    verdict: VerdictOut | None
    periods: list[PeriodOut]


class ReceiptPeriod(Output):
    """Five seconds, or less, of a receipt."""

    at: float
    duration_s: float
    mos: dict[Leg, float]


class ReceiptQuality(Output):
    """What a receipt says of the connections."""

    legs: dict[Leg, LegSummaryOut]
    verdict: VerdictOut
    timeline: list[ReceiptPeriod]
