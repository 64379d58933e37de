"""Consultations and their events, as they outlive the process."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, Table, and_, bindparam, insert, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from control.adapters import tables
from control.adapters.database import Database, Row
from control.adapters.engines import Work
from control.adapters.records import (
    Recorded,
    from_event_row,
    from_row,
    rating_rows,
    recorded,
    to_event_row,
    to_row,
)
from control.consultations.consultation import Change, Consultation
from control.consultations.states import OPEN


class Store:
    """Each method is one transaction, durable when it returns."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, changes: Iterable[Change], alongside: Iterable[Work[Any]] = ()) -> None:
        """Consultations as they are after these changes, in their order, with what happened.

        What is done ``alongside`` is in the same transaction: all of it or nothing.
        """
        changes = list(changes)
        consultations = {change.consultation.id: change.consultation for change in changes}
        rows = [to_row(each) for each in sorted(consultations.values(), key=_place)]
        ratings = [row for each in consultations.values() for row in rating_rows(each)]
        events = [to_event_row(event) for change in changes for event in recorded(change)]
        alongside = list(alongside)

        def save(connection: Connection) -> None:
            put = _PUT[connection.dialect.name]
            if rows:
                connection.execute(put[tables.consultations.name], rows)
            if ratings:
                connection.execute(put[tables.ratings.name], ratings)
            if events:
                connection.execute(_ADD_EVENTS, events)
            for work in alongside:
                work(connection)

        await self._database.write(save)

    async def consultation(self, consultation_id: str) -> Consultation | None:
        """One consultation, None when unknown."""
        found = await self.consultations([consultation_id])
        return found[0] if found else None

    async def consultations(self, ids: Iterable[str]) -> list[Consultation]:
        """Those of these ids that there are."""
        return await self._consultations(_BY_ID, {"ids": list(ids)})

    async def consultations_of(
        self, user_id: str, limit: int, before: tuple[float, str] | None = None
    ) -> list[Consultation]:
        """A user's consultations, newest first.

        ``before``: only those that come after the one that was requested then and has this id.
        """
        table = tables.consultations
        query = select(table).where(
            or_(table.c.client_id == user_id, table.c.specialist_id == user_id)
        )
        if before is not None:
            requested_at, consultation_id = before
            query = query.where(
                or_(
                    table.c.requested_at < requested_at,
                    and_(table.c.requested_at == requested_at, table.c.id > consultation_id),
                )
            )
        order = query.order_by(table.c.requested_at.desc(), table.c.id)
        return await self._consultations(order.limit(limit))

    async def open_consultations(self) -> list[Consultation]:
        """Those that something can still happen to by itself."""
        table = tables.consultations
        return await self._consultations(
            select(table).where(table.c.state.in_([state.value for state in OPEN]))
        )

    async def events_after(self, consultation_id: str, seq: int, limit: int) -> list[Recorded]:
        """What happened to a consultation after the event of this number, in order."""
        return await self._events(
            _EVENTS_AFTER, {"consultation_id": consultation_id, "seq": seq, "limit": limit}
        )

    async def events_since(self, event_id: int, limit: int) -> list[Recorded]:
        """What happened to all consultations after the event of this global number, in order."""
        return await self._events(_EVENTS_SINCE, {"event_id": event_id, "limit": limit})

    async def _events(self, query: Select[Any], values: Mapping[str, Any]) -> list[Recorded]:
        def find(connection: Connection) -> list[Recorded]:
            return [from_event_row(row) for row in connection.execute(query, values).mappings()]

        return await self._database.read(find)

    async def _consultations(
        self, query: Select[Any], values: Mapping[str, Any] | None = None
    ) -> list[Consultation]:
        def find(connection: Connection) -> list[Consultation]:
            rows = connection.execute(query, values or {}).mappings().all()
            ratings = _ratings(connection, [row["id"] for row in rows])
            return [from_row(row, ratings[row["id"]]) for row in rows]

        return await self._database.read(find)


def _place(consultation: Consultation) -> int:
    """Who is free again is so before they are in another session; the database insists on it."""
    if not consultation.is_open:
        return 0
    return 1 if consultation.is_joinable else 2


def _ratings(connection: Connection, ids: Sequence[str]) -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = defaultdict(list)
    if ids:
        for row in connection.execute(_RATINGS, {"ids": list(ids)}).mappings():
            rows[row["consultation_id"]].append(row)
    return rows


def _put_statements(
    dialect: Any,
) -> dict[str, sqlite.Insert | postgresql.Insert]:
    def put(table: Table) -> Any:
        statement = dialect.insert(table)
        key = list(table.primary_key.columns)
        values = {
            column.name: statement.excluded[column.name]
            for column in table.columns
            if column not in key
        }
        return statement.on_conflict_do_update(index_elements=key, set_=values)

    return {table.name: put(table) for table in (tables.consultations, tables.ratings)}


# Made once: to put a statement together costs more than to carry it out.
_PUT = {"sqlite": _put_statements(sqlite), "postgresql": _put_statements(postgresql)}
_ADD_EVENTS = insert(tables.events)
_BY_ID = select(tables.consultations).where(
    tables.consultations.c.id.in_(bindparam("ids", expanding=True))
)
_RATINGS = select(tables.ratings).where(
    tables.ratings.c.consultation_id.in_(bindparam("ids", expanding=True))
)
_EVENTS_AFTER = (
    select(tables.events)
    .where(
        tables.events.c.consultation_id == bindparam("consultation_id"),
        tables.events.c.seq > bindparam("seq"),
    )
    .order_by(tables.events.c.seq)
    .limit(bindparam("limit"))
)
_EVENTS_SINCE = (
    select(tables.events)
    .where(tables.events.c.id > bindparam("event_id"))
    .order_by(tables.events.c.id)
    .limit(bindparam("limit"))
)
