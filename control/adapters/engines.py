"""How work reaches each kind of database."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

Result = TypeVar("Result")
Work = Callable[[Connection], Result]

READERS = 2
# Longer than this and the database is away.
CONNECT_WITHIN_S = 5.0
ANSWER_WITHIN_S = 10.0


class DatabaseEngine(Protocol):
    """Runs work in a transaction. Raises whatever its driver raises."""

    async def read(self, work: Work[Result]) -> Result:
        """What ``work`` finds, which sees one state of the database throughout."""
        ...

    async def write(self, work: Work[Result]) -> Result:
        """The same for work that changes something; durable when this returns.

        One at a time: the caller waits for the end of a write before the next.
        """
        ...

    async def close(self) -> None:
        """Let go of all connections."""
        ...


class SqliteEngine:
    """A file. One thread writes, others read: to and fro between threads costs once a transaction.

    (An asynchronous driver goes to and fro for each statement, and is one thread a connection too.)
    """

    def __init__(self, path: Path) -> None:
        self._writer = _sqlite(path, "BEGIN IMMEDIATE", connections=1)
        # Made later than the file, and only if there is something to read.
        self._reader = _sqlite(path, "BEGIN", "PRAGMA query_only=ON", connections=READERS)
        self._writing = ThreadPoolExecutor(1, "database-writer")
        self._reading = ThreadPoolExecutor(READERS, "database-reader")

    async def read(self, work: Work[Result]) -> Result:
        """As ``DatabaseEngine.read``."""

        def found() -> Result:
            with self._reader.connect() as connection:
                return work(connection)

        return await asyncio.get_running_loop().run_in_executor(self._reading, found)

    async def write(self, work: Work[Result]) -> Result:
        """As ``DatabaseEngine.write``."""

        def done() -> Result:
            with self._writer.begin() as connection:
                return work(connection)

        return await asyncio.get_running_loop().run_in_executor(self._writing, done)

    async def close(self) -> None:
        """As ``DatabaseEngine.close``."""
        for executor, engine in ((self._reading, self._reader), (self._writing, self._writer)):
            await asyncio.get_running_loop().run_in_executor(executor, engine.dispose)
            executor.shutdown()


class PostgresqlEngine:
    """A PostgreSQL server, by a SQLAlchemy URL with the driver asyncpg."""

    def __init__(self, url: str) -> None:
        self._engine: AsyncEngine = create_async_engine(
            url,
            # The server may have been restarted since a connection was used.
            pool_pre_ping=True,
            connect_args={"timeout": CONNECT_WITHIN_S, "command_timeout": ANSWER_WITHIN_S},
        )

    async def read(self, work: Work[Result]) -> Result:
        """As ``DatabaseEngine.read``."""
        async with self._engine.connect() as connection:
            await connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            return await connection.run_sync(work)

    async def write(self, work: Work[Result]) -> Result:
        """As ``DatabaseEngine.write``."""
        async with self._engine.begin() as connection:
            return await connection.run_sync(work)

    async def close(self) -> None:
        """As ``DatabaseEngine.close``."""
        await self._engine.dispose()


def _sqlite(path: Path, begin: str, *pragmas: str, connections: int) -> Engine:
    engine = create_engine(f"sqlite:///{path}", pool_size=connections, max_overflow=0)

    def prepare(connection: Any, _: ConnectionPoolEntry) -> None:
        # Transactions begin where we say, not before the first change only.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "PRAGMA journal_mode=WAL",
            # A transaction that was answered survives a power cut.
            "PRAGMA synchronous=FULL",
            "PRAGMA foreign_keys=ON",
            "PRAGMA busy_timeout=5000",
            *pragmas,
        ):
            cursor.execute(pragma)
        cursor.close()
        # SQLite's own knows the letters of English only.
        connection.create_function("lower", 1, str.lower, deterministic=True)

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine
