"""Work that is carried through whoever turns away meanwhile."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

log = logging.getLogger(__name__)

Result = TypeVar("Result")


class Errands:
    """Keeps tasks until they are done: the event loop itself holds them by weak references only."""

    def __init__(self) -> None:
        self._under_way: set[asyncio.Task[Any]] = set()

    def send(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin ``work`` and go on; a failure is logged."""
        self._begin(_logged(work))

    async def undisturbed(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The result of ``work``, which goes on to its end even when the caller is cancelled.

        A page that closes halfway through its command must not leave it half done.
        """
        return await asyncio.shield(self._begin(work))

    async def settled(self) -> None:
        """Wait until all that was begun is done."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    def _begin(self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception:
        log.exception("an errand failed")
