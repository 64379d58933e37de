"""The media node: what it hears of the participants' lines, and what it tells control."""

from collections.abc import Callable
from functools import partial

from control.consultations.consultation import Consultation
from control.consultations.parties import Role
from tests.simulation.agenda import Agenda
from tests.simulation.checker import Checker
from tests.simulation.process import Process
from tests.simulation.rule import JOINABLE
from tests.simulation.shell import Control

# Where less than this share of a consultation's steps was disturbed, so many reports are late.
LEAST_DISTURBED = 0.4
WORST = 0.9


class Line:
    """A participant's connection to the node."""

    def __init__(self, consultation_id: str, role: Role, bad: float) -> None:
        self.consultation_id = consultation_id
        self.role = role
        # How often a report of it is late, doubled or overtaken.
        self.bad = bad
        self.there = False
        self.gone = False
        # By the world's time.
        self.heard_at: float | None = None
        self.since = 0.0


class Node:
    """The lines of all rooms."""

    def __init__(self, agenda: Agenda, process: Process, checker: Checker) -> None:
        self._agenda = agenda
        self._process = process
        self._checker = checker
        self._lines: dict[str, dict[Role, Line]] = {}

    def open(self, it: Consultation, bad: dict[Role, float]) -> None:
        """Both come into the room, each when they like; some too late."""
        chance = self._agenda.random
        self._lines[it.id] = {role: Line(it.id, role, bad[role]) for role in bad}
        for line in self._lines[it.id].values():
            delay_s = chance.choice((0.5, 2.0, 5.0, 5.0, 10.0, 150.0))
            self._agenda.after(delay_s * chance.random(), self._join(line))

    def line(self, id_: str, role: Role) -> Line | None:
        """One's line into a room; None when the room is not open."""
        room = self._lines.get(id_)
        return None if room is None else room[role]

    def cut(self, line: Line) -> None:
        """Nothing comes through any more."""
        if line.there:
            last = self._agenda.now - self._agenda.random.uniform(0, 0.05)
            line.heard_at = max(line.heard_at or 0.0, last)
            line.there = False

    def cut_all(self) -> None:
        """Everybody's; most come back."""
        chance = self._agenda.random
        for line in [line for room in self._lines.values() for line in room.values()]:
            if line.there:
                self.cut(line)
                if chance.random() < 0.85:
                    self._agenda.after(chance.uniform(1, 25), self.back(line))

    def cut_both(self, id_: str) -> None:
        """Both of a room's, at nearly the same time."""
        chance = self._agenda.random
        for line in self._lines[id_].values():
            self._agenda.after(chance.uniform(0, 4), partial(self.cut, line))
            self._agenda.after(chance.uniform(4, 130), self.back(line))

    def back(self, line: Line) -> Callable[[], None]:
        """Makes a line work again."""

        def back() -> None:
            if not line.gone and not line.there:
                line.there, line.since = True, self._agenda.now
                self._report(line)

        return back

    def _join(self, line: Line) -> Callable[[], None]:
        def join() -> None:
            self.back(line)()
            self._agenda.after(1.0, tick)

        def tick() -> None:
            if self._checker.ledgers[line.consultation_id].state not in JOINABLE:
                line.gone = True
                return
            self._report(line)
            self._agenda.after(1.0, tick)

        return join

    def _report(self, line: Line) -> None:
        """Tell control when the line was heard last."""
        now, chance = self._agenda.now, self._agenda.random
        if line.there:
            heard = max(line.since, now - chance.random() * 0.05)
            line.heard_at = heard if line.heard_at is None else max(line.heard_at, heard)
        if line.heard_at is None:
            return
        stamp = line.heard_at + self._process.wall_ahead_s
        id_, role = line.consultation_id, line.role

        def hear(control: Control) -> None:
            control.heard(id_, role, control.clock.from_wall(stamp))

        if now < self._process.held_up_until:
            delay_s, faulty = self._process.held_up_until - now, True
        elif chance.random() < self._bad(line):
            delay_s = chance.choice((0.1, 0.1, 0.1, 1.5, 4.0)) * chance.random()
            faulty = True
            if chance.random() < 0.2:
                self._agenda.faults["report twice"] += 1
                self._agenda.after(delay_s * 2.0, self._process.message(hear, faulty=True))
            self._agenda.faults["report late"] += 1
        else:
            delay_s, faulty = 0.002, not line.there
        self._agenda.after(delay_s, self._process.message(hear, faulty))

    def _bad(self, line: Line) -> float:
        """Where all went too well it gets worse."""
        ledger = self._checker.ledgers[line.consultation_id]
        return line.bad if ledger.share_disturbed >= LEAST_DISTURBED else WORST
