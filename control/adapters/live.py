"""The consultations that something can still happen to, and the one way to change them."""

import asyncio
import logging
import uuid
from collections import Counter
from collections.abc import Callable, Iterable

from control.adapters.audience import Audience
from control.adapters.errands import Errands
from control.adapters.people import Specialist, User
from control.adapters.scheduler import Clock, Scheduler
from control.adapters.store import Store
from control.consultations import requests
from control.consultations.commands import (
    Accept,
    Command,
    EndByOperator,
    Heard,
    ServiceInterrupted,
    Withdraw,
    perform,
)
from control.consultations.consultation import Change, Consultation
from control.consultations.deadlines import deadline, due
from control.consultations.events import Ended, Event
from control.consultations.parties import Role
from control.consultations.policy import Policy
from control.consultations.states import State
from control.errors import NotFound

log = logging.getLogger(__name__)


class LiveConsultations:
    """Applies the rules one step at a time: rule, then store, then memory, then the audience.

    What the node tells of liveness is kept in memory only: it is worth nothing after a restart,
    and comes twice a second for each consultation.
    """

    def __init__(
        self,
        store: Store,
        policy: Policy,
        clock: Clock,
        audience: Audience,
        errands: Errands,
        on_over: Callable[[str], None],
    ) -> None:
        self._store = store
        self._policy = policy
        self._clock = clock
        self._audience = audience
        self._errands = errands
        # Called with the id of a consultation whose room is not needed any more.
        self._on_over = on_over
        self._open: dict[str, Consultation] = {}
        self._open_by_user: dict[str, set[str]] = {}
        # One step at a time, for a rule may look at other consultations.
        self._step = asyncio.Lock()
        self.scheduler = Scheduler(clock, self._on_due)
        # Events by name since the start, for the metrics.
        self.happened: Counter[str] = Counter()

    async def load(self) -> None:
        """Take up what was open when control stopped."""
        async with self._step:
            now = self._clock()
            await self._commit(
                [
                    perform(each, ServiceInterrupted(since=now), now, self._policy)
                    for each in await self._store.open_consultations()
                ]
            )

    def open(self) -> list[Consultation]:
        """Every open consultation, as it stands."""
        return list(self._open.values())

    def open_of(self, user_id: str) -> list[Consultation]:
        """A user's open consultations."""
        return self._of_either(user_id)

    def joinable(self, consultation_id: str) -> Consultation | None:
        """The consultation if its participants may be in the room now."""
        consultation = self._open.get(consultation_id)
        return consultation if consultation and consultation.is_joinable else None

    async def of(self, user_id: str, consultation_id: str) -> tuple[Consultation, Role]:
        """A user's consultation and their role in it; NotFound when it is not theirs."""
        consultation = self._open.get(consultation_id)
        if consultation is None:
            consultation = await self._store.consultation(consultation_id)
        role = consultation.role_of(user_id) if consultation else None
        if consultation is None or role is None:
            raise NotFound("There is no such consultation.")
        return consultation, role

    async def list_of(self, user_id: str, limit: int) -> list[Consultation]:
        """A user's consultations, newest first."""
        stored = await self._store.consultations_of(user_id, limit)
        return [self._open.get(each.id, each) for each in stored]

    async def request(
        self, client: User, specialist: Specialist, purpose: str, specialist_online: bool
    ) -> Consultation:
        """A new request of ``client``."""
        return await self._errands.undisturbed(
            self._request(client, specialist, purpose, specialist_online)
        )

    async def _request(
        self, client: User, specialist: Specialist, purpose: str, specialist_online: bool
    ) -> Consultation:
        async with self._step:
            change = requests.request(
                uuid.uuid4().hex,
                client.party,
                specialist.user.party,
                specialist.terms,
                purpose,
                specialist_online=specialist_online,
                others=self._of_either(client.id, specialist.user.id),
                now=self._clock(),
                policy=self._policy,
            )
            await self._commit([change])
        return change.consultation

    async def perform(
        self, user_id: str, consultation_id: str, command: Callable[[Role], Command]
    ) -> Consultation:
        """A user's command. ``command`` makes it from their role, e.g. ``Leave``."""
        return await self._errands.undisturbed(self._perform(user_id, consultation_id, command))

    async def _perform(
        self, user_id: str, consultation_id: str, command: Callable[[Role], Command]
    ) -> Consultation:
        async with self._step:
            consultation, role = await self.of(user_id, consultation_id)
            order = command(role)
            now = self._clock()
            if isinstance(order, Accept):
                changes = requests.accept(
                    consultation,
                    order.by,
                    others=self._of_either(consultation.client.id, consultation.specialist.id),
                    now=now,
                    policy=self._policy,
                )
            else:
                changes = [perform(consultation, order, now, self._policy)]
            await self._commit(changes)
        return changes[0].consultation

    async def shut_out(self, user_id: str, detail: str) -> None:
        """End what a user is in and withdraw what was asked, by an operator's will."""
        await self._errands.undisturbed(self._shut_out(user_id, detail))

    async def _shut_out(self, user_id: str, detail: str) -> None:
        async with self._step:
            now = self._clock()
            changes = []
            for each in self._of_either(user_id):
                settled = due(each, now, self._policy)
                if settled.consultation.state is State.REQUESTED:
                    changes.append(perform(each, Withdraw(), now, self._policy))
                elif settled.consultation.is_open:
                    changes.append(perform(each, EndByOperator(detail), now, self._policy))
                else:
                    changes.append(settled)
            await self._commit(changes)

    async def heard(self, consultation_id: str, role: Role, at: float) -> None:
        """The node heard an authenticated packet of a participant ``at``."""
        async with self._step:
            consultation = self._open.get(consultation_id)
            if consultation is not None:
                change = perform(consultation, Heard(role, at), self._clock(), self._policy)
                await self._commit([change])

    async def _on_due(self, consultation_id: str, now: float) -> float | None:
        async with self._step:
            consultation = self._open.get(consultation_id)
            if consultation is None:
                return None
            change = due(consultation, now, self._policy)
            await self._commit([change])
            return deadline(change.consultation, self._policy)

    def _of_either(self, *user_ids: str) -> list[Consultation]:
        ids = set().union(*(self._open_by_user.get(user_id, ()) for user_id in user_ids))
        return [self._open[each] for each in ids]

    async def _commit(self, changes: list[Change]) -> None:
        happened = [change for change in changes if change.events]
        if happened:
            await self._store.save_consultations(change.consultation for change in happened)
        for change in changes:
            self._remember(change.consultation)
        for consultation, events in happened:
            self._tell(consultation, events)

    def _remember(self, consultation: Consultation) -> None:
        people = (consultation.client.id, consultation.specialist.id)
        if consultation.is_open:
            self._open[consultation.id] = consultation
            for user_id in people:
                self._open_by_user.setdefault(user_id, set()).add(consultation.id)
            self.scheduler.schedule(consultation.id, deadline(consultation, self._policy))
        elif self._open.pop(consultation.id, None) is not None:
            for user_id in people:
                self._open_by_user[user_id].discard(consultation.id)
                if not self._open_by_user[user_id]:
                    del self._open_by_user[user_id]

    def _tell(self, consultation: Consultation, events: Iterable[Event]) -> None:
        for event in events:
            self.happened[type(event).__name__] += 1
            log.info("consultation %s: %s", consultation.id, event)
            if isinstance(event, Ended):
                self._on_over(consultation.id)
        self._audience.consultation_changed(consultation)
