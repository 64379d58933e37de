"""The proposal to end a session early, and the answer to it."""

from dataclasses import dataclass
from enum import StrEnum

from control.consultations.parties import Role


class EarlyEndState(StrEnum):
    """Whether a proposal is open."""

    NONE = "none"
    PROPOSED = "proposed"
    AGREED = "agreed"


class EarlyEndTrigger(StrEnum):
    """What happens to a proposal."""

    PROPOSE = "propose"
    ACCEPT = "accept"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    LAPSE = "lapse"


EARLY_END_TRANSITIONS: dict[tuple[EarlyEndState, EarlyEndTrigger], EarlyEndState] = {
    (EarlyEndState.NONE, EarlyEndTrigger.PROPOSE): EarlyEndState.PROPOSED,
    (EarlyEndState.PROPOSED, EarlyEndTrigger.ACCEPT): EarlyEndState.AGREED,
    (EarlyEndState.PROPOSED, EarlyEndTrigger.REFUSE): EarlyEndState.NONE,
    (EarlyEndState.PROPOSED, EarlyEndTrigger.WITHDRAW): EarlyEndState.NONE,
    (EarlyEndState.PROPOSED, EarlyEndTrigger.LAPSE): EarlyEndState.NONE,
}


@dataclass(frozen=True)
class EarlyEnd:
    """An open proposal; unanswered at ``lapses_at`` it is gone."""

    by: Role
    proposed_at: float
    lapses_at: float
