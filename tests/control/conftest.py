"""A running control over a store in a file, a node in memory, and a clock that stands still."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from control.adapters.store import Store
from control.settings import Settings
from tests.control.people import Control, Person


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store."""
    opened = await Store.open_file(tmp_path / "rodrun.sqlite3")
    yield opened
    await opened.close()


@pytest.fixture
async def control(store: Store, tmp_path: Path) -> AsyncIterator[Control]:
    """Control with its demo accounts."""
    made = Control(store, Settings(data_dir=tmp_path, demo=True))
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
