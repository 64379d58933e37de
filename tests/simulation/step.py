"""What led to some events."""

from control.consultations.consultation import Consultation


class Step:
    """What led to some events."""

    def __init__(
        self,
        kind: str,
        role: str = "",
        before: float | None = None,
        silent_before: float | None = None,
        since: float | None = None,
        since_true: float = 0.0,
        after: Consultation | None = None,
    ) -> None:
        # heard, due, command, operator, withdraw, restart
        self.kind = kind
        self.role = role
        # When this role had been heard last, and since when its silence counted.
        self.before, self.silent_before = before, silent_before
        # When control was last alive.
        self.since, self.since_true = since, since_true
        # Not told by any event: how long an interruption may last; and when the session ended.
        self.service_by = after.service_by if after else None
        self.stops_at = after.ended_at if after else None
        # These events are due by time, not by the command.
        self.settling = False
