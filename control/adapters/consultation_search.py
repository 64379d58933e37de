"""Finding consultations, whosever they are; for operators."""

from sqlalchemy import and_, or_, select

from control.adapters import tables
from control.adapters.database import Database
from control.adapters.store import Store
from control.consultations.consultation import Consultation
from control.consultations.states import State


class ConsultationSearch:
    """Reads only."""

    def __init__(self, database: Database, store: Store) -> None:
        self._database = database
        self._store = store

    async def find(
        self,
        limit: int,
        state: State | None = None,
        user_id: str | None = None,
        before: str | None = None,
    ) -> list[Consultation]:
        """The newest first: those in ``state``, with this user on either side.

        ``before`` is the id of a consultation: only those that come after it in this order.
        Nothing comes after one that is unknown.
        """
        table = tables.consultations
        query = select(table.c.id).order_by(table.c.requested_at.desc(), table.c.id).limit(limit)
        if state is not None:
            query = query.where(table.c.state == state.value)
        if user_id is not None:
            query = query.where(or_(table.c.client_id == user_id, table.c.specialist_id == user_id))
        if before is not None:
            last = select(table.c.requested_at).where(table.c.id == before).scalar_subquery()
            query = query.where(
                or_(
                    table.c.requested_at < last,
                    and_(table.c.requested_at == last, table.c.id > before),
                )
            )
        ids = await self._database.read(lambda connection: list(connection.scalars(query)))
        found = {each.id: each for each in await self._store.consultations(ids)}
        return [found[each] for each in ids if each in found]
