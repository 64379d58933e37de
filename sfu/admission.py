"""How many rooms a node opens, and how often a room may join. Pure.

A join costs a negotiation and a handshake, milliseconds of the worker's one event loop: a page that
joins in a loop must not take it from the others.
"""

from dataclasses import dataclass

ROOMS_A_SLOT = 2
"""Rooms that may be open for each slot: many wait for their participants."""

JOINS_BURST = 30
JOINS_A_SECOND = 1.0
"""Joins and ICE restarts of a room, of both participants together."""


@dataclass
class JoinAllowance:
    """A token bucket: full at first."""

    tokens: float = JOINS_BURST
    counted_at: float = 0.0

    def take(self, now: float) -> bool:
        """Whether one more join may be; ``now`` in seconds."""
        passed = min(max(now - self.counted_at, 0.0), JOINS_BURST / JOINS_A_SECOND)
        self.counted_at = now
        self.tokens = min(self.tokens + passed * JOINS_A_SECOND, JOINS_BURST)
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True
