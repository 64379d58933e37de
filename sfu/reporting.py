"""Who is connected, when each was last heard and what was counted then: all slots at once. Pure."""

from typing import Final, NamedTuple, Protocol

import numpy as np

from sfu.api import LegQuality, LegScore
from sfu.plane import Column, DownlinkCounts, OwnCounts, Snapshot, blank_snapshot
from sfu.quality import OwnScore, Scores, measure, tell

REPORT_EVERY_S: Final = 1.0

TURNS: Final = 2
"""In ``REPORT_EVERY_S`` each slot is reported in one of so many turns: hundreds in one go would
keep control busy for long, but each turn costs as much as dozens of slots do in it."""

RETURN_AFTER_S: Final = 2.0
"""Whoever is heard again after such a silence is reported at once."""

_SHORTEST_S: Final = 0.5  # of what is measured: rates of less say nothing


class Readings(Protocol):
    """What the plane has measured."""

    def heard_s(self) -> Column:
        """When each slot was last heard by SRTP or SRTCP, CLOCK_BOOTTIME; 0 for never."""
        ...

    def snapshot(self, slots: Column) -> Snapshot:
        """The counts of these slots since they were opened, in their order."""
        ...

    def own_counts(self) -> OwnCounts:
        """What the node itself has lost since its start."""
        ...

    def behind_s(self) -> float:
        """For how long the plane has been at one turn of its loop beyond its time."""
        ...


class Report(NamedTuple):
    """What is to be said of one slot: over how many seconds, its round trip in ms and both legs,
    and what ``sfu.survival`` judges by."""

    slot: int
    seconds: float
    told: tuple[float | None, LegQuality, LegQuality]
    downlink: DownlinkCounts


class Reporting:
    """The connected slots. ``now`` is in seconds since the machine was started."""

    def __init__(self, max_participants: int) -> None:
        self._connected = np.zeros(max_participants, bool)
        # When a connectivity check with good integrity came.
        self._checked_s = np.zeros(max_participants)
        # What the last report said, and the counts that it went by.
        self._told_s = np.zeros(max_participants)
        self._counted_at = np.zeros(max_participants)
        self._counted = blank_snapshot(max_participants)
        self._scores = Scores(max_participants)
        self._turn = np.zeros(max_participants, int)
        self._turns = [_Turn() for _ in range(TURNS)]

    def begin(self, slot: int, beside: int | None, now: float, readings: Readings) -> None:
        """``slot`` is connected, and the other one of its room was ``beside``: two of a room are
        reported together."""
        if not self._connected.any():
            for number, turn in enumerate(self._turns):
                turn.due_at = now + REPORT_EVERY_S * (1 + number / TURNS)
                turn.begin(readings.own_counts())
        if beside is not None and self._connected[beside]:
            self._turn[slot] = self._turn[beside]
        else:
            self._turn[slot] = np.bincount(self._turn[self._connected], minlength=TURNS).argmin()
        self._scores.begin(slot)
        self._connected[slot] = True
        self._told_s[slot] = now
        self._keep(np.array([slot]), readings.snapshot(np.array([slot])), now)

    def end(self, slot: int) -> None:
        """``slot`` is connected no longer, or never was."""
        self._connected[slot] = False
        self._checked_s[slot] = 0.0

    def paused(self, slot: int, is_paused: bool) -> None:
        """A picture is kept from ``slot``, whose downlink does not carry it; or no longer."""
        self._scores.pause(slot, is_paused)

    def checked(self, slot: int, at: float) -> None:
        """A connectivity check of ``slot`` had good integrity."""
        self._checked_s[slot] = at

    def heard(self, now: float, readings: Readings) -> tuple[Column, Column, list[int]]:
        """Of which slots a report is due, when they were last heard, and which turns of
        some have come.

        That of a slot comes once a second; in between those are reported who have returned.
        """
        behind_s = readings.behind_s()
        come = []
        for number, turn in enumerate(self._turns):
            turn.late_s = max(turn.late_s, behind_s)
            if not turn.has_come(now):
                continue
            if self._slots_of(number).size:
                come.append(number)
            else:
                turn.begin(readings.own_counts())
        heard_s = np.maximum(readings.heard_s(), self._checked_s)
        is_due = np.isin(self._turn, come) | (heard_s - self._told_s >= RETURN_AFTER_S)
        slots = np.flatnonzero(self._connected & is_due)
        self._told_s[slots] = heard_s[slots]
        return slots, heard_s[slots], come

    def report(self, number: int, now: float, readings: Readings) -> tuple[LegScore, list[Report]]:
        """How the node did, and those of a turn that are connected for long enough to say."""
        slots, turn = self._slots_of(number), self._turns[number]
        seconds = now - self._counted_at[slots]
        long_enough = seconds >= _SHORTEST_S
        slots, seconds = slots[long_enough], seconds[long_enough]
        before, after = self._counted.of(slots), readings.snapshot(slots)
        self._keep(slots, after, now)
        measured = measure(before, after, now - self._told_s[slots])
        turn.came = float(measured.up.packets.sum())
        turn.went = float(measured.down.packets.sum())
        node, own = turn.own.take(
            readings.own_counts(),
            sum(each.came for each in self._turns),
            sum(each.went for each in self._turns),
            turn.late_s,
            REPORT_EVERY_S,
        )
        turn.late_s = 0.0
        scores = self._scores.take(slots, measured, seconds, own)
        told = tell(measured, seconds, scores)
        return node, [
            Report(*each)
            for each in zip(
                slots.tolist(), seconds.tolist(), told, after.downlink_counts, strict=True
            )
        ]

    def _slots_of(self, number: int) -> Column:
        return np.flatnonzero(self._connected & (self._turn == number))

    def _keep(self, slots: Column, counted: Snapshot, now: float) -> None:
        self._counted_at[slots] = now
        for kept, new in zip(self._counted[1:], counted[1:], strict=True):
            kept[slots] = new


class _Turn:
    """The node as it did in the second that ends with a turn.

    What came and went of its slots is counted here; that of the others is in theirs.
    """

    def __init__(self) -> None:
        self.due_at = 0.0
        self.begin(OwnCounts())

    def begin(self, counted: OwnCounts) -> None:
        self.own = OwnScore()
        self.own.begin(counted)
        self.came = self.went = self.late_s = 0.0

    def has_come(self, now: float) -> bool:
        """Whether it has; it comes again after a second, and keeps its time of the second also
        where a thread slept through some."""
        if now < self.due_at:
            return False
        self.due_at += REPORT_EVERY_S * (1 + (now - self.due_at) // REPORT_EVERY_S)
        return True
