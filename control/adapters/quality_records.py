"""The quality of connections as it outlives the call."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, delete, select

from control.adapters import tables
from control.adapters.database import Database, insert, put
from control.adapters.engines import Work
from control.consultations.quality import Period
from control.consultations.states import State

Stored = Mapping[str, Any]


class QualityRecords:
    """Periods of consultations, in their order of time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, consultation_id: str, period: Period) -> None:
        """Keep a period, which is to be summed up some day."""
        row = {"consultation_id": consultation_id, "at": period.at, "data": period.to_json()}

        def write(connection: Connection) -> None:
            put(connection, tables.quality_periods, row, ("consultation_id", "at"))
            mark = insert(connection, tables.quality_to_sum_up)
            connection.execute(
                mark.values(consultation_id=consultation_id).on_conflict_do_nothing()
            )

        await self._database.write(write)

    async def left_over(self) -> list[str]:
        """The consultations that are over, and what was measured of them is not summed up."""
        table, held = tables.quality_to_sum_up, tables.consultations
        query = (
            select(table.c.consultation_id)
            .join(held, held.c.id == table.c.consultation_id)
            .where(held.c.state == State.ENDED.value)
        )
        return await self._database.read(lambda connection: list(connection.scalars(query)))

    def summed_up(self, consultation_id: str) -> Work[None]:
        """Goes with the sum into the same transaction."""
        table = tables.quality_to_sum_up

        def unmark(connection: Connection) -> None:
            connection.execute(delete(table).where(table.c.consultation_id == consultation_id))

        return unmark

    async def of(self, consultation_id: str) -> list[Stored]:
        """What was kept of a consultation, the oldest first."""
        table = tables.quality_periods
        query = select(table.c.data).where(table.c.consultation_id == consultation_id)

        def find(connection: Connection) -> list[Stored]:
            return list(connection.scalars(query.order_by(table.c.at)))

        return await self._database.read(find)

    async def is_summed_up(self, consultation_id: str) -> bool:
        """Whether the sum is in the record: what is kept is all that there will be."""
        table = tables.events
        query = select(table.c.id).where(
            table.c.consultation_id == consultation_id, table.c.type == "quality"
        )
        return await self._database.read(
            lambda connection: connection.scalar(query.limit(1)) is not None
        )

    async def rated(self) -> list[tuple[int | None, Stored]]:
        """What was measured of each consultation that is over, with the client's stars for the
        connection, None where there are none. Load tests are left out."""
        events, ratings, held = tables.events, tables.ratings, tables.consultations
        given = (ratings.c.consultation_id == events.c.consultation_id) & (
            ratings.c.subject == "technical"
        )
        query = (
            select(ratings.c.stars, events.c.data)
            .select_from(
                events.join(held, held.c.id == events.c.consultation_id).outerjoin(ratings, given)
            )
            .where(events.c.type == "quality", ~tables.is_synthetic(held.c.client_id))
            .order_by(events.c.id)
        )
        return await self._database.read(
            lambda connection: [(stars, data) for stars, data in connection.execute(query)]
        )
