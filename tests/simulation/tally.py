"""What many worlds did, in figures."""

from collections import Counter
from dataclasses import dataclass, field

from tests.simulation.checker import Checker


@dataclass
class Tally:
    """Sums over consultations. Steps and their faulty shares are kept as histograms."""

    consultations: int = 0
    steps: int = 0
    faulty_steps: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    steps_each: Counter[int] = field(default_factory=Counter)
    # In whole percents.
    faulty_each: Counter[int] = field(default_factory=Counter)

    def add_world(self, checker: Checker, faults: Counter[str]) -> None:
        """Add a world that has come to its end."""
        self.faults += faults
        self.refusals += checker.refused
        for it in checker.ledgers.values():
            self.consultations += 1
            self.steps += it.steps
            self.faulty_steps += it.faulty
            self.ends[f"ended: {it.end_reason}" if it.end_reason else it.state] += 1
            self.events.update(it.events)
            self.steps_each[it.steps] += 1
            self.faulty_each[100 * it.faulty // it.steps] += 1

    def add(self, other: "Tally") -> None:
        """Add what another process counted."""
        for name in ("consultations", "steps", "faulty_steps"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("ends", "events", "faults", "refusals", "steps_each", "faulty_each"):
            getattr(self, name).update(getattr(other, name))

    def __str__(self) -> str:
        lines = [
            f"{self.consultations} consultations, {self.steps} steps, "
            f"{self.faulty_steps / max(1, self.steps):.1%} of them with a fault",
            f"steps of a consultation: {_spread(self.steps_each)}",
            f"of these with a fault, in percent: {_spread(self.faulty_each)}",
        ]
        for title in ("ends", "events", "faults", "refusals"):
            lines.append(f"{title}:")
            for name, count in getattr(self, title).most_common():
                lines.append(f"  {count:>10}  {name}")
        return "\n".join(lines)


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
