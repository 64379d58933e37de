"""The database: a SQLite file by default, PostgreSQL by its URL."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import alembic.command
import alembic.config
import asyncpg
from sqlalchemy import URL, Connection, Table, make_url, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError

from control.adapters.engines import DatabaseEngine, PostgresqlEngine, SqliteEngine, Work
from control.errors import DatabaseUnavailable

log = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
# So many share a transaction at most: those behind wait for it.
MOST_TOGETHER = 100

Result = TypeVar("Result")
Row = Mapping[Any, Any]


@dataclass(frozen=True)
class _Waiting:
    work: Work[Any]
    result: asyncio.Future[Any]


class Database:
    """Runs work on it. A store of one noun is a class that is given this one.

    Work is a plain function of a SQLAlchemy connection. It may run elsewhere than in the event
    loop's thread, and once more when it failed because of others: it touches nothing else than the
    database, and gives what it found.

    >>> async def user_name(self, user_id: str) -> str | None:
    ...     query = select(users.c.name).where(users.c.id == user_id)
    ...     return await self._database.read(lambda connection: connection.scalar(query))
    """

    def __init__(self, engine: DatabaseEngine) -> None:
        self._engine = engine
        self._waiting: list[_Waiting] = []
        self._writer: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, url: str) -> "Database":
        """Connect by a URL and bring the schema up to date.

        Raises ValueError for a URL that cannot be used, DatabaseUnavailable when nobody answers.

        >>> database = await Database.open("postgresql://rodrun@db.example/rodrun")
        >>> database = await Database.open("sqlite:////var/lib/rodrun/rodrun.sqlite")
        """
        return await cls._opened(_engine(url))

    @classmethod
    async def open_file(cls, path: Path) -> "Database":
        """The same on a SQLite file, made when absent."""
        return await cls._opened(SqliteEngine(path))

    @classmethod
    async def _opened(cls, engine: DatabaseEngine) -> "Database":
        database = cls(engine)
        try:
            await database.write(_migrate)
        except BaseException:
            await database.close()
            raise
        return database

    async def close(self) -> None:
        """Let go of it, after what is being written."""
        if self._writer is not None:
            await self._writer
        await self._engine.close()

    async def ping(self) -> None:
        """Raises when it cannot be reached."""
        await self.read(lambda connection: connection.scalar(select(1)))

    async def read(self, work: Work[Result]) -> Result:
        """What ``work`` finds, which sees one state throughout. It changes nothing.

        Raises DatabaseUnavailable.
        """
        try:
            return await self._engine.read(work)
        except Exception as error:
            raise _told(error) from error

    async def write(self, work: Work[Result]) -> Result:
        """Do ``work`` in one transaction, durable when this returns; nothing of it when it raises.

        What is to be written while a transaction is under way shares the next one. The work is done
        even when the caller is cancelled meanwhile. Raises DatabaseUnavailable: then nobody knows
        whether it was done, for the connection may have been lost with the answer.

        Work that finds something taken says so by its result; it does not wait for an
        IntegrityError, which spoils a transaction.
        """
        waiting = _Waiting(work, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_waiting(), name="database writer")
        return await waiting.result  # type: ignore[no-any-return]

    async def _write_waiting(self) -> None:
        while self._waiting:
            together = self._waiting[:MOST_TOGETHER]
            del self._waiting[:MOST_TOGETHER]
            error = await self._transaction(together)
            if error is None:
                continue
            if len(together) > 1 and not isinstance(error, DatabaseUnavailable):
                # One of them spoils it for the others, so each for itself.
                for each in together:
                    own = await self._transaction([each])
                    if own is not None:
                        _fail([each], own)
            else:
                _fail(together, error)

    async def _transaction(self, together: list[_Waiting]) -> Exception | None:
        def do(connection: Connection) -> list[Any]:
            return [each.work(connection) for each in together]

        try:
            results = await self._engine.write(do)
        except Exception as error:
            return _told(error)
        for each, result in zip(together, results, strict=True):
            if not each.result.done():
                each.result.set_result(result)
        return None


def put(connection: Connection, table: Table, row: dict[str, Any], key: Sequence[str]) -> None:
    """Insert, or update what is there under this key."""
    statement = insert(connection, table).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=key, set_=row))


def insert(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that knows ON CONFLICT, in the dialect of this connection."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


def _engine(url: str) -> DatabaseEngine:
    try:
        parsed = make_url(url)
    except ArgumentError:
        # Not chained: its text may hold a password.
        raise ValueError("the database's URL cannot be read") from None
    if parsed.get_backend_name() == "postgresql":
        return PostgresqlEngine(_with_driver(parsed))
    if parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return SqliteEngine(Path(parsed.database))
    raise ValueError(
        "the database's URL begins with postgresql:// or sqlite:/// and names the database"
    )


def _with_driver(url: URL) -> str:
    return url.set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)


def _fail(together: list[_Waiting], error: Exception) -> None:
    for each in together:
        if not each.result.done():
            each.result.set_exception(error)


def _told(error: Exception) -> Exception:
    """The error, or DatabaseUnavailable when it means that the database is away."""
    away = isinstance(
        error,
        OSError
        | TimeoutError
        | OperationalError
        | InterfaceError
        | asyncpg.InterfaceError
        | asyncpg.PostgresConnectionError
        | asyncpg.OperatorInterventionError
        | asyncpg.InsufficientResourcesError,
    ) or (isinstance(error, DBAPIError) and error.connection_invalidated)
    if not away:
        return error
    log.error("the database does not answer: %s", error)
    return DatabaseUnavailable("The database does not answer just now; try again in a moment.")


def _migrate(connection: Connection) -> None:
    config = alembic.config.Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    alembic.command.upgrade(config, "head")
