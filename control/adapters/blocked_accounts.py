"""Accounts that operators have closed."""

from sqlalchemy import delete, select

from control.adapters import tables
from control.adapters.database import Database, put


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

    async def block(self, user_id: str, at: float) -> None:
        """Durable, and in force, when this returns; twice is as good as once."""
        row = {"user_id": user_id, "blocked_at": at}
        await self._database.write(
            lambda connection: put(connection, tables.blocked_accounts, row, key=("user_id",))
        )
        self._user_ids.add(user_id)

    async def unblock(self, user_id: str) -> None:
        """Let them in again."""
        blocked = tables.blocked_accounts
        removal = delete(blocked).where(blocked.c.user_id == user_id)
        await self._database.write(lambda connection: connection.execute(removal))
        self._user_ids.discard(user_id)
