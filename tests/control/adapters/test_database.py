"""The schema, transactions that are shared, and a database that is away."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from control.accounts import AccountRole
from control.adapters import tables
from control.adapters.database import Database, put
from control.adapters.engines import DatabaseEngine, Work
from control.adapters.people import People, User
from control.errors import DatabaseUnavailable
from tests.control.databases import ON_BOTH_DATABASES
from tests.postgresql import PostgresqlServer


class CountingEngine:
    """Passes everything on, and counts transactions."""

    def __init__(self, engine: DatabaseEngine) -> None:
        self._engine = engine
        self.writes = 0

    async def read(self, work: Work[Any]) -> Any:
        return await self._engine.read(work)

    async def write(self, work: Work[Any]) -> Any:
        self.writes += 1
        return await self._engine.write(work)

    async def close(self) -> None:
        await self._engine.close()


@pytest.fixture
async def counting(database: Database) -> CountingEngine:
    """The engine of ``database``, counting from now on."""
    database._engine = CountingEngine(database._engine)
    return database._engine


def add(name: str) -> Work[str]:
    """Work that adds a user of this name."""

    def work(connection: Connection) -> str:
        row = {"id": name, "name": name, "role": "client"}
        connection.execute(tables.users.insert().values(row))
        return name

    return work


async def names(database: Database) -> set[str]:
    """Who was added."""
    query = select(tables.users.c.name)
    return set(await database.read(lambda connection: connection.scalars(query).all()))


@ON_BOTH_DATABASES
async def test_the_migrations_make_the_tables_that_the_code_means(database: Database) -> None:
    def difference(connection: Connection) -> list[Any]:
        return list(compare_metadata(MigrationContext.configure(connection), tables.metadata))

    assert await database.read(difference) == []


@ON_BOTH_DATABASES
async def test_opened_again_everything_is_there(database_url: str) -> None:
    user = User("maria", "Мария", AccountRole.CLIENT)
    first = await Database.open(database_url)
    await People(first).save_user(user)
    await first.close()
    second = await Database.open(database_url)
    assert await People(second).user("maria") == user
    await second.close()


@ON_BOTH_DATABASES
async def test_what_waits_shares_a_transaction(
    database: Database, counting: CountingEngine
) -> None:
    added = [str(n) for n in range(20)]
    assert await asyncio.gather(*(database.write(add(name)) for name in added)) == added
    assert await names(database) == set(added)
    assert counting.writes <= 2


@ON_BOTH_DATABASES
async def test_one_that_fails_spoils_it_for_no_other(database: Database) -> None:
    await database.write(add("taken"))
    results = await asyncio.gather(
        *(database.write(add(name)) for name in ("before", "taken", "after")),
        return_exceptions=True,
    )
    assert isinstance(results[1], IntegrityError)
    assert await names(database) == {"taken", "before", "after"}


@ON_BOTH_DATABASES
async def test_nothing_remains_of_work_that_raises(database: Database) -> None:
    def half(connection: Connection) -> None:
        add("half")(connection)
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        await database.write(half)
    assert await names(database) == set()


@ON_BOTH_DATABASES
async def test_work_is_done_even_when_its_caller_turns_away(database: Database) -> None:
    task = asyncio.create_task(database.write(add("maria")))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await database.write(add("ivan"))
    assert await names(database) == {"maria", "ivan"}


@ON_BOTH_DATABASES
async def test_put_replaces_what_is_there(database: Database) -> None:
    for name in ("Мария", "Мария Иванова"):
        row = {"id": "maria", "name": name, "role": "client"}
        await database.write(partial(put, table=tables.users, row=row, key=["id"]))
    assert await names(database) == {"Мария Иванова"}


async def test_readers_cannot_write(database: Database) -> None:
    with pytest.raises(DatabaseUnavailable):
        await database.read(add("maria"))


@pytest.mark.parametrize(
    "url", ["", "rodrun", "mysql://localhost/rodrun", "sqlite://", "sqlite:///:memory:", "://"]
)
async def test_a_url_that_cannot_be_used(url: str) -> None:
    with pytest.raises(ValueError, match="database"):
        await Database.open(url)


@pytest.fixture
async def restarted(postgresql: PostgresqlServer) -> AsyncIterator[PostgresqlServer]:
    """The server, which a test may stop."""
    yield postgresql
    await asyncio.to_thread(postgresql.start)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_server_that_is_away_for_a_while(
    database: Database, restarted: PostgresqlServer
) -> None:
    await database.write(add("before"))
    await asyncio.to_thread(restarted.stop)
    with pytest.raises(DatabaseUnavailable):
        await names(database)
    refused = [database.write(add(str(n))) for n in range(3)]
    for result in await asyncio.gather(*refused, return_exceptions=True):
        assert isinstance(result, DatabaseUnavailable)
    await asyncio.to_thread(restarted.start)
    await database.write(add("after"))
    assert await names(database) == {"before", "after"}


async def test_nobody_at_the_address(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable):
        await Database.open(f"postgresql://rodrun@/rodrun?host={tmp_path}")
    with pytest.raises(DatabaseUnavailable):
        await Database.open(f"sqlite:///{tmp_path}/no/such/folder/rodrun.sqlite")
