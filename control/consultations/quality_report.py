"""Measured quality beside what clients said of it, over many consultations. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from statistics import StatisticsError, correlation, mean
from typing import Any

from control.consultations.quality import Level

STARS = range(5, 0, -1)


@dataclass(frozen=True)
class Line:
    """Consultations with as many stars for the connection; None: not rated.

    ``mos`` is the mean over them of the worst leg's mean score, ``least_mos`` of its least; the
    verdicts say how often each leg was the worst, where one was ever less than excellent.
    """

    stars: int | None
    consultations: int
    mos: float
    least_mos: float
    verdicts: Mapping[str, int]


@dataclass(frozen=True)
class QualityReport:
    """One line for each number of stars that was given, the most stars first.

    ``agreement`` is Pearson's correlation of stars and scores, −1 to 1; None for fewer than two
    ratings, or where all are the same.
    """

    lines: tuple[Line, ...]
    rated: int
    agreement: float | None

    def to_json(self) -> dict[str, Any]:
        """For other programs."""
        return {
            "rated": self.rated,
            "agreement": self.agreement,
            "lines": [
                {
                    "stars": line.stars,
                    "consultations": line.consultations,
                    "mos": line.mos,
                    "least_mos": line.least_mos,
                    "verdicts": dict(line.verdicts),
                }
                for line in self.lines
            ],
        }


def quality_report(measured: Iterable[tuple[int | None, Mapping[str, Any]]]) -> QualityReport:
    """Of stars for the connection, None for none, and what ``quality.summary`` made of it."""
    by_stars: dict[int | None, list[Mapping[str, Any]]] = {}
    for stars, summed_up in measured:
        by_stars.setdefault(stars, []).append(summed_up)
    pairs = [
        (stars, float(each["verdict"]["mos"]))
        for stars, found in by_stars.items()
        if stars is not None
        for each in found
    ]
    return QualityReport(
        tuple(_line(stars, by_stars[stars]) for stars in (*STARS, None) if stars in by_stars),
        len(pairs),
        _agreement(pairs),
    )


def _line(stars: int | None, found: list[Mapping[str, Any]]) -> Line:
    blamed = [each["verdict"]["leg"] for each in found]
    return Line(
        stars,
        len(found),
        round(mean(each["verdict"]["mos"] for each in found), 2),
        round(
            mean(each["legs"][leg]["least_mos"] for each, leg in zip(found, blamed, strict=True)),
            2,
        ),
        dict(Counter(_at_fault(found)).most_common()),
    )


def _at_fault(found: list[Mapping[str, Any]]) -> Iterator[str]:
    """The worst leg of each in which something was amiss; of equals it is the first by name."""
    for each in found:
        if each["verdict"]["level"] != Level.EXCELLENT:
            yield each["verdict"]["leg"]


def _agreement(pairs: list[tuple[int, float]]) -> float | None:
    try:
        return round(correlation(*zip(*pairs, strict=True)), 3)
    except (StatisticsError, TypeError):  # too few, or all alike
        return None
