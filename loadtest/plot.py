"""Plots as SVG, made of nothing but text: their colours are the page's."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

Point = tuple[float, float]

WIDTH, HEIGHT = 520, 210
LEFT, RIGHT, TOP, BOTTOM = 66, 24, 12, 40
BAR = 6
BAR_PITCH = 8


@dataclass(frozen=True)
class Series:
    """A line or a cloud of points; ``colour`` is the number of one of the page's."""

    name: str
    colour: int
    points: Sequence[Point]


def nice_ticks(most: float, count: int = 5) -> list[float]:
    """Round numbers from 0 to at least ``most``."""
    if most <= 0 or not math.isfinite(most):
        return [0.0, 1.0]
    rough = most / count
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(each * size for each in (1, 2, 2.5, 5, 10) if each * size >= rough * 0.999)
    return [step * index for index in range(math.ceil(most / step - 1e-9) + 1)]


def line_chart(series: Sequence[Series], x_name: str, y_name: str) -> str:
    """Lines over a common axis."""
    frame = _Frame(series, x_name, y_name)
    drawn = []
    for each in series:
        if not each.points:
            continue
        path = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in each.points)
        drawn.append(f'<polyline class="line c{each.colour}" points="{path}"/>')
    return frame.around("".join(drawn))


def scatter(series: Sequence[Series], x_name: str, y_name: str) -> str:
    """A point for each."""
    frame = _Frame(series, x_name, y_name)
    drawn = [
        f'<circle class="dot c{each.colour}" cx="{frame.x(x):.1f}" cy="{frame.y(y):.1f}" r="3"/>'
        for each in series
        for x, y in each.points
    ]
    return frame.around("".join(drawn))


def waterfall(rows: Sequence[Sequence[tuple[int, float]]], x_name: str) -> str:
    """A bar a row, of parts one behind the other: (colour, length)."""
    most = max((sum(length for _, length in row) for row in rows), default=0.0)
    ticks = nice_ticks(most)
    bottom = TOP + BAR_PITCH * len(rows)
    height = bottom + BOTTOM
    scale = (WIDTH - LEFT - RIGHT) / ticks[-1]
    drawn = []
    for tick in ticks:
        x = LEFT + tick * scale
        drawn.append(
            f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}"/>'
            f'<text x="{x:.1f}" y="{bottom + 15}" text-anchor="middle">{_text(tick)}</text>'
        )
    for index, row in enumerate(rows):
        at, y = float(LEFT), TOP + index * BAR_PITCH
        for colour, length in row:
            width = length * scale
            drawn.append(
                f'<rect class="bar c{colour}" x="{at:.1f}" y="{y}" width="{width:.1f}"'
                f' height="{BAR}"/>'
            )
            at += width
    drawn.append(_axis_name(x_name, (LEFT + WIDTH - RIGHT) / 2, height - 4))
    return _svg("".join(drawn), height, x_name)


def legend(names: Sequence[tuple[str, int]]) -> str:
    """What the colours mean."""
    items = "".join(
        f'<li><span class="key c{colour}"></span>{escape(name)}</li>' for name, colour in names
    )
    return f'<ul class="legend">{items}</ul>'


class _Frame:
    """Axes for points from (0, 0) on."""

    def __init__(self, series: Sequence[Series], x_name: str, y_name: str) -> None:
        points = [point for each in series for point in each.points]
        self._x_ticks = nice_ticks(max((x for x, _ in points), default=0.0), 6)
        self._y_ticks = nice_ticks(max((y for _, y in points), default=0.0))
        self._names = x_name, y_name

    def x(self, value: float) -> float:
        """Where it is in the picture."""
        return LEFT + value / self._x_ticks[-1] * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """The same."""
        return HEIGHT - BOTTOM - value / self._y_ticks[-1] * (HEIGHT - TOP - BOTTOM)

    def around(self, drawn: str) -> str:
        """The picture."""
        x_name, y_name = self._names
        parts = []
        for tick in self._y_ticks:
            y = self.y(tick)
            parts.append(
                f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
                f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_text(tick)}</text>'
            )
        for tick in self._x_ticks:
            x = self.x(tick)
            parts.append(
                f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">'
                f"{_text(tick)}</text>"
            )
        parts.append(_axis_name(x_name, (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 4))
        middle = (TOP + HEIGHT - BOTTOM) / 2
        parts.append(
            f'<text class="name" transform="translate(13 {middle}) rotate(-90)"'
            f' text-anchor="middle">{escape(y_name)}</text>'
        )
        return _svg("".join(parts) + drawn, HEIGHT, f"{y_name} over {x_name}")


def _svg(content: str, height: float, label: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(label)}">'
        f"{content}</svg>"
    )


def _axis_name(name: str, x: float, y: float) -> str:
    return f'<text class="name" x="{x}" y="{y}" text-anchor="middle">{escape(name)}</text>'


def _text(tick: float) -> str:
    return f"{tick:,.0f}" if tick >= 10 or tick == int(tick) else f"{tick:g}"
