"""The audit log."""

import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.dml import Delete, Update

from control.adapters import tables
from control.adapters.audit import AuditEntry, AuditLog
from control.adapters.database import Database
from tests.control.databases import ON_BOTH_DATABASES

pytestmark = ON_BOTH_DATABASES

ENTRY = AuditEntry(
    at=1_800_000_000.5,
    operator_id="olga",
    operator_name="Олга",
    address="2001:db8::7",
    action="end-consultation",
    subject="c1",
    details={"reason": "поискано от двамата"},
)


async def test_the_newest_first_and_page_by_page(database: Database) -> None:
    log = AuditLog(database)
    for number in range(5):
        await log.append(AuditEntry(number, "olga", "Олга", "::1", "end", f"c{number}"))
    first = await log.entries(limit=2)
    assert [entry.subject for entry in first] == ["c4", "c3"]
    rest = await log.entries(limit=10, before=first[-1].id)
    assert [entry.subject for entry in rest] == ["c2", "c1", "c0"]


async def test_all_of_an_entry_is_kept(database: Database) -> None:
    log = AuditLog(database)
    await log.append(ENTRY)
    (kept,) = await log.entries(limit=10)
    assert kept == AuditEntry(**{**vars(ENTRY), "id": kept.id})


@pytest.mark.parametrize(
    "change", [delete(tables.audit_log), update(tables.audit_log).values(operator_id="ivan")]
)
async def test_the_database_refuses_to_change_it(
    database: Database, change: Delete | Update
) -> None:
    log = AuditLog(database)
    await log.append(ENTRY)
    before = await log.entries(limit=10)
    with pytest.raises(DBAPIError, match="append-only"):
        await database.write(lambda connection: connection.execute(change))
    assert await log.entries(limit=10) == before
