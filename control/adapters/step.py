"""What waits to be decided, stored and told."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from control.adapters.engines import Work
from control.adapters.open_consultations import Draft
from control.consultations.consultation import Change, Consultation

# What is decided about a draft at a time.
Rule = Callable[[Draft, float], list[Change]]
# Makes what is stored together with the consultation that a command led to.
Alongside = Callable[[Consultation], list[Work[None]]]


@dataclass(frozen=True)
class Step:
    """One change of consultations, or some that go together."""

    rule: Rule
    # A consultation that the rule looks at, be it open or not.
    about: str | None
    alongside: Callable[[list[Change]], list[Work[None]]]
    decided: asyncio.Future[list[Change]] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def fail(self, error: Exception) -> None:
        """It was refused, or could not be stored."""
        if not self.decided.done():
            self.decided.set_exception(error)


def if_open(consultation_id: str, change: Callable[[Consultation, float], Change]) -> Rule:
    """What the clock and the node bring may come when all is over."""

    def rule(draft: Draft, now: float) -> list[Change]:
        consultation = draft.get(consultation_id)
        if consultation is None or not consultation.is_open:
            return []
        return [change(consultation, now)]

    return rule
