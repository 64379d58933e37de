"""Steps that wait for their turn, and how they are decided, stored and told."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace

from control.adapters.engines import Work
from control.adapters.errands import Errands
from control.adapters.open_consultations import Draft, OpenConsultations
from control.adapters.pulse import Pulse
from control.adapters.records import Recorded, recorded
from control.adapters.scheduler import Clock
from control.adapters.step import Rule, Step
from control.adapters.store import Store
from control.consultations.commands import ServiceInterrupted, perform
from control.consultations.consultation import Change, Consultation
from control.consultations.policy import Policy
from control.errors import DatabaseUnavailable

log = logging.getLogger(__name__)

# So many steps share a transaction at most: those behind wait for it. Most news of the node change
# nothing that is stored, and would be many transactions if they counted.
MOST_TOGETHER = 50
# So many are decided in one go at most, which takes some 50 ms.
MOST_DECIDED = 500


class StepQueue:
    """Decides, stores and tells of one after the other.

    Those that wait while others are stored are decided upon one draft, and share the next
    transaction. A step that could not be stored has not happened.
    """

    def __init__(
        self,
        store: Store,
        policy: Policy,
        clock: Clock,
        errands: Errands,
        pulse: Pulse,
        standing: OpenConsultations,
        take: Callable[[Consultation], None],
        tell: Callable[[Consultation, list[Recorded]], None],
    ) -> None:
        self._store = store
        self._policy = policy
        self._clock = clock
        self._errands = errands
        self._pulse = pulse
        self._standing = standing
        # Called with what is stored: a consultation as it stands now, then what happened to it.
        self._take = take
        self._tell = tell
        self._steps: list[Step] = []
        self._stepping = False
        # What was decided, and nobody knows whether it is stored: the database was lost before it
        # answered.
        self._in_doubt: dict[str, Consultation] = {}

    def add(
        self,
        rule: Rule,
        about: str | None = None,
        alongside: Callable[[list[Change]], list[Work[None]]] = lambda _: [],
    ) -> asyncio.Future[list[Change]]:
        """What ``rule`` decides, when it is stored; ``about`` and ``alongside`` as in ``Step``."""
        step = Step(rule, about, alongside)
        self._steps.append(step)
        if not self._stepping:
            self._stepping = True
            self._errands.send(self._go_on())
        return step.decided

    async def _go_on(self) -> None:
        try:
            while self._steps:
                together = self._steps[:MOST_DECIDED]
                del self._steps[:MOST_DECIDED]
                first = self._after_standstill()
                undecided = await self._take_steps([*first, *together])
                # What could not be stored is tried again with the next steps.
                if first and first[0].decided.exception() is None:
                    self._pulse.beat()
                self._steps[:0] = undecided
        finally:
            self._stepping = False

    def _after_standstill(self) -> list[Step]:
        """What comes before everything else when control stood still: nobody listened meanwhile."""
        missed_s = self._pulse.missed_s()
        if missed_s is None:
            return []
        log.warning("control stood still for %.1f s", missed_s)

        def rule(_: Draft, now: float) -> list[Change]:
            interruption = ServiceInterrupted(now - missed_s)
            return [perform(each, interruption, now, self._policy) for each in self._standing.all()]

        return [Step(rule, None, lambda _: [])]

    async def _take_steps(self, together: list[Step]) -> list[Step]:
        """Decide them in their order, store all that comes of it at once, and tell of it.

        Gives those that are for the next transaction.
        """
        try:
            await self._end_doubt()
            draft = Draft(self._standing, await self._closed(together))
        except Exception as error:
            for step in together:
                step.fail(error)
            return []
        decided, alongside, undecided = self._decide(together, draft)
        changes = [change for _, each in decided for change in each if change.events]
        if changes or alongside:
            try:
                await self._store.save(changes, alongside)
            except Exception as error:
                await self._not_stored(decided, error)
                return undecided
        for step, each in decided:
            self._happened(each)
            if not step.decided.done():
                step.decided.set_result(each)
        return undecided

    def _decide(
        self, together: list[Step], draft: Draft
    ) -> tuple[list[tuple[Step, list[Change]]], list[Work[None]], list[Step]]:
        decided: list[tuple[Step, list[Change]]] = []
        alongside: list[Work[None]] = []
        stored = 0
        now = self._clock()
        for index, step in enumerate(together):
            if stored == MOST_TOGETHER:
                return decided, alongside, together[index:]
            try:
                changes = step.rule(draft, now)
                beside = step.alongside(changes)
            except Exception as error:
                step.fail(error)
                continue
            draft.take(changes)
            decided.append((step, changes))
            alongside += beside
            stored += bool(beside) or any(change.events for change in changes)
        return decided, alongside, []

    async def _not_stored(self, decided: list[tuple[Step, list[Change]]], error: Exception) -> None:
        for _, changes in decided:
            for change in changes:
                if change.events or change.consultation.id in self._in_doubt:
                    self._in_doubt[change.consultation.id] = change.consultation
        if len(decided) > 1 and not isinstance(error, DatabaseUnavailable):
            # One of them spoils it for the others, so each for itself.
            for step, _ in decided:
                await self._take_steps([step])
        else:
            for step, _ in decided:
                step.fail(error)

    async def _closed(self, together: list[Step]) -> list[Consultation]:
        """Those that are asked for and not open. Nothing else changes them meanwhile."""
        absent = {
            step.about
            for step in together
            if step.about is not None and self._standing.get(step.about) is None
        }
        return await self._store.consultations(absent) if absent else []

    async def _end_doubt(self) -> None:
        """Look up what became of steps whose outcome the database did not tell."""
        if not self._in_doubt:
            return
        for stored in await self._store.consultations(self._in_doubt):
            standing = self._standing.get(stored.id)
            seen = standing.seq if standing else 0
            # Nothing goes by a closed one; a page hears of its new rating when it comes back.
            if (standing is None and not stored.is_open) or stored.seq <= seen:
                continue
            missed = await self._store.events_after(stored.id, seen, stored.seq - seen)
            decided = self._in_doubt[stored.id]
            if decided.seq == stored.seq:
                # Its links, which are not stored, are those that what is stored led to.
                stored = replace(stored, links=decided.links)
            self._take(stored)
            self._tell(stored, missed)
        self._in_doubt.clear()

    def _happened(self, changes: Iterable[Change]) -> None:
        changes = list(changes)
        for change in changes:
            self._take(change.consultation)
        for change in changes:
            if change.events:
                self._tell(change.consultation, recorded(change))
