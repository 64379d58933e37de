"""A small world in simulated time: people, lines and faults around one control. Seeded."""

import heapq
import random
from collections import Counter
from collections.abc import Callable
from decimal import Decimal

from control.adapters.steady_clock import SteadyClock
from control.consultations.commands import EndByOperator
from control.consultations.consultation import Consultation
from control.consultations.parties import Party, Role, Terms
from control.consultations.policy import PLATFORM, LinkPolicy, Policy
from tests.simulation.checker import Checker
from tests.simulation.ledger import JOINABLE, OPEN, Broken
from tests.simulation.orders import hostile, order_of, rate
from tests.simulation.shell import Control, Make
from tests.simulation.store import Away, Killed, Store

BEGAN_AT = 1_750_000_000.0
PEOPLE = 3
# So many in a world.
CONSULTATIONS = 20
# Every consultation takes this many steps at least, and this share of them with a fault.
LEAST_STEPS = 20
LEAST_FAULTY = 0.3
DURATIONS_S = (10, 10, 10, 15, 15, 15, 20, 20, 30, 90)
A_DAY_S = 86400.0
# Some platforms set a limit for clients, too.
STRICT = Policy(client=LinkPolicy(drop_after_s=20.0))


class Line:
    """A participant's connection to the media node."""

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


