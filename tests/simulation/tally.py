"""What many worlds did, in figures."""

from collections import Counter
from dataclasses import dataclass, field, fields

from tests.simulation.checker import Checker

# Below these a consultation was too short, or too smooth: steps, percent.
LEAST_STEPS = 20
LEAST_DISTURBED = 30


@dataclass
class Tally:
    """Sums over consultations. What came before the end of each is kept as a histogram."""

    consultations: int = 0
    steps: int = 0
    disturbed: int = 0
    later_steps: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    steps_each: Counter[int] = field(default_factory=Counter)
    # In whole percents.
    disturbed_each: Counter[int] = field(default_factory=Counter)
    # How those ended that had too few steps, or too few of them disturbed.
    short: Counter[str] = field(default_factory=Counter)
    smooth: Counter[str] = field(default_factory=Counter)

    def add_world(self, checker: Checker, faults: Counter[str]) -> None:
        """Add a world that has come to its end."""
        self.faults += faults
        self.refusals += checker.refused
        for it in checker.ledgers.values():
            end = f"ended: {it.end_reason}" if it.end_reason else it.state
            percent = 100 * it.disturbed // it.open_steps
            self.consultations += 1
            self.steps += it.open_steps
            self.disturbed += it.disturbed
            self.later_steps += it.later_steps
            self.ends[end] += 1
            self.events.update(it.events)
            self.steps_each[it.open_steps] += 1
            self.disturbed_each[percent] += 1
            self.short[end] += it.open_steps < LEAST_STEPS
            self.smooth[end] += percent < LEAST_DISTURBED

    def add(self, other: "Tally") -> None:
        """Add what another process counted."""
        for each in fields(self):
            mine, theirs = getattr(self, each.name), getattr(other, each.name)
            setattr(self, each.name, mine + theirs)

    def __str__(self) -> str:
        lines = [
            f"{self.consultations} consultations, {self.steps} steps before their ends, "
            f"{self.disturbed / max(1, self.steps):.1%} of them with a fault; "
            f"{self.later_steps} steps later",
            f"steps of a consultation before its end: {_spread(self.steps_each)}",
            f"of these with a fault, in percent: {_spread(self.disturbed_each)}",
            f"fewer than {LEAST_STEPS} steps: {_named(self.short)}",
            f"fewer than {LEAST_DISTURBED} % with a fault: {_named(self.smooth)}",
        ]
        for title in ("ends", "events", "faults", "refusals"):
            lines.append(f"{title}:")
            for name, count in getattr(self, title).most_common():
                lines.append(f"  {count:>10}  {name}")
        return "\n".join(lines)


def _named(counts: Counter[str]) -> str:
    told = ", ".join(f"{name} {count}" for name, count in counts.most_common() if count)
    return f"{counts.total()}" + (f" ({told})" if told else "")


def _spread(histogram: Counter[int]) -> str:
    values = sorted(histogram.items())
    total = sum(histogram.values())
    told = []
    for name, share in (("least", 0.0), ("median", 0.5), ("90 %", 0.9), ("99 %", 0.99)):
        seen = 0
        for value, count in values:
            seen += count
            if seen > share * total or seen == total:
                told.append(f"{name} {value}")
                break
    return ", ".join([*told, f"most {values[-1][0]}"]) if values else "none"
