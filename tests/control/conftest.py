"""A running control over a database in a file, a node in memory, and a clock that stands still."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from control.accounts import AccountRole
from control.adapters.database import Database
from control.adapters.people import People, User
from control.adapters.store import Store
from control.settings import Settings
from tests.control.consultations.cases import IVAN, MARIA
from tests.control.databases import make_tables
from tests.control.people import Control, Person
from tests.postgresql import PostgresqlServer


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """A server for all tests that want one."""
    server = PostgresqlServer()
    server.start()
    asyncio.run(make_tables(server.template_url()))
    yield server
    server.remove()


@pytest.fixture(scope="session")
def tables_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the tables and nothing in them."""
    path = tmp_path_factory.mktemp("tables") / "rodrun.sqlite"
    asyncio.run(make_tables(f"sqlite:///{path}"))
    return path


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a database with the tables and nothing in them is; see ON_BOTH_DATABASES."""
    if getattr(request, "param", "sqlite") == "postgresql":
        server: PostgresqlServer = request.getfixturevalue("postgresql")
        return server.new_database()
    path = tmp_path / "rodrun.sqlite"
    shutil.copy(request.getfixturevalue("tables_file"), path)
    return f"sqlite:///{path}"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """One with the tables and nothing in them."""
    opened = await Database.open(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def people(database: Database) -> People:
    """The store of people, which knows those of the cases."""
    made = People(database)
    await made.save_user(User(MARIA.id, MARIA.name, AccountRole.CLIENT))
    await made.save_user(User(IVAN.id, IVAN.name, AccountRole.SPECIALIST))
    return made


@pytest.fixture
async def store(database: Database, people: People) -> Store:
    """The store of consultations between them."""
    return Store(database)


@pytest.fixture
async def control(database: Database, tmp_path: Path) -> AsyncIterator[Control]:
    """Control with its demo accounts."""
    made = Control(database, Settings(data_dir=tmp_path, demo=True))
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def maria(control: Control) -> Person:
    """The demo's client."""
    return await control.person("maria")


@pytest.fixture
async def ivan(control: Control) -> Person:
    """The demo's specialist, who has maria on no list but is on hers."""
    return await control.person("ivan")


@pytest.fixture
async def olga(control: Control) -> Person:
    """The demo's operator."""
    return await control.person("olga")
