"""The clients and specialists of a world: they ask, answer, come into the room and leave it."""

from collections.abc import Callable
from decimal import Decimal

from control.consultations.commands import EndByOperator
from control.consultations.consultation import Consultation
from control.consultations.parties import Party, Role, Terms
from control.consultations.states import State
from tests.simulation.agenda import A_DAY_S, Agenda
from tests.simulation.checker import Checker
from tests.simulation.crowd import Crowd
from tests.simulation.node import Line, Node
from tests.simulation.orders import hostile, order_of, rate
from tests.simulation.process import Process
from tests.simulation.shell import Control, Make

OF_EACH_ROLE = 3
DURATIONS_S = (*(10,) * 7, *(15,) * 6, *(20,) * 4, 30, 30, 90)
# Nobody has read a request and decided on it faster.
READ_WITHIN_S = 1.0
MOST_REQUESTS = 3


class People:
    """Until they have asked for so many ``consultations`` and all of these are over."""

    def __init__(
        self, agenda: Agenda, process: Process, node: Node, checker: Checker, consultations: int
    ) -> None:
        self._agenda = agenda
        self._process = process
        self._node = node
        self._checker = checker
        self._crowd = Crowd(agenda, process, checker)
        self._left = consultations
        self._asked = self._keys = 0
        chance = agenda.random
        self._clients = [Party(f"c{i}", f"C{i}") for i in range(OF_EACH_ROLE)]
        self._specialists = [Party(f"s{i}", f"S{i}") for i in range(OF_EACH_ROLE)]
        # How many open pages a specialist has: without one they are offline.
        self._pages = {each.id: 1 + chance.randrange(3) for each in self._specialists}
        everybody = self._clients + self._specialists
        self._bad = {each.id: chance.choice((0.15, 0.4, 0.7)) for each in everybody}

    def begin(self) -> None:
        """From now on."""
        for person in self._clients + self._specialists:
            self._agenda.after(self._agenda.random.uniform(0, 5), self._wake(person))

    @property
    def are_busy(self) -> bool:
        """Whether anything is open or still to be asked."""
        return self._left > 0 or self._checker.anything_open

    @property
    def are_crowded(self) -> bool:
        """Whether a request is so new that it must not end unseen."""
        return self._crowd.surrounds()

    def _wake(self, person: Party) -> Callable[[], None]:
        def wake() -> None:
            if not self.are_busy:
                return
            self._agenda.after(self._agenda.random.expovariate(1 / 4), wake)
            if self._process.control is not None:
                self._act(person, self._process.control)

        return wake

    def _act(self, person: Party, control: Control) -> None:
        chance = self._agenda.random
        draw = chance.random()
        if person.id in self._pages and draw < 0.05:
            self._pages[person.id] = chance.randrange(4)
        mine = [it for it in control.open.values() if it.role_of(person.id) is not None]
        if not mine or (draw > 0.85 and len(mine) < MOST_REQUESTS):
            if person.id.startswith("c") and self._left:
                self._ask(person)
            return
        it = chance.choice(mine)
        if draw < 0.12:
            self._agenda.faults["hostile command"] += 1
            user, make = hostile(chance, it)
            self._agenda.after(0.05, self._command(user, it.id, make, key=None, faulty=True))
            return
        role = it.role_of(person.id)
        assert role is not None
        read = all(each.requested_at + READ_WITHIN_S < control.clock() for each in mine)
        order = order_of(chance, it, role)
        if order is not None and (read or it.state is not State.REQUESTED):
            self._send(person.id, it.id, order)
        if it.is_joinable:
            self._move(it, role)
        if chance.random() < 0.004:
            self._operate(it.id)

    def _send(self, user: str, id_: str, make: Make) -> None:
        """A command from a page: it may be late, be sent again, and overtake others."""
        agenda, chance = self._agenda, self._agenda.random
        key = self._key() if chance.random() < 0.5 else None
        faulty = chance.random() < 0.2
        delay_s = chance.uniform(0.3, 8.0) if faulty else chance.uniform(0.01, 0.2)
        agenda.after(delay_s, self._command(user, id_, make, key, faulty))
        if faulty:
            agenda.faults["command late"] += 1
        if chance.random() < 0.15:
            agenda.faults["command twice"] += 1
            again = self._command(user, id_, make, key, faulty=True)
            agenda.after(delay_s * chance.uniform(0.5, 3), again)

    def _command(
        self, user: str, id_: str, make: Make, key: str | None, faulty: bool
    ) -> Callable[[], None]:
        """Delivers it, but not while the crowd is around what it might end."""
        ledger = self._checker.ledgers[id_]

        def command(it: Control) -> None:
            if self._crowd.surrounds(ledger.client, ledger.specialist):
                self._agenda.after(READ_WITHIN_S, message)
            else:
                it.command(user, id_, make, key)

        message = self._process.message(command, faulty)
        return message

    def _key(self) -> str:
        self._keys += 1
        return str(self._keys)

    def _operate(self, id_: str) -> None:
        order = EndByOperator(self._agenda.random.choice(("Сигнал", "Сигнал", " ")))
        command = self._process.message(lambda it: it.operator(id_, order), faulty=False)
        self._agenda.after(0.05, command)

    # Asking, and what is said of it afterwards.

    def _ask(self, client: Party) -> None:
        chance = self._agenda.random
        specialist = chance.choice(self._specialists)
        terms = Terms(chance.choice(DURATIONS_S), Decimal("40.00"), "EUR", chance.random() < 0.97)
        key = self._key()

        def ask(control: Control) -> None:
            if self._left:
                self._request(control, client, specialist, terms, key)

        self._agenda.after(0.05, self._process.message(ask, faulty=False))

    def _request(
        self, control: Control, client: Party, specialist: Party, terms: Terms, key: str
    ) -> None:
        self._asked += 1
        id_, online = f"k{self._asked}", self._pages[specialist.id] > 0
        try:
            control.request(id_, client, specialist, terms, online, key)
        finally:
            # Control may have been killed as soon as it was stored.
            if id_ in self._checker.ledgers:
                self._requested(id_, client, specialist, terms, key)

    def _requested(
        self, id_: str, client: Party, specialist: Party, terms: Terms, key: str
    ) -> None:
        self._left = max(0, self._left - 1)

        def again(it: Control) -> None:
            # The same page, or another, which does not know of it.
            same = self._agenda.random.random() < 0.5
            self._request(it, client, specialist, terms, key if same else self._key())

        self._crowd.gather(id_, client.id, key, again)
        for delay_s in (0.05, *self._later_ratings()):
            self._agenda.after(delay_s, self._rate(id_, client.id))

    def _later_ratings(self) -> list[float]:
        chance = self._agenda.random
        if chance.random() < 0.7:
            return [chance.choice((100.0, 400.0, 2000.0))]
        return [500.0, A_DAY_S * 0.9, A_DAY_S * chance.uniform(0.98, 1.02)]

    def _rate(self, id_: str, user: str) -> Callable[[], None]:
        def do() -> None:
            make = rate(self._agenda.random)
            self._process.message(lambda it: it.command(user, id_, make), faulty=False)()

        return do

    # The room.

    def _move(self, it: Consultation, role: Role) -> None:
        """Into the room, out of it, and back."""
        line = self._node.line(it.id, role)
        if line is None:
            bad = {
                Role.CLIENT: self._bad[it.client.id],
                Role.SPECIALIST: self._bad[it.specialist.id],
            }
            self._node.open(it, bad)
        elif line.there:
            self._perhaps_lose(line)

    def _perhaps_lose(self, line: Line) -> None:
        agenda, chance = self._agenda, self._agenda.random
        draw = chance.random()
        if draw >= 0.14:
            return
        agenda.faults["line cut"] += 1
        self._node.cut(line)
        if draw < 0.13:
            away_s = chance.choice((3.0, 15.0, 17.0, 40.0)) * (0.2 + chance.random())
            if chance.random() < 0.2:
                # Around the moment of the verdict.
                away_s = 15.0 + chance.uniform(-0.3, 0.6)
            agenda.after(away_s, self._node.back(line))
        if chance.random() < 0.15:
            self._node.cut_both(line.consultation_id)
