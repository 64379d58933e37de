"""A specialist who leaves an active session: announced to the client, then carried out."""

from dataclasses import dataclass
from enum import StrEnum

from control.consultations.parties import Role


class LeavingState(StrEnum):
    """Whether the countdown runs."""

    STAYING = "staying"
    LEAVING = "leaving"
    LEFT = "left"


class LeavingTrigger(StrEnum):
    """What happens to it. There is no way back."""

    ANNOUNCE = "announce"
    COUNTDOWN_OVER = "countdown_over"
    # The client, who has been told, does not wait for the end of the countdown.
    CLIENT_LEAVES = "client_leaves"


LEAVING_TRANSITIONS: dict[tuple[LeavingState, LeavingTrigger], LeavingState] = {
    (LeavingState.STAYING, LeavingTrigger.ANNOUNCE): LeavingState.LEAVING,
    (LeavingState.LEAVING, LeavingTrigger.COUNTDOWN_OVER): LeavingState.LEFT,
    (LeavingState.LEAVING, LeavingTrigger.CLIENT_LEAVES): LeavingState.LEFT,
}


@dataclass(frozen=True)
class Leaving:
    """Announced at ``at``; at ``ends_at`` the session ends."""

    by: Role
    at: float
    ends_at: float
