"""What still has to be told to the platform, as it outlives the process."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, and_, delete, exists, func, select, update

from control.adapters import tables
from control.adapters.database import Database, Row, insert
from control.adapters.webhooks.message import TYPES

_deliveries = tables.webhook_deliveries
_events = tables.events
_consultations = tables.consultations
_cursor = tables.webhook_cursor

# Taken up in one transaction.
MOST_EVENTS = 500
# One that was given up can be looked at, and sent anew, for this long.
KEEP_GIVEN_UP_S = 30 * 86_400.0


@dataclass(frozen=True)
class Delivery:
    """One event that the platform is to hear of. Times are Unix seconds."""

    event_id: int
    consultation_id: str
    seq: int
    type: str
    at: float
    by: str
    data: Mapping[str, Any]
    client_id: str
    specialist_id: str
    queued_at: float
    # So far, all of them failed.
    attempts: int

    @property
    def id(self) -> str:
        """The same at each attempt and each replay, so that a receiver can drop doubles."""
        return f"{self.consultation_id}.{self.seq}"


@dataclass(frozen=True)
class Attempted:
    """What an attempt came to: delivered (``error`` is None), or once more at ``next_at``, or given
    up (neither)."""

    delivery: Delivery
    error: str | None = None
    next_at: float | None = None


@dataclass(frozen=True)
class Counts:
    """How many wait, since when the oldest does, and how many were given up."""

    pending: int
    oldest_queued_at: float | None
    given_up: int


class Deliveries:
    """Rows of what is not delivered; what was delivered leaves none.

    Of each consultation one delivery at a time is due, in the order of the events: those behind it
    wait until it was delivered or given up.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self) -> None:
        """At the first start with a target, begin with the events from now on."""

        def begin(connection: Connection) -> None:
            last = connection.scalar(select(func.max(_events.c.id))) or 0
            row = {"id": 1, "event_id": last}
            statement = insert(connection, _cursor).values(row)
            connection.execute(statement.on_conflict_do_nothing(index_elements=["id"]))

        await self._database.write(begin)

    async def has_new(self) -> bool:
        """Whether something has happened since the last ``settle``."""

        def look(connection: Connection) -> bool:
            after = select(_cursor.c.event_id).scalar_subquery()
            return bool(connection.scalar(select(exists().where(_events.c.id > after))))

        return await self._database.read(look)

    async def settle(self, attempted: Sequence[Attempted], now: float) -> None:
        """Write down what attempts came to, and take up what has happened since."""

        def settle(connection: Connection) -> None:
            for each in attempted:
                _write_down(connection, each, now)
            new = _take_up(connection, now)
            _give_turns(
                connection, new | {each.delivery.consultation_id for each in attempted}, now
            )
            old = _deliveries.c.given_up_at < now - KEEP_GIVEN_UP_S
            connection.execute(delete(_deliveries).where(old))

        await self._database.write(settle)

    async def due(self, now: float, limit: int, busy: Collection[str] = ()) -> list[Delivery]:
        """Those whose time has come, the longest due first, but none of ``busy`` consultations."""
        query = (
            select(
                _deliveries.c.event_id,
                _deliveries.c.consultation_id,
                _events.c.seq,
                _events.c.type,
                _events.c.at,
                _events.c.by,
                _events.c.data,
                _consultations.c.client_id,
                _consultations.c.specialist_id,
                _deliveries.c.queued_at,
                _deliveries.c.attempts,
            )
            .join(_events, _events.c.id == _deliveries.c.event_id)
            .join(_consultations, _consultations.c.id == _deliveries.c.consultation_id)
            .where(_deliveries.c.next_at <= now, _deliveries.c.consultation_id.not_in(busy))
            .order_by(_deliveries.c.next_at, _deliveries.c.event_id)
            .limit(limit)
        )

        def find(connection: Connection) -> list[Delivery]:
            found = [Delivery(**row) for row in connection.execute(query).mappings()]
            return [
                replace(each, data={**each.data, "paid_s": _paid_s(connection, each)})
                if each.type == "ended"
                else each
                for each in found
            ]

        return await self._database.read(find)

    async def counts(self) -> Counts:
        """What waits and what was given up."""
        given_up = _deliveries.c.given_up_at.is_not(None)
        query = select(
            func.count().filter(~given_up),
            func.min(_deliveries.c.queued_at).filter(~given_up),
            func.count().filter(given_up),
        )

        def count(connection: Connection) -> Counts:
            pending, oldest, number = connection.execute(query).one()
            return Counts(pending, oldest, number)

        return await self._database.read(count)

    async def undelivered(self, limit: int) -> list[Row]:
        """Those that wait after a failed attempt or were given up, the newest first."""
        query = (
            select(_deliveries, _events.c.seq, _events.c.type)
            .join(_events, _events.c.id == _deliveries.c.event_id)
            .where(_deliveries.c.error.is_not(None))
            .order_by(_deliveries.c.event_id.desc())
            .limit(limit)
        )
        return await self._database.read(
            lambda connection: list(connection.execute(query).mappings())
        )

    async def replay(self, consultation_id: str, after_seq: int, now: float) -> int:
        """Queue a consultation's events after a sequence number once more; how many these are."""
        query = select(_events.c.id).where(
            _events.c.consultation_id == consultation_id,
            _events.c.seq > after_seq,
            _events.c.type.in_(TYPES),
        )

        def queue(connection: Connection) -> int:
            ids = list(connection.scalars(query))
            if ids:
                # What is not taken up yet comes by itself, and is one and the same row.
                connection.execute(delete(_deliveries).where(_deliveries.c.event_id.in_(ids)))
                rows = [_row(each, consultation_id, now) for each in ids]
                connection.execute(_deliveries.insert(), rows)
                _give_turns(connection, {consultation_id}, now)
            return len(ids)

        return await self._database.write(queue)


