"""Where the calls of a load test live: begun, ended and let go, whatever scenario they play."""

import asyncio
import contextlib

from loadtest.media import Media
from loadtest.record import Record
from loadtest.scenario import Scenario
from loadtest.virtual_consultation import CallFailed, VirtualConsultation

END_WITHIN_S = 8.0


class ServerGone(Exception):
    """The server stopped answering; the text says since when."""


class Stage:
    """The calls that are up, and those that can still be begun.

    Args:
        waiting: consultations that nobody has asked for yet.
    """

    def __init__(
        self,
        scenario: Scenario,
        record: Record,
        media: Media,
        waiting: list[VirtualConsultation],
    ) -> None:
        self.scenario = scenario
        self.record = record
        self.media = media
        self.up: list[VirtualConsultation] = []
        self._waiting = waiting
        self._open: set[VirtualConsultation] = set()

    async def begin(self) -> VirtualConsultation | None:
        """One more call, up to its media; None when it failed, which is in the record."""
        call = await self.agree()
        return call if call is not None and await self.join(call) else None

    async def agree(self) -> VirtualConsultation | None:
        """A consultation that is requested and accepted; None when that failed."""
        self.record.started += 1
        if not self._waiting:
            self.record.fail(CallFailed("request", "all pairs are in calls, or failed before"))
            return None
        call = self._waiting.pop()
        try:
            if call not in self._open:
                await call.prepare()
                self._open.add(call)
            await call.agree()
        except CallFailed as failure:
            await self._give_up(call, failure)
            return None
        return call

    async def join(self, call: VirtualConsultation) -> bool:
        """Join both sides of it; whether that worked."""
        try:
            await call.join()
        except CallFailed as failure:
            await self._give_up(call, failure)
            return False
        self.record.setups.append(call.phases)
        self.up.append(call)
        return True

    async def begin_many(self, count: int, per_s: float) -> None:
        """So many more calls, evenly begun; returns when all are up or failed."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(count):
                tasks.create_task(self.begin())
                await asyncio.sleep(1 / per_s)

    async def end(self, call: VirtualConsultation) -> None:
        """End it as people do; it can be begun again."""
        if call in self.up:
            self.up.remove(call)
        try:
            await call.end()
            self.record.ended += 1
        except CallFailed as failure:
            self.record.fail(failure)
        self._waiting.append(call)

    async def forget(self, call: VirtualConsultation) -> None:
        """Let go of one that the server ended."""
        if call in self.up:
            self.up.remove(call)
        await call.hang_up()
        self.record.ended += 1
        self._waiting.append(call)

    async def give_up(self, call: VirtualConsultation, failure: CallFailed) -> None:
        """Count a call that was up as failed."""
        if call in self.up:
            self.up.remove(call)
        await self._give_up(call, failure)

    async def clear(self, *, with_api: bool) -> None:
        """End what is up, within a few seconds, and close all pages."""
        up, self.up = self.up, []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_WITHIN_S):
                gate = asyncio.Semaphore(20)

                async def end(call: VirtualConsultation) -> None:
                    async with gate:
                        await (self.end(call) if with_api else call.hang_up())

                await asyncio.gather(*(end(call) for call in up))
        await asyncio.gather(*(call.hang_up() for call in {*up, *self._open}))
        await asyncio.gather(*(call.close() for call in self._open))

    async def _give_up(self, call: VirtualConsultation, failure: CallFailed) -> None:
        self.record.fail(failure)
        await call.hang_up()
