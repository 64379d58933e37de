"""Measurements as the plain numbers that control is told, one connection at a time."""

from collections.abc import Iterator, Sequence

from sfu.api import LegQuality, LegScore
from sfu.plane import Column
from sfu.quality.measurement import Leg, Measurement

Told = tuple[float | None, LegQuality, LegQuality]


def tell(
    measured: Measurement, seconds: Column, scores: Sequence[tuple[LegScore, LegScore]]
) -> list[Told]:
    """The round trip in ms and both legs of each connection; ``seconds`` is how long it took."""
    ups = _legs(measured.up, seconds, [up for up, _ in scores])
    downs = _legs(measured.down, seconds, [down for _, down in scores])
    return list(zip(_known(measured.rtt_ms), ups, downs, strict=True))


def _legs(leg: Leg, seconds: Column, scores: list[LegScore]) -> Iterator[LegQuality]:
    return map(
        LegQuality,
        scores,
        _counts(leg.packets),
        (8 * leg.octets / seconds).tolist(),
        _counts(leg.expected),
        _counts(leg.lost),
        _counts(leg.repaired),
        _counts(leg.given_up),
        _known(leg.jitter_ms),
        _known(leg.video_jitter_ms),
        _counts(leg.frame_gaps),
        _known(leg.silent_s),
    )


def _counts(column: Column) -> list[int]:
    return column.astype(int).tolist()  # type: ignore[no-any-return]


def _known(column: Column) -> list[float | None]:
    """None in place of NaN, which alone is not equal to itself."""
    return [each if each == each else None for each in column.tolist()]
