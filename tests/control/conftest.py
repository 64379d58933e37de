"""A running control over a database in a file, a node in memory, and a clock that stands still."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from control.accounts import AccountRole
from control.adapters.database import Database
from control.adapters.people import People, User
from control.adapters.store import Store
from control.settings import Settings
from tests.control.consultations.cases import IVAN, MARIA
from tests.control.people import Control, Person


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """An empty one."""
    opened = await Database.open_file(tmp_path / "rodrun.sqlite3")
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
