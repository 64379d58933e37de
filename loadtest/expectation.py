"""What must not be: ``loss_pct>0.1``, as an exit code for CI."""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_FORM = re.compile(r"\s*([a-z][a-z0-9_.]*)\s*(>=|<=|==|>|<)\s*(-?\d+(?:\.\d+)?)\s*")
_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
}


class BadExpectation(Exception):
    """The text is no such expression, or names what is not measured."""


@dataclass(frozen=True)
class Expectation:
    """A condition under which a load test fails."""

    text: str
    measure: str
    comparison: str
    bound: float

    @classmethod
    def read(cls, text: str) -> "Expectation":
        """From ``MEASURE OPERATOR NUMBER``; raises BadExpectation."""
        found = _FORM.fullmatch(text)
        if found is None:
            raise BadExpectation(
                f"{text!r} is no condition; write as 'loss_pct>0.1' or 'setup_ms.p95>800'."
            )
        return cls(text.strip(), found[1], found[2], float(found[3]))

    def value(self, measures: Mapping[str, Any]) -> float | None:
        """What was measured; None when it was not in this run.

        Raises:
            BadExpectation: what it names is no number.
        """
        place: Any = measures
        for name in self.measure.split("."):
            if not isinstance(place, Mapping):
                raise BadExpectation(f"there is no measure {self.measure!r}.")
            if name not in place:
                if place is measures:
                    raise BadExpectation(
                        f"there is no measure {self.measure!r}; there are {', '.join(measures)}."
                    )
                return None
            place = place[name]
        if isinstance(place, Mapping):
            raise BadExpectation(f"{self.measure!r} are several: say which, as {self.measure}.p95.")
        return None if place is None else float(place)

    def is_met(self, measures: Mapping[str, Any]) -> bool:
        """Whether the condition to fail is there; what was not measured does not meet it."""
        value = self.value(measures)
        return value is not None and _OPERATORS[self.comparison](value, self.bound)
