"""A database of an older version is taken over with everything in it."""

import json
from collections.abc import AsyncIterator
from typing import Any

import alembic.command
import alembic.config
import pytest
from sqlalchemy import Connection, text

from control.adapters import tables
from control.adapters.database import MIGRATIONS, Database
from control.adapters.quality_records import QualityRecords
from control.adapters.store import Store
from control.consultations.commands import Heard, ServiceInterrupted
from control.consultations.consultation import Consultation, End
from control.consultations.parties import Actor
from control.consultations.states import EndReason, State
from tests.control.consultations.cases import ACCEPTED_AT, ASKED_AT, CLIENT, STARTED_AT, after
from tests.control.databases import ON_BOTH_DATABASES

ENDS_AT = STARTED_AT + 1800

# A consultation as the first version wrote it.
REST = {
    "client_name": "Мария",
    "specialist_name": "Иван",
    "purpose": "Резултати",
    "terms": {"duration_s": 1800, "price": "40.00", "currency": "EUR", "takes_video": True},
    "accepted_at": ACCEPTED_AT,
    "started_at": STARTED_AT,
    "ended_at": None,
    "end": None,
    "decline_reason": None,
    "withdrawn": False,
    "early_end": None,
    "early_end_refused_at": None,
}


def add(connection: Connection, name: str, state: State, **changed: Any) -> None:
    """A row with this state, and this in its rest."""
    columns = {
        "id": name,
        "client_id": "maria",
        "specialist_id": "ivan",
        "state": state.value,
        "requested_at": ASKED_AT,
        "accept_by": ASKED_AT + 300,
        "start_by": ACCEPTED_AT + 300,
        "ends_at": ENDS_AT,
        # It was being interrupted when the first version stopped.
        "service_by": STARTED_AT + 120 if state is State.ACTIVE else None,
        "rest": json.dumps({**REST, **changed}),
    }
    values = ", ".join(f":{column}" for column in columns)
    connection.execute(
        text(f"INSERT INTO consultations ({', '.join(columns)}) VALUES ({values})"), columns
    )


def older_version(connection: Connection, revision: str) -> None:
    """Its tables in place of ours, with two people."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    else:
        tables.metadata.drop_all(connection)
        connection.execute(text("DROP TABLE alembic_version"))
    config = alembic.config.Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    alembic.command.upgrade(config, revision)
    for user_id, name, role in [("maria", "Мария", "client"), ("ivan", "Иван", "specialist")]:
        user = {"id": user_id, "name": name, "role": role}
        connection.execute(text("INSERT INTO users VALUES (:id, :name, :role)"), user)


def first_version(connection: Connection) -> None:
    """With a few consultations."""
    older_version(connection, "0001")
    add(connection, "one", State.ACTIVE)
    completed = {"reason": "completed", "by": None}
    add(connection, "completed", State.ENDED, ended_at=ENDS_AT, end=completed)
    add(connection, "fell", State.CANCELLED, withdrawn=True)
    left = {"reason": "client_left", "by": "client"}
    add(connection, "left", State.ENDED, ended_at=ENDS_AT - 9, end=left)


@pytest.fixture
async def store(database: Database, database_url: str) -> AsyncIterator[Store]:
    """Consultations that the first version wrote."""
    await database.write(first_version)
    opened = await Database.open(database_url)
    yield Store(opened)
    await opened.close()


async def read(store: Store, consultation_id: str) -> Consultation:
    """One of them."""
    found = await store.consultation(consultation_id)
    assert found is not None
    return found


@ON_BOTH_DATABASES
async def test_consultations_of_the_first_version_are_read(store: Store) -> None:
    completed, left = await read(store, "completed"), await read(store, "left")
    assert completed.end == End(EndReason.COMPLETED, Actor.SERVICE)
    assert left.end == End(EndReason.CLIENT_LEFT, Actor.CLIENT)
    assert completed.withdrawn_by is None
    assert (await read(store, "fell")).withdrawn_by is Actor.SERVICE
    for each in (completed, left):
        assert (each.purpose, each.terms.duration_s) == ("Резултати", 1800)
        assert (each.extensions, each.paid, each.seq) == ((), (), 0)


@ON_BOTH_DATABASES
async def test_one_that_was_open_goes_on(store: Store) -> None:
    now = STARTED_AT + 100
    [stored] = await store.open_consultations()
    going_on = after(stored, now, ServiceInterrupted(now), Heard(CLIENT, now))
    assert going_on.state is State.ACTIVE
    assert going_on.ends_at == ENDS_AT
    assert going_on.seq == 2


def measured(connection: Connection) -> None:
    """Of these two only the second has the sum of what was measured on record."""
    older_version(connection, "0009")
    for name in ("killed", "summed-up"):
        add(connection, name, State.ENDED)
        for at in (0, 5):
            connection.execute(text(f"INSERT INTO quality_periods VALUES ('{name}', {at}, '{{}}')"))
    columns = "consultation_id, seq, at, type, by, data"
    event = "'summed-up', 9, 1, 'quality', 'service', '{}'"
    connection.execute(text(f"INSERT INTO events ({columns}) VALUES ({event})"))


@ON_BOTH_DATABASES
async def test_what_an_older_version_did_not_sum_up_is_found(
    database: Database, database_url: str
) -> None:
    await database.write(measured)
    opened = await Database.open(database_url)
    assert await QualityRecords(opened).left_over() == ["killed"]
    await opened.close()
