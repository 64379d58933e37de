"""Measurements as the plain numbers that control is told, one connection at a time."""

from collections.abc import Iterator

from sfu.api import LegQuality
from sfu.plane import Column
from sfu.quality.measurement import Leg, Measurement

Told = tuple[float | None, LegQuality, LegQuality]


def tell(measured: Measurement, seconds: Column) -> list[Told]:
    """The round trip in ms and both legs of each connection; ``seconds`` is how long it took."""
    rtt_ms = (None if each != each else each for each in measured.rtt_ms.tolist())
    ups, downs = _legs(measured.up, seconds), _legs(measured.down, seconds)
    return list(zip(rtt_ms, ups, downs, strict=True))


def _legs(leg: Leg, seconds: Column) -> Iterator[LegQuality]:
    return map(
        LegQuality,
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
