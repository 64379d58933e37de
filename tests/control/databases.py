"""What is tried on SQLite and on PostgreSQL."""

import pytest

from control.adapters.database import Database

# For tests that use the fixture `database`, directly or through others.
ON_BOTH_DATABASES = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)


async def make_tables(url: str) -> None:
    """Let the migrations run, so that the copies of it need not."""
    await (await Database.open(url)).close()
