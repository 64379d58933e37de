"""The schema, and what is kept over a restart."""

from pathlib import Path
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine

from control.accounts import AccountRole
from control.adapters import tables
from control.adapters.database import Database
from control.adapters.people import People, User


async def test_the_migrations_make_the_tables_that_the_code_means(tmp_path: Path) -> None:
    path = tmp_path / "rodrun.sqlite3"
    await (await Database.open_file(path)).close()

    def difference(connection: Connection) -> list[Any]:
        return list(compare_metadata(MigrationContext.configure(connection), tables.metadata))

    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        assert difference(connection) == []
    engine.dispose()


async def test_opened_again_everything_is_there(tmp_path: Path) -> None:
    path = tmp_path / "rodrun.sqlite3"
    first = await Database.open_file(path)
    await People(first).save_user(User("maria", "Мария", AccountRole.CLIENT))
    await first.close()
    second = await Database.open_file(path)
    assert await People(second).user("maria") == User("maria", "Мария", AccountRole.CLIENT)
    await second.close()
