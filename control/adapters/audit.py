"""What operators did: written before it is done, never changed, never removed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import insert, select

from control.adapters import tables
from control.adapters.database import Database, Row


@dataclass(frozen=True)
class AuditEntry:
    """One command. Written without ``refused`` before it is carried out, and once more with the
    code of the problem if it then is refused."""

    at: float
    operator_id: str
    operator_name: str
    # Where the command came from.
    address: str
    action: str
    # The id of what it was done to.
    subject: str
    details: Mapping[str, Any] = field(default_factory=dict)
    refused: str | None = None
    # Given by the log, in its order.
    id: int | None = None


class AuditLog:
    """Append-only: the database itself refuses anything else."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, entry: AuditEntry) -> None:
        """Durable when this returns."""
        row = {
            "at": entry.at,
            "operator_id": entry.operator_id,
            "operator_name": entry.operator_name,
            "address": entry.address,
            "action": entry.action,
            "subject": entry.subject,
            "details": dict(entry.details),
            "refused": entry.refused,
        }
        statement = insert(tables.audit_log).values(row)
        await self._database.write(lambda connection: connection.execute(statement))

    async def entries(self, limit: int, before: int | None = None) -> list[AuditEntry]:
        """The newest first; of those ``before`` an id, if one is given."""
        log = tables.audit_log
        query = select(log).order_by(log.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(log.c.id < before)
        rows = await self._database.read(
            lambda connection: list(connection.execute(query).mappings())
        )
        return [_entry(row) for row in rows]


def _entry(row: Row) -> AuditEntry:
    return AuditEntry(**row)
