"""The announced end of an active session: told to the other side, then carried out.

A specialist who leaves is announced; so is a drop where the policy says so.
"""

from dataclasses import dataclass
from enum import StrEnum

from control.consultations.parties import Role
from control.consultations.states import DROPS, END_REASONS, EndReason, Trigger


class LeavingState(StrEnum):
    """Whether the countdown runs."""

    STAYING = "staying"
    LEAVING = "leaving"
    LEFT = "left"


class LeavingTrigger(StrEnum):
    """What happens to it. There is no way back."""

    ANNOUNCE = "announce"
    # The specialist does not leave, but has been silent for too long.
    ANNOUNCE_DROP = "announce_drop"
    COUNTDOWN_OVER = "countdown_over"
    # The client, who has been told, does not wait for the end of the countdown.
    CLIENT_LEAVES = "client_leaves"


LEAVING_TRANSITIONS: dict[tuple[LeavingState, LeavingTrigger], LeavingState] = {
    (LeavingState.STAYING, LeavingTrigger.ANNOUNCE): LeavingState.LEAVING,
    (LeavingState.STAYING, LeavingTrigger.ANNOUNCE_DROP): LeavingState.LEAVING,
    (LeavingState.LEAVING, LeavingTrigger.COUNTDOWN_OVER): LeavingState.LEFT,
    (LeavingState.LEAVING, LeavingTrigger.CLIENT_LEAVES): LeavingState.LEFT,
}


@dataclass(frozen=True)
class Leaving:
    """Announced at ``at``; at ``ends_at`` the session ends.

    ``dropped``: ``by`` was silent for too long; else they leave by their own will.
    """

    by: Role
    at: float
    ends_at: float
    dropped: bool = False

    @property
    def trigger(self) -> Trigger:
        """What ends the session at the end of the countdown."""
        return DROPS[self.by] if self.dropped else Trigger.SPECIALIST_LEAVES

    @property
    def reason(self) -> EndReason:
        """The reason that the end will have, unless another comes first."""
        return END_REASONS[self.trigger]
