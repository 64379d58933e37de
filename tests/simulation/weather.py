"""What befalls control, its database, its clock and the node."""

from tests.simulation.agenda import Agenda
from tests.simulation.node import Node
from tests.simulation.people import People
from tests.simulation.process import Process

# On average a fault comes after this.
SECONDS_BETWEEN = 40.0


class Weather:
    """One fault after another, as long as the people have something to do."""

    def __init__(self, agenda: Agenda, process: Process, node: Node, people: People) -> None:
        self._agenda = agenda
        self._process = process
        self._node = node
        self._people = people

    def begin(self) -> None:
        """From now on."""
        self._agenda.after(self._agenda.random.expovariate(1 / SECONDS_BETWEEN), self._strike)

    def kill(self, orderly: bool = False) -> None:
        """Control dies, often with the media; some time later it comes up, under any clock."""
        chance = self._agenda.random
        self._process.end(orderly)
        if chance.random() < 0.6:
            self._node.cut_all()
        down_s = chance.choice((0.3, 1.0, 3.0, 12.0, 30.0, 200.0)) * chance.random()
        if chance.random() < 0.25:
            self._set_clock()
        if self._people.are_crowded:
            # What is that new would be over before anything was tried on it.
            down_s = min(down_s, 3.0)
            self._process.set_clock_right()
        self._agenda.after(down_s, self._process.start)

    def _strike(self) -> None:
        if not self._people.are_busy:
            return
        self.begin()
        if self._process.control is None:
            return
        agenda, process, chance = self._agenda, self._process, self._agenda.random
        match chance.randrange(8):
            case 0:
                self.kill(orderly=chance.random() < 0.3)
            case 1:
                process.next_kill = chance.choice(("before", "after"))
            case 2:
                agenda.faults["control stood still"] += 1
                process.stand_still(chance.choice((0.3, 1.0, 17.0)) * (0.2 + chance.random()))
            case 3:
                agenda.faults["database away"] += 1
                process.away_until = agenda.now + chance.uniform(0.2, 4.0)
            case 4:
                self._set_clock()
            case 5:
                agenda.faults["reports held up"] += 1
                process.held_up_until = agenda.now + chance.uniform(0.3, 20.0)
            case 6:
                agenda.faults["node gone"] += 1
                self._node.cut_all()
            case _:
                self._lose_room()

    def _set_clock(self) -> None:
        self._agenda.faults["clock set"] += 1
        chance = self._agenda.random
        by = chance.choice((0.05, 0.5, 5.0, 60.0, 3600.0)) * chance.uniform(-1, 1)
        self._process.wall_ahead_s += by

    def _lose_room(self) -> None:
        control, chance = self._process.control, self._agenda.random
        assert control is not None
        rooms = [each for each in control.open.values() if each.is_joinable]
        if rooms and self._agenda.now >= self._process.stalled_until:
            self._agenda.faults["room lost"] += 1
            self._process.lose_room(chance.choice(rooms), ago_s=chance.uniform(0, 3))
