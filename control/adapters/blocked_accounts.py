"""Accounts that operators have closed."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from sqlalchemy import Connection, delete, select

from control.adapters import tables
from control.adapters.database import Database, put
from control.adapters.engines import Work


class BlockedAccounts:
    """The store of them. It knows them by heart, for each request of anyone asks.

    >>> "user-17" in blocked_accounts
    False
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._user_ids: set[str] = set()

    def __contains__(self, user_id: str) -> bool:
        return user_id in self._user_ids

    async def load(self) -> None:
        """Learn them from the database, at the start."""
        query = select(tables.blocked_accounts.c.user_id)
        found = await self._database.read(lambda connection: list(connection.scalars(query)))
        self._user_ids = set(found)

    @asynccontextmanager
    async def blocking(self, user_id: str, at: float) -> AsyncIterator[Work[None]]:
        """The doors are shut within; gives the work that makes it last, to be carried out there.

        When that fails, it is as it was before. Twice is as good as once.
        """
        was_blocked = user_id in self._user_ids
        row = {"user_id": user_id, "blocked_at": at}

        def work(connection: Connection) -> None:
            put(connection, tables.blocked_accounts, row, key=("user_id",))

        self._user_ids.add(user_id)
        try:
            yield work
        except BaseException:
            if not was_blocked:
                self._user_ids.discard(user_id)
            raise

    async def unblock(self, user_id: str, alongside: Iterable[Work[None]] = ()) -> None:
        """Let them in again. What is done ``alongside`` is in the same transaction."""
        blocked = tables.blocked_accounts
        removal = delete(blocked).where(blocked.c.user_id == user_id)

        def write(connection: Connection) -> None:
            connection.execute(removal)
            for work in alongside:
                work(connection)

        await self._database.write(write)
        self._user_ids.discard(user_id)
