"""A small world in simulated time: people, lines and faults around one control. Seeded."""

from collections.abc import Callable

from control.consultations.policy import PLATFORM, DropAction, LinkPolicy, Policy
from tests.simulation.agenda import BEGAN_AT, Agenda
from tests.simulation.checker import Checker
from tests.simulation.node import Node
from tests.simulation.people import People
from tests.simulation.process import Process
from tests.simulation.rule import Broken, hold
from tests.simulation.store import Away, Killed
from tests.simulation.weather import Weather

# So many in a world.
CONSULTATIONS = 20
# Some platforms set a limit for clients, too; some announce a specialist's drop.
STRICT = Policy(client=LinkPolicy(drop_after_s=20.0))
PATIENT = Policy(specialist=LinkPolicy(drop_after_s=15.0, on_drop=DropAction.ANNOUNCE))
POLICIES = (STRICT, PATIENT, *(PLATFORM,) * 4)


class World:
    """Runs until ``consultations`` of them are over, in every sense."""

    def __init__(self, seed: str, consultations: int) -> None:
        self.agenda = Agenda(seed)
        policy = self.agenda.random.choice(POLICIES)
        self.checker = Checker(policy)
        self._process = Process(self.agenda, policy, self.checker)
        node = Node(self.agenda, self._process, self.checker)
        self._people = People(self.agenda, self._process, node, self.checker, consultations)
        self._weather = Weather(self.agenda, self._process, node, self._people)

    def run(self) -> None:
        """To the end; raises Broken."""
        self._process.start()
        self._people.begin()
        self._weather.begin()
        while self.agenda.next_at is not None or self.checker.anything_open:
            self._next()
        store = self._process.store
        for it in self.checker.ledgers.values():
            self.checker.closed(it, store.get(it.id), store.events[it.id])

    def _next(self) -> None:
        due_at, next_at = self._process.due_at, self.agenda.next_at
        if next_at is not None and (due_at is None or next_at < due_at):
            self._do(self.agenda.pop())
        else:
            hold(due_at is not None, "what is open comes to an end")
            assert due_at is not None
            self.agenda.wait_until(due_at)
            self._do(self._process.look)

    def _do(self, what: Callable[[], None]) -> None:
        try:
            what()
        except Away:
            self.agenda.faults["database away"] += 1
        except Killed:
            self._weather.kill()


def run(seed: str, consultations: int = CONSULTATIONS) -> World:
    """A world of this seed, run to its end; Broken tells how to see it again."""
    world = World(seed, consultations)
    try:
        world.run()
    except Exception as error:
        steps = "\n".join(f"  {each}" for each in world.checker.told)
        raise Broken(
            f"{error!r} in world {seed}, at {world.agenda.now - BEGAN_AT:.3f} s. See it again:\n"
            f"  python -m tests.simulation --world {seed}\nThe last steps:\n{steps}"
        ) from error
    return world
