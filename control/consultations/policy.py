"""The numbers of the platform's rules."""

from dataclasses import dataclass, field
from enum import StrEnum

from control.consultations.parties import Role


class DropAction(StrEnum):
    """What a silence of more than ``drop_after_s`` does."""

    # The session ends at once, and the other side reads why.
    END = "end"
    # Its end is announced, as that of a specialist who leaves, and comes after the countdown.
    ANNOUNCE = "announce"


@dataclass(frozen=True)
class LinkPolicy:
    """What silence of a participant means. All in seconds since the last authenticated packet.

    Raises:
        ValueError: when they are not in their order.
    """

    # The participant is held suspect from here on; nobody is told.
    suspect_after_s: float = 2.0
    # The other side sees "reconnecting" from here on.
    reconnecting_after_s: float = 4.0
    # More than this is a drop; None: however long a silence is, the session goes on.
    drop_after_s: float | None = None
    on_drop: DropAction = DropAction.END

    def __post_init__(self) -> None:
        drop_after_s = float("inf") if self.drop_after_s is None else self.drop_after_s
        if not 0 < self.suspect_after_s <= self.reconnecting_after_s < drop_after_s:
            raise ValueError(
                "silence is suspect first, then told as reconnecting, and a drop only later"
            )


@dataclass(frozen=True)
class Policy:
    """All times in seconds."""

    # A request is answered within this, or expires.
    accept_within_s: float = 300.0
    # Both sides have connected within this after the acceptance, or it ends as "did not start".
    start_within_s: float = 120.0
    # A participant counts as connected at the start when heard this recently.
    connected_within_s: float = 2.0
    # An early-end proposal lapses after this.
    early_end_within_s: float = 60.0
    # A proposal to extend lapses after this, and at the session's end.
    extension_within_s: float = 60.0
    # A specialist who leaves an active session is announced this long before its end.
    leave_countdown_s: float = 10.0
    # Both fell silent within this of each other: it is neither's fault, but the service's.
    vanished_together_s: float = 2.0
    # The verdict on a silence waits this much longer than the rule says, so that the node's report
    # of a packet that came at the last moment is heard first: the node looks every 50 ms.
    verdict_grace_s: float = 0.1
    # A verdict that is later than its time by more than this is none: nobody was listening then.
    verdict_lateness_s: float = 0.5
    # After an interruption of the service the session waits this long for anyone to return.
    service_within_s: float = 120.0
    # When control was last alive is known to a heartbeat, which is written at least this often.
    heartbeat_within_s: float = 2.0
    # A rating may be changed for this long after it was first given.
    rating_change_within_s: float = 24 * 3600.0
    client: LinkPolicy = field(default_factory=LinkPolicy)
    specialist: LinkPolicy = field(default_factory=lambda: LinkPolicy(drop_after_s=15.0))

    def link(self, role: Role) -> LinkPolicy:
        """The policy on silence for participants of ``role``."""
        return self.client if role is Role.CLIENT else self.specialist


PLATFORM = Policy()
