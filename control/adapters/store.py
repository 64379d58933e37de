"""Everything that outlives the process: SQLite by default, PostgreSQL by its URL."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import alembic.command
import alembic.config
from sqlalchemy import Connection, Select, Table, delete, event, insert, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from control.adapters import tables
from control.adapters.records import Row, from_row, rating_rows, to_row
from control.consultations.consultation import Consultation
from control.consultations.parties import Party, Role, Terms
from control.consultations.states import OPEN

MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True)
class User:
    """Someone who signed in."""

    id: str
    name: str
    role: Role

    @property
    def party(self) -> Party:
        """The user as one side of a consultation."""
        return Party(self.id, self.name)


@dataclass(frozen=True)
class Profile:
    """What a specialist says of themselves, and on which terms they work."""

    summary: str
    terms: Terms


@dataclass(frozen=True)
class Specialist:
    """A specialist who can be asked."""

    user: User
    profile: Profile


class Store:
    """Each method is one transaction, durable when it returns."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @classmethod
    async def open(cls, url: str) -> "Store":
        """Connect to a SQLAlchemy async URL and bring the schema up to date.

        >>> store = await Store.open("sqlite+aiosqlite:////var/lib/rodrun/rodrun.sqlite3")
        """
        engine = create_async_engine(url)
        if engine.dialect.name == "sqlite":
            event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        async with engine.begin() as connection:
            await connection.run_sync(_migrate)
        return cls(engine)

    @classmethod
    async def open_file(cls, path: Path) -> "Store":
        """The same on a SQLite file, made when absent."""
        return await cls.open(f"sqlite+aiosqlite:///{path}")

    async def close(self) -> None:
        """Let go of the database."""
        await self._engine.dispose()

    async def ping(self) -> None:
        """Raises when the database cannot be reached."""
        async with self._engine.connect() as connection:
            await connection.execute(select(1))

    # users and specialists

    async def save_user(self, user: User) -> None:
        """Insert, or update name and role."""
        row = {"id": user.id, "name": user.name, "role": user.role.value}
        async with self._engine.begin() as connection:
            await _put(connection, tables.users, row, key=("id",))

    async def user(self, user_id: str) -> User | None:
        """One user, None when unknown."""
        async with self._engine.connect() as connection:
            query = select(tables.users).where(tables.users.c.id == user_id)
            row = (await connection.execute(query)).mappings().one_or_none()
        return _user(row) if row else None

    async def save_profile(self, specialist_id: str, profile: Profile) -> None:
        """Insert or replace a specialist's profile."""
        terms = profile.terms
        row = {
            "specialist_id": specialist_id,
            "summary": profile.summary,
            "duration_s": terms.duration_s,
            "price": str(terms.price),
            "currency": terms.currency,
            "takes_video": terms.takes_video,
        }
        async with self._engine.begin() as connection:
            await _put(connection, tables.profiles, row, key=("specialist_id",))

    async def specialist(self, specialist_id: str) -> Specialist | None:
        """One specialist; None when unknown, no specialist, or without a profile."""
        query = _specialists().where(tables.users.c.id == specialist_id)
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).mappings().one_or_none()
        return _specialist(row) if row else None

    async def specialists(self, search: str = "", limit: int = 100) -> list[Specialist]:
        """Those with ``search`` in name or summary, by name."""
        query = _specialists().order_by(tables.users.c.name, tables.users.c.id).limit(limit)
        if search:
            query = query.where(
                or_(
                    tables.users.c.name.icontains(search, autoescape=True),
                    tables.profiles.c.summary.icontains(search, autoescape=True),
                )
            )
        async with self._engine.connect() as connection:
            return [_specialist(row) for row in (await connection.execute(query)).mappings()]

    async def add_specialist(self, client_id: str, specialist_id: str, at: float) -> None:
        """Put a specialist on a client's list; once is enough."""
        row = {"client_id": client_id, "specialist_id": specialist_id, "added_at": at}
        async with self._engine.begin() as connection:
            await _put(
                connection, tables.added_specialists, row, key=("client_id", "specialist_id")
            )

    async def remove_specialist(self, client_id: str, specialist_id: str) -> None:
        """Take a specialist off a client's list."""
        added = tables.added_specialists
        async with self._engine.begin() as connection:
            await connection.execute(
                delete(added).where(
                    added.c.client_id == client_id, added.c.specialist_id == specialist_id
                )
            )

    async def added_specialists(self, client_id: str) -> list[Specialist]:
        """A client's list, by name."""
        added = tables.added_specialists
        query = (
            _specialists()
            .join(added, added.c.specialist_id == tables.users.c.id)
            .where(added.c.client_id == client_id)
            .order_by(tables.users.c.name, tables.users.c.id)
        )
        async with self._engine.connect() as connection:
            return [_specialist(row) for row in (await connection.execute(query)).mappings()]

    async def clients_who_added(self, specialist_id: str) -> list[str]:
        """The ids of the clients who have this specialist on their list."""
        added = tables.added_specialists
        query = select(added.c.client_id).where(added.c.specialist_id == specialist_id)
        async with self._engine.connect() as connection:
            return list((await connection.execute(query)).scalars())

    # consultations

    async def save_consultations(self, consultations: Iterable[Consultation]) -> None:
        """Insert or replace them and their ratings, all or none."""
        async with self._engine.begin() as connection:
            for consultation in consultations:
                await _put(connection, tables.consultations, to_row(consultation), key=("id",))
                for row in rating_rows(consultation):
                    await _put(connection, tables.ratings, row, key=("consultation_id", "subject"))

    async def consultation(self, consultation_id: str) -> Consultation | None:
        """One consultation, None when unknown."""
        found = await self._consultations(
            select(tables.consultations).where(tables.consultations.c.id == consultation_id)
        )
        return found[0] if found else None

    async def consultations_of(self, user_id: str, limit: int) -> list[Consultation]:
        """A user's consultations, newest first."""
        table = tables.consultations
        return await self._consultations(
            select(table)
            .where(or_(table.c.client_id == user_id, table.c.specialist_id == user_id))
            .order_by(table.c.requested_at.desc(), table.c.id)
            .limit(limit)
        )

    async def open_consultations(self) -> list[Consultation]:
        """Those that something can still happen to by itself."""
        table = tables.consultations
        return await self._consultations(
            select(table).where(table.c.state.in_([state.value for state in OPEN]))
        )

    async def _consultations(self, query: Select[Any]) -> list[Consultation]:
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).mappings().all()
            ratings = await _ratings(connection, [row["id"] for row in rows])
        return [from_row(row, ratings[row["id"]]) for row in rows]

    # join tokens

    async def use_join_token(self, token_id: str, expires_at: float, now: float) -> bool:
        """Remember that a token was used; False when it already was. Expired ones are forgotten."""
        table = tables.used_join_tokens
        try:
            async with self._engine.begin() as connection:
                await connection.execute(delete(table).where(table.c.expires_at < now))
                await connection.execute(insert(table).values(id=token_id, expires_at=expires_at))
        except IntegrityError:
            return False
        return True


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


async def _put(
    connection: AsyncConnection, table: Table, row: dict[str, Any], key: Sequence[str]
) -> None:
    """Insert, or update what is there under this key."""
    of_dialect = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = of_dialect(table).values(row)
    await connection.execute(statement.on_conflict_do_update(index_elements=key, set_=row))


async def _ratings(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = defaultdict(list)
    if ids:
        query = select(tables.ratings).where(tables.ratings.c.consultation_id.in_(ids))
        for row in (await connection.execute(query)).mappings():
            rows[row["consultation_id"]].append(row)
    return rows


def _specialists() -> Select[Any]:
    return (
        select(tables.users, tables.profiles)
        .join(tables.profiles, tables.profiles.c.specialist_id == tables.users.c.id)
        .where(tables.users.c.role == Role.SPECIALIST.value)
    )


def _user(row: Row) -> User:
    return User(row["id"], row["name"], Role(row["role"]))


def _specialist(row: Row) -> Specialist:
    terms = Terms(row["duration_s"], Decimal(row["price"]), row["currency"], row["takes_video"])
    return Specialist(_user(row), Profile(row["summary"], terms))
