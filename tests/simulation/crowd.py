"""Messages that nobody needs: doubled, of the wrong side, of strangers, under used keys.

Most come in the first moment of a request, before anybody has read it: so a consultation that is
declined, cancelled or withdrawn has been tried as well before its end. Later they come where little
else goes wrong.
"""

from collections.abc import Callable

from tests.simulation.agenda import Agenda
from tests.simulation.checker import Checker
from tests.simulation.expected import expected
from tests.simulation.ledger import Ledger
from tests.simulation.orders import STRANGER, hostile
from tests.simulation.process import Process
from tests.simulation.rule import OPEN
from tests.simulation.shell import RETRY_S, Control, Make

# So many steps of a consultation are seen to, and this share of them with a fault.
STEPS = 20
SHARE_DISTURBED = 0.35
# Seconds between two messages, on average, and between two looks at whether they are needed.
BETWEEN_S = 0.01
LOOK_EVERY_S = 2.0


class Crowd:
    """Around the consultations of one world."""

    def __init__(self, agenda: Agenda, process: Process, checker: Checker) -> None:
        self._agenda = agenda
        self._process = process
        self._checker = checker

    def surrounds(self, *people: str) -> bool:
        """Whether it has not yet done with a request of one of them, or of anybody."""
        return any(
            ledger.state in OPEN and ledger.open_steps < STEPS
            for ledger in self._checker.ledgers.values()
            if not people or ledger.client in people or ledger.specialist in people
        )

    def gather(self, id_: str, client: str, key: str, again: Callable[[Control], None]) -> None:
        """Around what ``client`` has just asked for under this key; ``again`` asks once more."""
        ledger, chance = self._checker.ledgers[id_], self._agenda.random

        def misuse_key(control: Control) -> None:
            control.command(client, id_, self._order(control, ledger)[1], key)

        def wrong(control: Control) -> None:
            user, make = self._order(control, ledger)
            control.command(user, id_, make)

        def message() -> None:
            if ledger.state not in OPEN:
                return
            steps = ledger.open_steps
            if steps >= STEPS and ledger.disturbed >= SHARE_DISTURBED * steps:
                self._agenda.after(LOOK_EVERY_S, message)
                return
            if self._process.control is None:
                self._agenda.after(RETRY_S, message)
                return
            self._agenda.after(chance.expovariate(1 / BETWEEN_S), message)
            draw = chance.random()
            if draw < 0.2 and ledger.state == "requested":
                self._tell("request twice", again)
            elif draw < 0.3:
                self._tell("key used twice", misuse_key)
            else:
                self._tell("hostile command", wrong)

        self._agenda.after(0.0, message)

    def _tell(self, fault: str, what: Callable[[Control], object]) -> None:
        self._agenda.faults[fault] += 1
        self._process.message(what, faulty=True)()

    def _order(self, control: Control, ledger: Ledger) -> tuple[str, Make]:
        """Mostly one that the rules refuse: what is obeyed is the people's affair."""
        it = control.consultation(ledger.id)
        while True:
            user, make = hostile(self._agenda.random, it)
            role = it.role_of(user)
            if user == STRANGER or role is None:
                return user, make
            if isinstance(expected(ledger, make(role), control.clock()), str):
                return user, make
