"""Control as far as the rules see it: rule, then store, then memory, then the next deadline."""

import heapq
from collections.abc import Callable, Sequence

from control.adapters.steady_clock import SteadyClock
from control.consultations import requests
from control.consultations.commands import Accept, Heard, Order, ServiceInterrupted, perform
from control.consultations.consultation import Change, Consultation
from control.consultations.deadlines import deadline, due
from control.consultations.parties import Party, Role, Terms
from control.consultations.policy import Policy
from control.errors import ControlError
from tests.simulation.checker import Checker
from tests.simulation.store import Answer, Away, Store

RETRY_S = 1.0
# Makes the command from the role of whoever gives it.
Make = Callable[[Role], Order]
# Called before and after each transaction; raises Away or Killed.
Transaction = Callable[[bool], None]


class Control:
    """One life of the process. Everything in here is lost with it."""

    def __init__(
        self,
        store: Store,
        clock: SteadyClock,
        policy: Policy,
        checker: Checker,
        transaction: Transaction,
    ) -> None:
        self._store = store
        self.clock = clock
        self._policy = policy
        self._checker = checker
        self._transaction = transaction
        self.open: dict[str, Consultation] = {}
        self._queue: list[tuple[float, str]] = []
        self._earliest: dict[str, float] = {}
        # The step that is being taken is disturbed by a fault.
        self.faulty = False

    def load(self, since_true: float) -> None:
        """Take up what was open when the process before this one ended."""
        now, since = self.clock(), self._store.alive_at
        changes = [
            perform(each, ServiceInterrupted(since), now, self._policy)
            for each in self._store.open()
        ]

        def check() -> None:
            for change in changes:
                self._checker.restarted(now, since, since_true, change)

        self._commit(changes, check)

    def stood_still(self, since: float, since_true: float) -> None:
        """Nobody listened to any room since then."""
        now = self.clock()
        changes = [
            perform(each, ServiceInterrupted(since), now, self._policy)
            for each in self.open.values()
        ]

        def check() -> None:
            for change in changes:
                self._checker.interrupted(now, since, since_true, change)

        self._commit(changes, check)

    def interrupted(self, id_: str, since: float, since_true: float) -> None:
        """The node of one room is gone since then."""
        now = self.clock()
        change = perform(self.open[id_], ServiceInterrupted(since), now, self._policy)
        self._commit([change], lambda: self._checker.interrupted(now, since, since_true, change))

    def request(
        self,
        id_: str,
        client: Party,
        specialist: Party,
        terms: Terms,
        online: bool,
        key: str | None = None,
    ) -> bool:
        """Ask for a consultation; whether that made one."""
        now = self.clock()
        people = client.id, specialist.id
        asked = (people, terms)
        if key and self._is_used(client.id, key, asked):
            return False
        possible = online and terms.takes_video
        checker, faulty = self._checker, self.faulty
        try:
            changes = requests.request(
                id_,
                client,
                specialist,
                terms,
                "Резултати",
                specialist_online=online,
                others=self._of_either(*people),
                now=now,
                policy=self._policy,
            )
        except ControlError as error:
            checker.requested(now, *people, possible, type(error).__name__, faulty)
            return False
        self._commit(
            changes,
            lambda: checker.requested(now, *people, possible, changes, faulty),
            self._answer(client.id, key, asked, id_),
        )
        return True

    def command(self, user: str, id_: str, make: Make, key: str | None = None) -> None:
        """Someone's command; under a used key it changes nothing."""
        before = self.consultation(id_)
        role = before.role_of(user)
        now = self.clock()
        if role is None:
            self._checker.refused_with(now, before, None, None, "NotFound", self.faulty)
            return
        order = make(role)
        if key and self._is_used(user, key, (id_, order)):
            return
        self._order(before, role.value, order, now, self._answer(user, key, (id_, order), id_))

    def consultation(self, id_: str) -> Consultation:
        """As it stands."""
        return self.open.get(id_) or self._store.get(id_)

    def _is_used(self, user: str, key: str, asked: object) -> bool:
        """Whether the key is; then the answer is that of the first time, or a refusal."""
        used = self._store.answers.get((user, key))
        if used is None:
            return False
        first, id_ = used
        refusal = None if first == asked else "IdempotencyKeyReused"
        self._checker.replayed(self.clock(), self.consultation(id_), refusal, self.faulty)
        return True

    @staticmethod
    def _answer(user: str, key: str | None, asked: object, id_: str) -> Answer | None:
        return None if key is None else ((user, key), (asked, id_))

    def operator(self, id_: str, order: Order) -> None:
        """An operator's command."""
        self._order(self.consultation(id_), "operator", order, self.clock(), None)

    def _order(
        self,
        before: Consultation,
        role: str,
        order: Order,
        now: float,
        answer: Answer | None,
    ) -> None:
        faulty = self.faulty
        try:
            if isinstance(order, Accept):
                others = self._of_either(before.client.id, before.specialist.id)
                changes = requests.accept(
                    before, order.by, others=others, now=now, policy=self._policy
                )
            else:
                changes = [perform(before, order, now, self._policy)]
        except ControlError as error:
            name = type(error).__name__
            self._checker.refused_with(now, before, role, order, name, faulty)
            return
        self._commit(
            changes, lambda: self._checker.obeyed(now, before, order, changes, faulty), answer
        )

    def heard(self, id_: str, role: Role, at: float) -> None:
        """The node's report; of a room that is closed it says nothing."""
        before = self.open.get(id_)
        if before is None or not before.is_joinable:
            return
        now, faulty = self.clock(), self.faulty
        change = perform(before, Heard(role, at), now, self._policy)
        self._commit(
            [change], lambda: self._checker.heard(now, before, role.value, at, change, faulty)
        )

    @property
    def next_at(self) -> float | None:
        """When to call ``run_due``."""
        return self._queue[0][0] if self._queue else None

    def run_due(self) -> None:
        """Everything whose time has come."""
        now = self.clock()
        while self._queue and self._queue[0][0] <= now:
            at, id_ = heapq.heappop(self._queue)
            if self._earliest.get(id_) != at:
                continue
            del self._earliest[id_]
            if id_ in self.open:
                self._due(id_, now)

    def _due(self, id_: str, now: float) -> None:
        change = due(self.open[id_], now, self._policy)
        faulty = self.faulty
        try:
            self._commit([change], lambda: self._checker.due(now, change, faulty))
        except Away:
            self._schedule(id_, now + RETRY_S)

    def _commit(
        self,
        changes: Sequence[Change],
        check: Callable[[], None],
        answer: Answer | None = None,
    ) -> None:
        happened = [change for change in changes if change.events]
        if happened:
            self._transaction(False)
            self._store.write(happened, answer)
        check()
        if happened:
            self._transaction(True)
        for change in changes:
            it = change.consultation
            if it.is_open:
                self.open[it.id] = it
                self._schedule(it.id, deadline(it, self._policy))
            else:
                self.open.pop(it.id, None)

    def _schedule(self, id_: str, at: float | None) -> None:
        if at is not None and at < self._earliest.get(id_, float("inf")):
            self._earliest[id_] = at
            heapq.heappush(self._queue, (at, id_))

    def _of_either(self, *users: str) -> list[Consultation]:
        return [
            each
            for each in self.open.values()
            if each.client.id in users or each.specialist.id in users
        ]
