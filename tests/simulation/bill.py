"""The paid time of a consultation, and the time of the world that it must fit into."""

from collections.abc import Iterable
from typing import Any

from tests.simulation.rule import EPS, hold
from tests.simulation.step import Step


class Bill:
    """Times by control's clock; ``_true`` where they are the world's."""

    def __init__(self) -> None:
        self.flowing_since: float | None = None
        self.paid_s = 0.0
        self.intervals = 0
        self._paid_until = 0.0
        # Interruptions: all of their time, and of the time that was not paid before them either.
        self.gap_true_s = self._unpaid_true_s = 0.0
        self._resumed_true = 0.0

    def began(self, at: float, now: float) -> None:
        """Paid time began."""
        hold(self.flowing_since is None, "paid time begins once")
        hold(at == max(now, self._paid_until), "nothing is paid twice")
        self.flowing_since = at

    def stopped(self, at: float, data: Any, now: float, step: Step, last: list[float]) -> None:
        """It stopped; ``last``: the last packet of each who was heard."""
        began_at = self.flowing_since
        hold(began_at is not None, "paid time stops after it began")
        assert began_at is not None
        hold(at <= max(now, began_at, step.since or now), "not paid in advance")
        hold(data["began_at"] == began_at, "the interval began when it began")
        ends = [began_at, *last]
        if step.before is not None:
            ends.append(step.before)
        # The end, or since when nobody listens, unless someone was silent for longer than 2 s.
        for bound in (step.since, step.stops_at):
            if bound is not None:
                silent = len(last) == 2 and bound - min(last) > 2.0 + EPS and step.before is None
                if not silent:
                    ends.append(max(bound, began_at))
        hold(at in ends, "paid time stops with a packet, the end or an interruption")
        self.paid_s += at - began_at
        self._paid_until = at
        self.flowing_since = None
        self.intervals += 1
        hold(abs(data["paid_s"] - self.paid_s) < EPS, "the sum of paid time")

    def resumed(self, since_true: float, now_true: float) -> None:
        """An interruption is over."""
        gap_s = now_true - since_true
        self.gap_true_s += gap_s
        # Of two interruptions the second may be counted from before the end of the first.
        self._unpaid_true_s += min(gap_s, now_true - self._resumed_true)
        self._resumed_true = now_true

    def ended(
        self, started_true: float, ended_true: float, since_true: float | None, most_s: float
    ) -> None:
        """The session is over, ``since_true`` interrupted; at most ``most_s`` were agreed."""
        gap_s = self._unpaid_true_s
        if since_true is not None:
            gap_s += max(0.0, ended_true - max(since_true, self._resumed_true))
        wall_s = ended_true - started_true - gap_s
        hold(self.paid_s <= wall_s + 1e-3, f"billed {self.paid_s} of {wall_s} s")
        hold(self.paid_s <= most_s + EPS, "billed at most the duration")

    def standing(self, now: float, heard: Iterable[float | None]) -> None:
        """Paid time that runs is not overdue to stop."""
        if self.flowing_since is not None:
            last = min(each or 0.0 for each in heard)
            hold(now < last + 2.2 + EPS, "paid time stops when one is silent")
