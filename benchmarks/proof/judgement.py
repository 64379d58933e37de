"""Whether what was said is within its bounds of the truth. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from benchmarks.proof.conditions import LEGS, NONE, Condition, Leg
from benchmarks.proof.testimony import Told
from control.consultations.quality import summary

LOSS_POINTS: Final = 0.2
JITTER_PART: Final = 0.1
JITTER_MS: Final = 1.0
RTT_MS: Final = 5.0
FIGURES: Final = ("loss_pct", "jitter_ms", "rtt_ms")
ELSEWHERE: Final = ("loss_pct", "rtt_ms")
"""What is judged on the other legs: that what is injected on one does not show there. Their jitter
of a millisecond or two is how promptly browsers get the processor. (Where nothing is injected, all
is judged on all.)"""
TARGET: Final = (
    f"of what was injected on one leg: loss within {LOSS_POINTS} percentage points, jitter within"
    f" {JITTER_PART:.0%} or {JITTER_MS:g} ms, round trip within {RTT_MS:g} ms, by the node and by"
    " Chromium; loss and round trip on all other legs, too; and the verdict names the leg"
)


def bound(figure: str, true: float) -> float:
    """How far from the truth a figure may be."""
    match figure:
        case "loss_pct":
            return LOSS_POINTS
        case "jitter_ms":
            return max(JITTER_MS, JITTER_PART * true)
        case "rtt_ms":
            return RTT_MS
    raise ValueError(figure)


@dataclass(frozen=True)
class Finding:
    """One figure of one witness."""

    figure: str
    said: float | None
    true: float | None

    @property
    def holds(self) -> bool:
        """Nothing said is wrong, and so is anything said where there was nothing to measure."""
        if self.said is None or self.true is None:
            return False
        return abs(self.said - self.true) <= bound(self.figure, self.true)

    def to_json(self) -> dict[str, Any]:
        """For the report."""
        return {
            "said": None if self.said is None else round(self.said, 3),
            "true": None if self.true is None else round(self.true, 3),
            "holds": self.holds,
        }


def findings(told: Told) -> list[Finding]:
    """All figures of a witness about a leg."""
    return [Finding(name, getattr(told.said, name), getattr(told.true, name)) for name in FIGURES]


@dataclass(frozen=True)
class Verdict:
    """What the node said of whose fault it is.

    Attributes:
        wanted: the impaired leg, or None when there is nothing to be named.
        named: the leg with the lowest score.
        scores: the mean score of each leg.
        complaints: legs that were below excellent, or of which something was worth a word.
    """

    wanted: str | None
    named: str
    scores: Mapping[str, float]
    complaints: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """It names the impaired leg; without an impairment, nothing is said of any."""
        return not self.complaints if self.wanted is None else self.named == self.wanted


def verdict(periods: Sequence[Mapping[str, Any]], condition: Condition, leg: Leg) -> Verdict:
    """That of these periods, made as that of ``GET …/quality`` is of all."""
    summed_up = summary(periods)
    assert summed_up is not None
    complaints = {
        name
        for period in periods
        for name, score in period["legs"].items()
        if score["level"] != "excellent" or score["reasons"]
    }
    return Verdict(
        leg.name if condition.named else None,
        summed_up["verdict"]["leg"],
        {name: each["mos"] for name, each in summed_up["legs"].items()},
        tuple(sorted(complaints)),
    )


@dataclass(frozen=True)
class Case:
    """A condition on a leg, once, with what both witnesses said of all legs of the call.

    Attributes:
        attempt: 1, or 2 for one that was repeated.
    """

    condition: Condition
    leg: Leg
    attempt: int
    by_node: Mapping[str, Told]
    by_browser: Mapping[str, Told]
    verdict: Verdict
    noise: Mapping[str, Any] = field(default_factory=dict)

    @property
    def misses(self) -> list[str]:
        """What was out of its bounds, in words."""
        found = []
        for witness, told in (("node", self.by_node), ("Chromium", self.by_browser)):
            for leg in LEGS:
                judged = FIGURES if leg == self.leg or self.condition == NONE else ELSEWHERE
                for each in findings(told[leg.name]):
                    if each.figure in judged and not each.holds:
                        found.append(
                            f"{witness}, {leg.name}: {each.figure} {_number(each.said)},"
                            f" truly {_number(each.true)}"
                        )
        if not self.verdict.holds:
            of = ", ".join(f"{name} {mos}" for name, mos in sorted(self.verdict.scores.items()))
            about = self.verdict.named
            if self.verdict.wanted is None:
                about = f"complains of {', '.join(self.verdict.complaints)}"
            found.append(f"verdict: {about} ({of})")
        return found

    @property
    def holds(self) -> bool:
        """All was within its bounds, and the verdict is right."""
        return not self.misses

    def to_json(self) -> dict[str, Any]:
        """For the report."""
        witnesses = {"node": self.by_node, "chromium": self.by_browser}
        return {
            "condition": self.condition.name,
            "leg": self.leg.name,
            "attempt": self.attempt,
            "holds": self.holds,
            "misses": self.misses,
            "legs": {
                leg.name: {
                    witness: {each.figure: each.to_json() for each in findings(told[leg.name])}
                    for witness, told in witnesses.items()
                }
                for leg in LEGS
            },
            "verdict": {
                "wanted": self.verdict.wanted,
                "named": self.verdict.named,
                "scores": dict(self.verdict.scores),
                "complaints": list(self.verdict.complaints),
                "holds": self.verdict.holds,
            },
            **({"noise": dict(self.noise)} if self.noise else {}),
        }


def _number(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.2f}"
