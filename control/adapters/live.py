"""The consultations that something can still happen to, and the one way to change them."""

import asyncio
import logging
import uuid
from collections import Counter
from collections.abc import Callable, Iterable

from control.adapters.audience import Audience
from control.adapters.engines import Work
from control.adapters.errands import Errands
from control.adapters.open_consultations import Draft, OpenConsultations
from control.adapters.people import Specialist, User
from control.adapters.pulse import Pulse
from control.adapters.records import Recorded
from control.adapters.scheduler import Clock, Scheduler
from control.adapters.step import Alongside, Rule, if_open
from control.adapters.step_queue import StepQueue
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
from control.consultations.parties import Actor, Role
from control.consultations.policy import Policy
from control.consultations.states import State
from control.errors import ControlError, NotFound

log = logging.getLogger(__name__)

_UNKNOWN = "There is no such consultation."


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
        pulse: Pulse,
    ) -> None:
        self._store = store
        self._policy = policy
        self._audience = audience
        # Called with the id of a consultation whose room is not needed any more.
        self._on_over = on_over
        self._pulse = pulse
        self._open = OpenConsultations()
        self._steps = StepQueue(
            store, policy, clock, errands, pulse, self._open, self._take, self._tell
        )
        self.scheduler = Scheduler(clock, self._on_due)
        # Events by type since the start, for the metrics.
        self.happened: Counter[str] = Counter()

    async def load(self, alive_at: float | None) -> None:
        """Take up what was open when control stopped; ``alive_at`` is when it last lived."""
        self._pulse.beat()
        stored = await self._store.open_consultations()
        for consultation in stored:
            self._take(consultation)

        def rule(draft: Draft, now: float) -> list[Change]:
            since = now if alive_at is None else alive_at
            return [perform(each, ServiceInterrupted(since), now, self._policy) for each in stored]

        if stored:
            await self._step(rule)
        self._pulse.beat()

    async def listen(self) -> None:
        """Notice when control stood still, until cancelled."""
        await self._pulse.run(lambda: self._steps.add(lambda *_: []))

    def open(self) -> list[Consultation]:
        """Every open consultation, as it stands."""
        return self._open.all()

    def open_of(self, user_id: str) -> list[Consultation]:
        """A user's open consultations."""
        return self._open.of(user_id)

    def joinable(self, consultation_id: str) -> Consultation | None:
        """The consultation if its participants may be in the room now."""
        consultation = self._open.get(consultation_id)
        return consultation if consultation and consultation.is_joinable else None

    async def of(self, user_id: str, consultation_id: str) -> tuple[Consultation, Role]:
        """A user's consultation and their role in it; NotFound when it is not theirs."""
        return _theirs(await self.find(consultation_id), user_id)

    async def find(self, consultation_id: str) -> Consultation:
        """Anybody's consultation, for operators; raises NotFound."""
        consultation = self._open.get(consultation_id)
        return consultation or _found(await self._store.consultation(consultation_id))

    def as_it_stands(self, stored: Consultation) -> Consultation:
        """With what is known of it beside the store, if it is open."""
        return self._open.get(stored.id) or stored

    async def list_of(
        self, user_id: str, limit: int, before: tuple[float, str] | None = None
    ) -> list[Consultation]:
        """A user's consultations, newest first; see ``Store.consultations_of``."""
        stored = await self._store.consultations_of(user_id, limit, before)
        return [self.as_it_stands(each) for each in stored]

    async def request(
        self,
        client: User,
        specialist: Specialist,
        purpose: str,
        specialist_online: bool,
        alongside: Alongside | None = None,
    ) -> Consultation:
        """A new request of ``client``."""

        def rule(draft: Draft, now: float) -> list[Change]:
            return requests.request(
                uuid.uuid4().hex,
                client.party,
                specialist.user.party,
                specialist.terms,
                purpose,
                specialist_online=specialist_online,
                others=draft.open_of(client.id, specialist.user.id),
                now=now,
                policy=self._policy,
            )

        return (await self._step(rule, alongside=alongside))[0].consultation

    async def shut_out(self, user_id: str, alongside: Iterable[Work[None]] = ()) -> None:
        """End what a user is in and withdraw what was asked, by an operator's will.

        Why is nobody else's business.

        What is done ``alongside`` is in the same transaction.
        """

        def rule(draft: Draft, now: float) -> list[Change]:
            changes = []
            for each in draft.open_of(user_id):
                settled = due(each, now, self._policy)
                if settled.consultation.state is State.REQUESTED:
                    changes.append(perform(each, Withdraw(Actor.OPERATOR), now, self._policy))
                elif settled.consultation.is_open:
                    changes.append(perform(each, EndByOperator(None), now, self._policy))
                else:
                    changes.append(settled)
            return changes

        await self._steps.add(rule, alongside=lambda _: list(alongside))

    async def perform(
        self,
        user_id: str,
        consultation_id: str,
        command: Callable[[Role], Command],
        alongside: Alongside | None = None,
    ) -> Consultation:
        """A user's command. ``command`` makes it from their role, e.g. ``Leave``.

        What ``alongside`` makes of the outcome is stored in the same transaction.
        """

        def rule(draft: Draft, now: float) -> list[Change]:
            consultation, role = _theirs(_found(draft.get(consultation_id)), user_id)
            order = command(role)
            if not isinstance(order, Accept):
                return [perform(consultation, order, now, self._policy)]
            return requests.accept(
                consultation,
                order.by,
                others=draft.open_of(consultation.client.id, consultation.specialist.id),
                now=now,
                policy=self._policy,
            )

        return (await self._step(rule, consultation_id, alongside))[0].consultation

    async def order(
        self, consultation_id: str, command: Command, alongside: Alongside | None = None
    ) -> Consultation:
        """A command of someone who is not part of it, such as an operator; raises NotFound.

        What ``alongside`` makes of the outcome is stored in the same transaction.
        """

        def rule(draft: Draft, now: float) -> list[Change]:
            return [perform(_found(draft.get(consultation_id)), command, now, self._policy)]

        return (await self._step(rule, consultation_id, alongside))[0].consultation

    def heard(self, consultation_id: str, role: Role, at: float) -> None:
        """The node heard an authenticated packet of a participant ``at``. Not waited for."""

        def change(consultation: Consultation, now: float) -> Change:
            return perform(consultation, Heard(role, at), now, self._policy)

        # Should it fail, the node says the same again in a moment.
        self._steps.add(if_open(consultation_id, change)).add_done_callback(_log_failure)

    async def _on_due(self, consultation_id: str, now: float) -> float | None:
        def change(consultation: Consultation, _: float) -> Change:
            return due(consultation, now, self._policy)

        await self._step(if_open(consultation_id, change))
        consultation = self._open.get(consultation_id)
        return None if consultation is None else deadline(consultation, self._policy)

    async def _step(
        self, rule: Rule, about: str | None = None, alongside: Alongside | None = None
    ) -> list[Change]:
        """What ``rule`` decides, when it is stored. It goes on when the caller is cancelled."""
        if alongside is None:
            return await self._steps.add(rule, about)
        of_first = alongside
        return await self._steps.add(rule, about, lambda changes: of_first(changes[0].consultation))

    def _take(self, consultation: Consultation) -> None:
        was_open = self._open.get(consultation.id) is not None
        self._open.take(consultation)
        if consultation.is_open:
            self.scheduler.schedule(consultation.id, deadline(consultation, self._policy))
        elif was_open and consultation.state is State.ENDED:
            self._on_over(consultation.id)

    def _tell(self, consultation: Consultation, events: list[Recorded]) -> None:
        for event in events:
            self.happened[event.entry.type] += 1
            log.info("consultation %s: %s", consultation.id, event.entry)
        self._audience.consultation_changed(consultation, events)


def _found(consultation: Consultation | None) -> Consultation:
    if consultation is None:
        raise NotFound(_UNKNOWN)
    return consultation


def _theirs(consultation: Consultation, user_id: str) -> tuple[Consultation, Role]:
    role = consultation.role_of(user_id)
    if role is None:  # whom it does not concern learns not even that it exists
        raise NotFound(_UNKNOWN)
    return consultation, role


def _log_failure(decided: asyncio.Future[list[Change]]) -> None:
    if decided.cancelled() or (error := decided.exception()) is None:
        return
    if not isinstance(error, ControlError):
        log.error("news of the room could not be taken", exc_info=error)
