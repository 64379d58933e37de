"""Who uses the platform: users, specialists' profiles, clients' lists."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from sqlalchemy import BindParameter, Connection, Select, bindparam, delete, or_, select, update

from control.accounts import AccountRole, is_synthetic
from control.adapters import tables
from control.adapters.database import Database, Row, put
from control.adapters.engines import Work
from control.consultations.parties import Party, Terms

# About 4 MB of them are kept in memory.
MOST_MET = 10_000


@dataclass(frozen=True)
class User:
    """Someone who signed in."""

    id: str
    name: str
    role: AccountRole

    @property
    def synthetic(self) -> bool:
        """One of a load test's, who meets nobody else."""
        return is_synthetic(self.id)

    @property
    def party(self) -> Party:
        """The user as one side of a consultation."""
        return Party(self.id, self.name)


@dataclass(frozen=True)
class Profile:
    """What a specialist says of themselves, and on which terms they work.

    ``available``: the online switch; off, nobody can ask them, whatever is open.
    """

    summary: str
    terms: Terms
    available: bool = True


@dataclass(frozen=True)
class Specialist:
    """A specialist who can be asked."""

    user: User
    profile: Profile
    # Set by an operator in place of the profile's own duration.
    duration_override_s: int | None = None

    @property
    def terms(self) -> Terms:
        """What a request made now is made under."""
        if self.duration_override_s is None:
            return self.profile.terms
        return replace(self.profile.terms, duration_s=self.duration_override_s)


class People:
    """The store of them. Each method is one transaction, durable when it returns."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Users as they are stored, so that their requests need not ask for them each time.
        self._met: dict[str, User] = {}

    async def meet(self, user: User) -> None:
        """Save someone who comes with a good token, unless they are known so."""
        if self._met.get(user.id) == user:
            return
        if await self.user(user.id) != user:
            await self.save_user(user)
        if len(self._met) >= MOST_MET:
            self._met.clear()
        self._met[user.id] = user

    async def save_user(self, user: User) -> None:
        """Insert, or update name and role."""
        self._met.pop(user.id, None)
        row = {"id": user.id, "name": user.name, "role": user.role.value}
        await self._database.write(
            lambda connection: put(connection, tables.users, row, key=("id",))
        )

    async def user(self, user_id: str) -> User | None:
        """One user, None when unknown."""
        rows = await self._rows(_USER, {"id": user_id})
        return _user(rows[0]) if rows else None

    async def save_profile(self, specialist_id: str, profile: Profile) -> None:
        """Insert or replace a specialist's summary and terms; the online switch stays."""
        terms = profile.terms
        row = {
            "specialist_id": specialist_id,
            "summary": profile.summary,
            "duration_s": terms.duration_s,
            "price": str(terms.price),
            "currency": terms.currency,
            "takes_video": terms.takes_video,
        }
        await self._database.write(
            lambda connection: put(connection, tables.profiles, row, key=("specialist_id",))
        )

    async def set_available(self, specialist_id: str, available: bool) -> bool:
        """Turn the online switch; False when there is no profile that has one."""
        profiles = tables.profiles
        change = (
            update(profiles)
            .where(profiles.c.specialist_id == specialist_id)
            .values(available=available)
        )

        changed = await self._database.write(lambda connection: connection.execute(change).rowcount)
        return changed > 0

    async def specialist(self, specialist_id: str) -> Specialist | None:
        """One specialist; None when unknown, no specialist, or without a profile."""
        rows = await self._rows(_SPECIALIST, {"id": specialist_id})
        return _specialist(rows[0]) if rows else None

    async def specialists(self, search: str = "", limit: int = 100) -> list[Specialist]:
        """Those with ``search`` in name or summary, by name; no synthetic ones."""
        query = (
            _specialists()
            .where(~tables.is_synthetic(tables.users.c.id))
            .order_by(tables.users.c.name, tables.users.c.id)
            .limit(limit)
        )
        if search:
            query = query.where(
                or_(
                    tables.users.c.name.icontains(search, autoescape=True),
                    tables.profiles.c.summary.icontains(search, autoescape=True),
                )
            )
        return [_specialist(row) for row in await self._rows(query)]

    async def override_duration(
        self,
        specialist_id: str,
        duration_s: int | None,
        alongside: Iterable[Work[None]] = (),
    ) -> None:
        """Set the duration of a specialist's sessions over their own; None: it is theirs again.

        What is done ``alongside`` is in the same transaction.
        """
        profiles = tables.profiles
        change = (
            update(profiles)
            .where(profiles.c.specialist_id == specialist_id)
            .values(duration_override_s=duration_s)
        )

        def write(connection: Connection) -> None:
            connection.execute(change)
            for work in alongside:
                work(connection)

        await self._database.write(write)

    async def add_specialist(self, client_id: str, specialist_id: str, at: float) -> None:
        """Put a specialist on a client's list; once is enough."""
        row = {"client_id": client_id, "specialist_id": specialist_id, "added_at": at}
        key = ("client_id", "specialist_id")
        await self._database.write(
            lambda connection: put(connection, tables.added_specialists, row, key)
        )

    async def remove_specialist(self, client_id: str, specialist_id: str) -> None:
        """Take a specialist off a client's list."""
        added = tables.added_specialists
        removal = delete(added).where(
            added.c.client_id == client_id, added.c.specialist_id == specialist_id
        )
        await self._database.write(lambda connection: connection.execute(removal))

    async def added_specialists(self, client_id: str) -> list[Specialist]:
        """A client's list, by name."""
        return [_specialist(row) for row in await self._rows(_ADDED, {"id": client_id})]

    async def clients_who_added(self, specialist_id: str) -> list[str]:
        """The ids of the clients who have this specialist on their list."""
        return [row["client_id"] for row in await self._rows(_WHO_ADDED, {"id": specialist_id})]

    async def _rows(self, query: Select[Any], values: Mapping[str, str] | None = None) -> list[Row]:
        return await self._database.read(
            lambda connection: list(connection.execute(query, values or {}).mappings())
        )


def _specialists() -> Select[Any]:
    return (
        select(tables.users, tables.profiles)
        .join(tables.profiles, tables.profiles.c.specialist_id == tables.users.c.id)
        .where(tables.users.c.role == AccountRole.SPECIALIST.value)
    )


# Made once: to put a statement together costs more than to carry it out.
_ID: BindParameter[str] = bindparam("id")
_USER = select(tables.users).where(tables.users.c.id == _ID)
_SPECIALIST = _specialists().where(tables.users.c.id == _ID)
_ADDED = (
    _specialists()
    .join(tables.added_specialists, tables.added_specialists.c.specialist_id == tables.users.c.id)
    .where(tables.added_specialists.c.client_id == _ID)
    .order_by(tables.users.c.name, tables.users.c.id)
)
_WHO_ADDED = select(tables.added_specialists.c.client_id).where(
    tables.added_specialists.c.specialist_id == _ID
)


def _user(row: Row) -> User:
    return User(row["id"], row["name"], AccountRole(row["role"]))


def _specialist(row: Row) -> Specialist:
    terms = Terms(row["duration_s"], Decimal(row["price"]), row["currency"], row["takes_video"])
    profile = Profile(row["summary"], terms, row["available"])
    return Specialist(_user(row), profile, row["duration_override_s"])
