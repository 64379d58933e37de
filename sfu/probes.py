"""Rooms that last for some seconds, to find out what a connection carries before a call. Pure.

A probe is welcome where there is place for it: it takes none that a consultation may need soon,
adds nothing to a node that is behind already, and ends by itself, whatever becomes of who asked.
"""

from sfu.api import PROBE_LASTS_S, LegScore, QualityLevel

SLOTS_A_PROBE = 32
"""One probe at a time for so many slots: each takes two, and as much as a sixteenth of a node is
never in probes."""

FREE_SHARE = 0.25
"""Of all slots: when fewer are free, they are for consultations."""

_JUDGED_FOR_S = 2.0  # a verdict on the node is of the last second, and stale when nobody is there

_BEHIND = frozenset({QualityLevel.POOR, QualityLevel.LOST})


class Probes:
    """Which rooms are probes, until when. ``now`` is in seconds of ``clock.steady_time``."""

    def __init__(self, max_participants: int) -> None:
        self._max_rooms = max(max_participants // SLOTS_A_PROBE, 1)
        self._free_slots = FREE_SHARE * max_participants
        self._ends_at: dict[str, float] = {}
        self._behind_until = 0.0

    def __len__(self) -> int:
        return len(self._ends_at)

    def __contains__(self, room_id: str) -> bool:
        return room_id in self._ends_at

    def judge(self, node: LegScore, now: float) -> None:
        """How the node itself did in the last second."""
        if node.level in _BEHIND:
            self._behind_until = now + _JUDGED_FOR_S

    def refusal(self, free_slots: int, now: float) -> str | None:
        """Why no further probe may be now; None when it may."""
        if len(self._ends_at) >= self._max_rooms:
            return f"{self._max_rooms} probes are under way already"
        if free_slots < self._free_slots:
            return "the places that are left are for consultations"
        if now < self._behind_until:
            return "the node is busy with the calls that it has"
        return None

    def begin(self, room_id: str, now: float) -> None:
        """A probe has begun."""
        self._ends_at[room_id] = now + PROBE_LASTS_S

    def end(self, room_id: str) -> None:
        """A room is closed, a probe or not."""
        self._ends_at.pop(room_id, None)

    def due(self, now: float) -> list[str]:
        """Those whose time is over."""
        return [room_id for room_id, ends_at in self._ends_at.items() if now >= ends_at]