def _paid_s(connection: Connection, delivery: Delivery) -> float:
    """The paid time of a consultation that ended, in seconds."""
    query = (
        select(_events.c.data)
        .where(
            _events.c.consultation_id == delivery.consultation_id,
            _events.c.seq < delivery.seq,
            _events.c.type == "flow_stopped",
        )
        .order_by(_events.c.seq.desc())
        .limit(1)
    )
    last = connection.scalar(query)
    return float(last["paid_s"]) if last else 0.0


def _row(event_id: int, consultation_id: str, now: float) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "consultation_id": consultation_id,
        "queued_at": now,
        "attempts": 0,
    }


def _write_down(connection: Connection, attempted: Attempted, now: float) -> None:
    delivery = attempted.delivery
    # Replayed meanwhile, it is another delivery of the same event: that one stays.
    this = and_(
        _deliveries.c.event_id == delivery.event_id, _deliveries.c.queued_at == delivery.queued_at
    )
    if attempted.error is None:
        connection.execute(delete(_deliveries).where(this))
        return
    given_up = attempted.next_at is None
    connection.execute(
        update(_deliveries)
        .where(this)
        .values(
            attempts=delivery.attempts + 1,
            next_at=attempted.next_at,
            given_up_at=now if given_up else None,
            error=attempted.error,
        )
    )


def _take_up(connection: Connection, now: float) -> set[str]:
    """Make deliveries of new events; the consultations that they are of."""
    after = connection.scalar(select(_cursor.c.event_id)) or 0
    query = (
        select(_events.c.id, _events.c.consultation_id, _events.c.type)
        .where(_events.c.id > after)
        .order_by(_events.c.id)
        .limit(MOST_EVENTS)
    )
    new = connection.execute(query).all()
    if not new:
        return set()
    told = [(event_id, of) for event_id, of, type_ in new if type_ in TYPES]
    if told:
        # A replay may have been first.
        statement = insert(connection, _deliveries).on_conflict_do_nothing()
        connection.execute(statement, [_row(event_id, of, now) for event_id, of in told])
    connection.execute(update(_cursor).values(event_id=new[-1].id))
    return {of for _, of in told}


def _give_turns(connection: Connection, consultation_ids: Collection[str], now: float) -> None:
    """The first that waits of each of these consultations is due, if it has no time yet."""
    for consultation_id in consultation_ids:
        waiting = and_(
            _deliveries.c.consultation_id == consultation_id, _deliveries.c.given_up_at.is_(None)
        )
        first = select(func.min(_deliveries.c.event_id)).where(waiting).scalar_subquery()
        connection.execute(
            update(_deliveries)
            .where(_deliveries.c.event_id == first, _deliveries.c.next_at.is_(None))
            .values(next_at=now)
        )
