"""The database: SQLite by default, PostgreSQL by its URL."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import alembic.command
import alembic.config
from sqlalchemy import Connection, Table, event, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

MIGRATIONS = Path(__file__).parent / "migrations"

Result = TypeVar("Result")
Row = Mapping[Any, Any]


class Database:
    """Runs work on it. A store of one noun is a class that is given this one.

    Work is a plain function of a SQLAlchemy connection. It may run elsewhere than in the event
    loop's thread, and once more when it failed because of others: it touches nothing else than the
    database, and gives what it found.

    >>> async def user_name(self, user_id: str) -> str | None:
    ...     query = select(users.c.name).where(users.c.id == user_id)
    ...     return await self._database.read(lambda connection: connection.scalar(query))
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @classmethod
    async def open(cls, url: str) -> "Database":
        """Connect to a SQLAlchemy async URL and bring the schema up to date.

        >>> database = await Database.open("sqlite+aiosqlite:////var/lib/rodrun/rodrun.sqlite")
        """
        engine = create_async_engine(url)
        if engine.dialect.name == "sqlite":
            event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        async with engine.begin() as connection:
            await connection.run_sync(_migrate)
        return cls(engine)

    @classmethod
    async def open_file(cls, path: Path) -> "Database":
        """The same on a SQLite file, made when absent."""
        return await cls.open(f"sqlite+aiosqlite:///{path}")

    async def close(self) -> None:
        """Let go of it."""
        await self._engine.dispose()

    async def ping(self) -> None:
        """Raises when it cannot be reached."""
        await self.read(lambda connection: connection.scalar(select(1)))

    async def read(self, work: Callable[[Connection], Result]) -> Result:
        """What ``work`` finds. It changes nothing."""
        async with self._engine.connect() as connection:
            return await connection.run_sync(work)

    async def write(self, work: Callable[[Connection], Result]) -> Result:
        """Do ``work`` in one transaction, durable when this returns; nothing of it when it raises.

        Work that finds something taken says so by its result; it does not wait for an
        IntegrityError, which spoils a transaction.
        """
        async with self._engine.begin() as connection:
            return await connection.run_sync(work)


def put(connection: Connection, table: Table, row: dict[str, Any], key: Sequence[str]) -> None:
    """Insert, or update what is there under this key."""
    of_dialect = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = of_dialect(table).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=key, set_=row))


def _migrate(connection: Connection) -> None:
    config = alembic.config.Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    alembic.command.upgrade(config, "head")


def _prepare_sqlite(connection: Any, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    # FULL: a transaction that was answered survives a power cut.
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=5000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
    # SQLite's own knows the letters of English only.
    connection.create_function("lower", 1, str.lower)
