"""Consultations, as they outlive the process."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Select, or_, select

from control.adapters import tables
from control.adapters.database import Database, Row, put
from control.adapters.records import from_row, rating_rows, to_row
from control.consultations.consultation import Consultation
from control.consultations.states import OPEN


class Store:
    """Each method is one transaction, durable when it returns."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save_consultations(self, consultations: Iterable[Consultation]) -> None:
        """Insert or replace them and their ratings, all or none."""
        saved = list(consultations)

        def save(connection: Connection) -> None:
            for consultation in saved:
                put(connection, tables.consultations, to_row(consultation), key=("id",))
                for row in rating_rows(consultation):
                    put(connection, tables.ratings, row, key=("consultation_id", "subject"))

        await self._database.write(save)

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
        def find(connection: Connection) -> list[Consultation]:
            rows = connection.execute(query).mappings().all()
            ratings = _ratings(connection, [row["id"] for row in rows])
            return [from_row(row, ratings[row["id"]]) for row in rows]

        return await self._database.read(find)


def _ratings(connection: Connection, ids: Sequence[str]) -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = defaultdict(list)
    if ids:
        query = select(tables.ratings).where(tables.ratings.c.consultation_id.in_(ids))
        for row in connection.execute(query).mappings():
            rows[row["consultation_id"]].append(row)
    return rows
