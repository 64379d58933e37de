"""Bringing what happened to the platform: at least once, each consultation's events in order."""

import asyncio
import contextlib
import logging
import random
from collections import Counter
from collections.abc import Callable

from control.adapters.database import Database
from control.adapters.scheduler import Clock
from control.adapters.webhooks import message
from control.adapters.webhooks.deliveries import Attempted, Counts, Deliveries, Delivery
from control.adapters.webhooks.schedule import next_attempt
from control.adapters.webhooks.sender import MAX_AT_ONCE, Outcome, WebhookSender
from control.settings import WebhookTarget

log = logging.getLogger(__name__)

# How often it is looked whether something has happened.
POLL_S = 0.5
COUNT_EVERY_S = 5.0


class Webhooks:
    """Takes events from the database as they come and sends them, many consultations at a time.

    Nothing waits for it: what the target does or does not answer is seen by nobody else. What was
    sent and not written down when the process ends is sent once more.
    """

    def __init__(
        self,
        database: Database,
        target: WebhookTarget,
        clock: Clock,
        spread: Callable[[], float] = random.random,
    ) -> None:
        self.deliveries = Deliveries(database)
        self._target = target
        self._clock = clock
        self._spread = spread
        self._sender: WebhookSender | None = None
        # By the consultation; until what came of it is written down.
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._attempted: list[Attempted] = []
        self._wake = asyncio.Event()
        self._rounds = asyncio.Lock()
        # Attempts since the start, by what came of them: "delivered", "failed", "given_up".
        self.attempts: Counter[str] = Counter()
        # The last attempt's error; None when it was taken, or when there was none yet.
        self.last_error: str | None = None
        # As it was at most COUNT_EVERY_S ago.
        self.counts = Counts(0, None, 0)
        self._counted_at = float("-inf")

    async def start(self) -> None:
        """Before anything else; the first time ever, events from now on are sent."""
        await self.deliveries.begin()
        self._sender = WebhookSender(self._target)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._wake.clear()
            try:
                await self.round()
            except Exception:
                # The database may be back in a moment; nothing is lost meanwhile.
                log.exception("webhooks could not be looked after; once more in %s s", POLL_S)
                await asyncio.sleep(POLL_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._wake.wait()

    async def stop(self) -> None:
        """Break off what is under way; it is sent again at the next start."""
        for task in self._under_way.values():
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)
        if self._sender is not None:
            await self._sender.close()

    async def round(self) -> None:
        """Write down what came of attempts, take up what has happened, begin what is due."""
        async with self._rounds:
            now = self._clock()
            attempted = list(self._attempted)
            if attempted or await self.deliveries.has_new():
                await self.deliveries.settle(attempted, now)
                del self._attempted[: len(attempted)]
                for each in attempted:
                    del self._under_way[each.delivery.consultation_id]
            free = MAX_AT_ONCE - len(self._under_way)
            if free > 0:
                for delivery in await self.deliveries.due(now, free, self._under_way):
                    task = asyncio.create_task(
                        self._attempt(delivery), name=f"webhook {delivery.id}"
                    )
                    self._under_way[delivery.consultation_id] = task
            if now - self._counted_at >= COUNT_EVERY_S:
                self.counts = await self.deliveries.counts()
                self._counted_at = now

    async def settled(self) -> None:
        """Send everything that is due by now, and wait until it is written down; for tests."""
        while True:
            await self.round()
            if not self._under_way:
                return
            await asyncio.gather(*self._under_way.values())

    async def _attempt(self, delivery: Delivery) -> None:
        assert self._sender is not None
        try:
            outcome = await self._sender.attempt(delivery.id, _body(delivery), self._clock())
        except Exception:
            log.exception("webhook %s could not be made", delivery.id)
            outcome = Outcome("failed on our side")
        next_at = None
        if outcome.error is not None:
            next_at = next_attempt(
                delivery.queued_at,
                delivery.attempts + 1,
                self._clock(),
                self._spread(),
                outcome.retry_after_s,
            )
        self._tell(delivery, outcome, next_at)
        self._attempted.append(Attempted(delivery, outcome.error, next_at))
        self._wake.set()

    def _tell(self, delivery: Delivery, outcome: Outcome, next_at: float | None) -> None:
        if outcome.error is None:
            self.attempts["delivered"] += 1
            if self.last_error is not None:
                log.info("webhooks are taken again")
        else:
            self.attempts["failed"] += 1
            # Not each of them: a target that is away fails for every consultation.
            if self.last_error is None:
                log.warning("webhook %s: %s; it is tried again", delivery.id, outcome.error)
            if next_at is None:
                self.attempts["given_up"] += 1
                log.error("webhook %s: %s; it was given up", delivery.id, outcome.error)
        self.last_error = outcome.error


def _body(delivery: Delivery) -> str:
    return message.body(
        delivery.type,
        delivery.at,
        {
            **delivery.data,
            "consultation_id": delivery.consultation_id,
            "seq": delivery.seq,
            "at": delivery.at,
            "by": delivery.by,
            "client_id": delivery.client_id,
            "specialist_id": delivery.specialist_id,
        },
    )