class World:
    """Runs until ``consultations`` of them are over, in every sense."""

    def __init__(self, seed: str, consultations: int) -> None:
        self.random = random.Random(seed)
        self.now = BEGAN_AT
        self._left = consultations
        self._made = 0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self.policy = STRICT if self.random.random() < 0.15 else PLATFORM
        self.faults: Counter[str] = Counter()
        self._wall_ahead_s = 0.0
        self.store = Store()
        self.checker = Checker(self.policy)
        self._control: Control | None = None
        self._life = 0
        self._stalled_until = self._away_until = self._bus_until = 0.0
        self._next_kill: str | None = None
        self._lateness_s = 0.0
        self._lines: dict[str, list[Line]] = {}
        self._alive_true = self.now
        self._clients = [Party(f"c{i}", f"C{i}") for i in range(PEOPLE)]
        self._specialists = [Party(f"s{i}", f"S{i}") for i in range(PEOPLE)]
        self._pages = {each.id: 1 + self.random.randrange(3) for each in self._specialists}
        self._quality = {
            each.id: self.random.choice((0.15, 0.4, 0.7))
            for each in self._clients + self._specialists
        }
        self._keys = 0

    # Time.

    def run(self) -> Checker:
        """To the end; raises Broken."""
        self._start()
        for person in self._clients + self._specialists:
            self._after(self.random.uniform(0, 5), self._wake(person))
        self._after(self.random.expovariate(1 / 30), self._fault)
        while self._events or self._anything_open():
            self._next()
        self._wind_up()
        return self.checker

    def _next(self) -> None:
        due_at = self._due_at()
        if self._events and (due_at is None or self._events[0][0] < due_at):
            at, _, what = heapq.heappop(self._events)
            self.now = max(self.now, at)
            self._do(what)
        else:
            assert due_at is not None, "something is open and nothing is due"
            self.now = max(self.now, due_at)
            self._do(self._look)

    def _due_at(self) -> float | None:
        control = self._control
        if control is None or control.next_at is None:
            return None
        at = control.next_at - self.checker.shift + self._lateness_s
        # After standing still the reports that wait in line are read first.
        return at if at >= self._stalled_until else self._stalled_until + 0.25

    def _look(self) -> None:
        assert self._control is not None
        self._control.faulty = self._disturbed()
        self._control.run_due()
        if self.now - self._well_since > 2.0:
            self.checker.punctual(self._control.clock())
        late = self.random.random()
        self._lateness_s = late * 0.02 if late < 0.95 else late * 0.24

    @property
    def _well_since(self) -> float:
        return max(self._stalled_until, self._away_until, self._started_at)

    def _do(self, what: Callable[[], None]) -> None:
        try:
            what()
        except Away:
            self.faults["database away"] += 1
        except Killed:
            self._die()

    def _after(self, seconds: float, what: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (self.now + seconds, self._count, what))

    def _anything_open(self) -> bool:
        return any(each.state in OPEN for each in self.checker.ledgers.values())

    # Control, its faults and its restarts.

    def _start(self) -> None:
        self._life += 1
        clock = SteadyClock(lambda: self.now + self._wall_ahead_s, lambda: self.now)
        self.checker.shift = clock() - self.now
        control = Control(self.store, clock, self.policy, self.checker, self._transaction)
        self._started_at = self.now
        if self._life > 1:
            control.load(self._alive_true)
        self._control = control

    def _transaction(self, done: bool) -> None:
        if not done and self.now < self._away_until:
            raise Away
        if self._next_kill == ("after" if done else "before"):
            self._next_kill = None
            raise Killed

    def _die(self, orderly: bool = False) -> None:
        if self._control is not None and self._life:
            # The heart beats once a second, and when control is stopped in good order.
            beat = self.now if orderly else self._started_at + int(self.now - self._started_at)
            beat = (
                max(self._alive_true, min(beat, max(self._stalled_until, self._started_at)))
                if self.now < self._stalled_until
                else beat
            )
            self._alive_true = beat
            self.store.alive_at = beat + self.checker.shift
        self.faults["control stopped" if orderly else "control killed"] += 1
        self._control = None
        media_too = self.random.random() < 0.6
        if media_too:
            self._cut_all()
        down_s = self.random.choice((0.3, 1.0, 3.0, 12.0, 30.0, 200.0)) * self.random.random()
        if self.random.random() < 0.25:
            self._set_clock()
        self._after(down_s, self._come_up)

    def _come_up(self) -> None:
        self._start()

    def _cut_all(self) -> None:
        for lines in self._lines.values():
            for line in lines:
                if line.there:
                    self._hang_up(line)
                    if self.random.random() < 0.85:
                        self._after(self.random.uniform(1, 25), self._back(line))

    def _set_clock(self) -> None:
        self.faults["clock set"] += 1
        by = self.random.choice((0.05, 0.5, 5.0, 60.0, 3600.0)) * self.random.uniform(-1, 1)
        self._wall_ahead_s += by

    def _fault(self) -> None:
        if not self._left and not self._anything_open():
            return
        self._after(self.random.expovariate(1 / 40), self._fault)
        if self._control is None:
            return
        what = self.random.randrange(8)
        if what == 0:
            self._die(orderly=self.random.random() < 0.3)
        elif what == 1:
            self._next_kill = self.random.choice(("before", "after"))
        elif what == 2:
            self.faults["control stood still"] += 1
            self._stalled_until = self.now + self.random.choice((0.3, 1.0, 17.0)) * (
                0.2 + self.random.random()
            )
        elif what == 3:
            self.faults["database away"] += 1
            self._away_until = self.now + self.random.uniform(0.2, 4.0)
        elif what == 4:
            self._set_clock()
        elif what == 5:
            self.faults["reports held up"] += 1
            self._bus_until = self.now + self.random.uniform(0.3, 20.0)
        elif what == 6:
            self.faults["node gone"] += 1
            self._cut_all()
        else:
            self._lose_room()

    def _lose_room(self) -> None:
        """Control hears that the node of one room is gone."""
        assert self._control is not None
        rooms = [each for each in self._control.open.values() if each.is_joinable]
        if rooms and self.now >= self._stalled_until:
            self.faults["room lost"] += 1
            ago = self.random.uniform(0, 3)
            room = self.random.choice(rooms)
            began = room.requested_at if room.started_at is None else room.started_at
            since = max(self._control.clock() - ago, began, self._started_at + self.checker.shift)
            self._control.interrupted(room.id, since, since - self.checker.shift)

    def _disturbed(self) -> bool:
        return self.now - self._well_since < 1.0 or self.now < self._bus_until

    # Messages to control.

    def _call(self, what: Callable[[Control], object], faulty: bool) -> Callable[[], None]:
        def deliver() -> None:
            if self._control is None:
                return
            if self.now < self._stalled_until:
                self._after(self._stalled_until - self.now, deliver)
                return
            self._control.faulty = faulty or self._disturbed()
            what(self._control)

        return deliver

    def _send(self, user: str, id_: str, make: Make) -> None:
        """A command from a page: it may be late, be sent again, and overtake others."""
        key = None
        if self.random.random() < 0.5:
            self._keys += 1
            key = str(self._keys)
        faulty = self.random.random() < 0.2
        delay_s = self.random.uniform(0.3, 8.0) if faulty else self.random.uniform(0.01, 0.2)
        self._after(delay_s, self._call(lambda it: it.command(user, id_, make, key), faulty))
        if faulty:
            self.faults["command late"] += 1
        if self.random.random() < 0.15:
            self.faults["command twice"] += 1
            again = self._call(lambda it: it.command(user, id_, make, key), faulty=True)
            self._after(delay_s * self.random.uniform(0.5, 3), again)

    # The media node.

    def _join(self, line: Line) -> Callable[[], None]:
        def join() -> None:
            self._back(line)()
            self._after(1.0, self._tick(line))

        return join

    def _back(self, line: Line) -> Callable[[], None]:
        def back() -> None:
            if not line.gone and not line.there:
                line.there, line.since = True, self.now
                self._report(line)

        return back

    def _cut(self, line: Line) -> Callable[[], None]:
        return lambda: self._hang_up(line)

    def _hang_up(self, line: Line) -> None:
        if line.there:
            line.heard_at = max(line.heard_at or 0.0, self.now - self.random.uniform(0, 0.05))
            line.there = False

    def _tick(self, line: Line) -> Callable[[], None]:
        def tick() -> None:
            if self.checker.ledgers[line.consultation_id].state not in JOINABLE:
                line.gone = True
                return
            self._report(line)
            self._after(1.0, tick)

        return tick

    def _report(self, line: Line) -> None:
        if line.there:
            heard = max(line.since, self.now - self.random.random() * 0.05)
            line.heard_at = heard if line.heard_at is None else max(line.heard_at, heard)
        if line.heard_at is None:
            return
        stamp = line.heard_at + self._wall_ahead_s
        id_, role = line.consultation_id, line.role

        def hear(control: Control) -> None:
            control.heard(id_, role, control.clock.from_wall(stamp))

        cut = not line.there
        if self.now < self._bus_until:
            delay_s, faulty = self._bus_until - self.now, True
        elif self.random.random() < line.bad:
            delay_s, faulty = (
                self.random.choice((0.1, 0.1, 0.1, 1.5, 4.0)) * self.random.random(),
                True,
            )
            if self.random.random() < 0.2:
                self.faults["report twice"] += 1
                self._after(delay_s * 2.0, self._call(hear, faulty=True))
            self.faults["report late"] += 1
        else:
            delay_s, faulty = 0.002, cut
        self._after(delay_s, self._call(hear, faulty))

    # People.

    def _wake(self, person: Party) -> Callable[[], None]:
        def wake() -> None:
            if not self._left and not self._anything_open():
                return
            self._after(self.random.expovariate(1 / 4), wake)
            if self._control is not None:
                self._act(person, self._control)

        return wake

    def _act(self, person: Party, control: Control) -> None:
        chance = self.random.random()
        if person.id in self._pages and chance < 0.05:
            self._pages[person.id] = self.random.randrange(4)
        mine = [it for it in control.open.values() if it.role_of(person.id) is not None]
        if not mine or (chance > 0.85 and len(mine) < 3):
            if person.id.startswith("c") and self._left:
                self._ask(person)
            return
        it = self.random.choice(mine)
        if chance < 0.12:
            self.faults["hostile command"] += 1
            user, make = hostile(self.random, it)
            self._after(0.05, self._call(lambda c: c.command(user, it.id, make), faulty=True))
            return
        role = it.role_of(person.id)
        assert role is not None
        order = order_of(self.random, it, role)
        if order is not None:
            self._send(person.id, it.id, order)
        if it.is_joinable:
            self._move(it, role)
        if self.random.random() < 0.004:
            self._operate(it.id)

    def _operate(self, id_: str) -> None:
        detail = self.random.choice(("Сигнал", "Сигнал", " "))
        order = EndByOperator(detail)
        self._after(0.05, self._call(lambda it: it.operator(id_, order), faulty=False))

    def _ask(self, client: Party) -> None:
        specialist = self.random.choice(self._specialists)
        terms = Terms(
            self.random.choice(DURATIONS_S), Decimal("40.00"), "EUR", self.random.random() < 0.97
        )
        self._made += 1
        id_ = f"k{self._made}"

        def ask(control: Control) -> None:
            online = self._pages[specialist.id] > 0
            if self._left and control.request(id_, client, specialist, terms, online):
                self._left -= 1
                for delay_s in (0.05, *self._later_ratings()):
                    self._after(delay_s, self._rate(id_, client.id))

        self._after(0.05, self._call(ask, faulty=False))

    def _later_ratings(self) -> list[float]:
        if self.random.random() < 0.7:
            return [self.random.choice((100.0, 400.0, 2000.0))]
        return [500.0, A_DAY_S * 0.9, A_DAY_S * self.random.uniform(0.98, 1.02)]

    def _rate(self, id_: str, user: str) -> Callable[[], None]:
        def do() -> None:
            make = rate(self.random)
            self._call(lambda it: it.command(user, id_, make), faulty=False)()

        return do

    def _move(self, it: Consultation, role: Role) -> None:
        """Into the room, out of it, and back."""
        if it.id not in self._lines:
            client = Line(it.id, Role.CLIENT, self._quality[it.client.id])
            specialist = Line(it.id, Role.SPECIALIST, self._quality[it.specialist.id])
            self._lines[it.id] = [client, specialist]
            for line in (client, specialist):
                delay_s = self.random.choice((0.5, 2.0, 5.0, 5.0, 10.0, 150.0))
                self._after(delay_s * self.random.random(), self._join(line))
            return
        line = self._lines[it.id][0 if role is Role.CLIENT else 1]
        chance = self.random.random()
        if line.there and chance < 0.14:
            self.faults["line cut"] += 1
            self._hang_up(line)
            if chance < 0.13:
                away_s = self.random.choice((3.0, 15.0, 17.0, 40.0)) * (0.2 + self.random.random())
                if self.random.random() < 0.2:
                    # Around the moment of the verdict.
                    away_s = 15.0 + self.random.uniform(-0.3, 0.6)
                self._after(away_s, self._back(line))
            if self.random.random() < 0.15:
                for each in self._lines[it.id]:
                    self._after(self.random.uniform(0, 4), self._cut(each))
                    self._after(self.random.uniform(4, 130), self._back(each))

    # The end.

    def _wind_up(self) -> None:
        """Whatever took few steps, or went too smoothly, is tried again by strangers."""
        while self._control is None:
            self._next()
        for it in self.checker.ledgers.values():
            over = self.store.get(it.id)
            while it.steps < LEAST_STEPS or it.faulty < LEAST_FAULTY * it.steps:
                self.faults["hostile command"] += 1
                user, make = hostile(self.random, over)
                self._control.faulty = True
                self._control.command(user, it.id, make)
            self.checker.closed(it, self.store.get(it.id), self.store.events[it.id])


def run(seed: str, consultations: int = CONSULTATIONS) -> World:
    """A world of this seed, run to its end; Broken tells how to see it again."""
    world = World(seed, consultations)
    try:
        world.run()
    except Exception as error:
        steps = "\n".join(f"  {each}" for each in world.checker.told)
        raise Broken(
            f"{error!r} in world {seed}, at {world.now - BEGAN_AT:.3f} s. See it again:\n"
            f"  python -m tests.simulation --world {seed}\nThe last steps:\n{steps}"
        ) from error
    return world
