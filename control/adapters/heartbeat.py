"""When control was last alive, so that the next one knows since when nobody listened."""

import asyncio
import logging

from sqlalchemy import Connection, select

from control.adapters import tables
from control.adapters.database import Database, put
from control.adapters.scheduler import Clock
from control.consultations.policy import PLATFORM
from control.errors import DatabaseUnavailable

log = logging.getLogger(__name__)

# Twice as often as the rules count on: one may be late.
EVERY_S = PLATFORM.heartbeat_within_s / 2
_ROW = 1


class Heartbeat:
    """Writes the time down once a second."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def last(self) -> float | None:
        """When control was last alive, in Unix seconds; None: this is its first start."""
        query = select(tables.heartbeat.c.alive_at)
        return await self._database.read(lambda connection: connection.scalar(query))

    async def beat(self) -> None:
        """Write down that it is alive now."""
        row = {"id": _ROW, "alive_at": self._clock()}

        def write(connection: Connection) -> None:
            put(connection, tables.heartbeat, row, key=("id",))

        await self._database.write(write)

    async def run(self) -> None:
        """Until cancelled, and once more then: a stop in good order is known to the moment."""
        try:
            while True:
                await self._try()
                await asyncio.sleep(EVERY_S)
        finally:
            await self._try()

    async def _try(self) -> None:
        try:
            await self.beat()
        except DatabaseUnavailable:
            # Logged there. What happens meanwhile cannot be stored either.
            log.debug("no heartbeat was written")
