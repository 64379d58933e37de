"""What is written of a consultation is read back."""

from dataclasses import replace

import pytest
from sqlalchemy import Connection, delete, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.sql.dml import Delete, Update

from control.accounts import AccountRole
from control.adapters import tables
from control.adapters.database import Database
from control.adapters.people import People, User
from control.adapters.records import recorded
from control.adapters.store import Store
from control.consultations.commands import Accept, EndByOperator, Rate, perform
from control.consultations.consultation import Change, Consultation
from control.consultations.parties import Party
from control.consultations.ratings import Subject
from control.consultations.requests import request
from control.consultations.states import State
from tests.control.consultations.cases import (
    ACCEPTED_AT,
    ASKED_AT,
    CLIENT,
    IVAN,
    MARIA,
    SPECIALIST,
    STARTED_AT,
    TERMS,
    accepted,
    active,
    in_state,
    of_every_kind,
    requested,
)
from tests.control.databases import ON_BOTH_DATABASES


def requested_change(name: str = "one", client: Party = MARIA, at: float = ASKED_AT) -> Change:
    """A request with its event."""
    return request(
        name, client, IVAN, TERMS, "Резултати", specialist_online=True, others=[], now=at
    )[0]


async def _save(store: Store, *consultations: Consultation) -> None:
    await store.save([Change(each) for each in consultations])


@ON_BOTH_DATABASES
async def test_a_consultation_is_read_as_it_was_written(store: Store) -> None:
    # One after the other on the same row, as in life; ratings stay, so those come last.
    for case, written in enumerate(sorted(of_every_kind(), key=lambda each: len(each.ratings))):
        await _save(store, written)
        read = await store.consultation(written.id)
        assert read is not None
        # All but what the node told of the participants, which is worth nothing later.
        assert read == replace(written, links=requested().links), case
        assert (await store.open_consultations() == [read]) is written.is_open


@ON_BOTH_DATABASES
async def test_newest_first(store: Store) -> None:
    older = in_state(State.DECLINED)
    newer = replace(older, id="two", requested_at=older.requested_at + 1)
    await _save(store, newer, older)
    for user_id in ("maria", "ivan"):
        assert [each.id for each in await store.consultations_of(user_id, 10)] == ["two", "one"]
        assert [each.id for each in await store.consultations_of(user_id, 1)] == ["two"]
        before = (newer.requested_at, newer.id)
        assert [each.id for each in await store.consultations_of(user_id, 9, before)] == ["one"]
        before = (older.requested_at, older.id)
        assert await store.consultations_of(user_id, 9, before) == []
    assert await store.consultations_of("nobody", 10) == []


@ON_BOTH_DATABASES
async def test_the_database_refuses_two_sessions_too(store: Store, people: People) -> None:
    await people.save_user(User("elena", "Елена", AccountRole.CLIENT))
    await _save(store, accepted())
    other = replace(accepted(), id="two", client=Party("elena", "Елена"))
    with pytest.raises(IntegrityError):
        await _save(store, other)
    assert await store.consultation("two") is None


@ON_BOTH_DATABASES
async def test_all_or_none(store: Store) -> None:
    stranger = replace(requested(), id="two", client=Party("stranger", ""))
    with pytest.raises(IntegrityError):
        await _save(store, in_state(State.ENDED), stranger)
    assert await store.consultation("one") is None


@ON_BOTH_DATABASES
async def test_events_are_read_in_their_order_under_their_numbers(
    store: Store, people: People
) -> None:
    await people.save_user(User("elena", "Елена", AccountRole.CLIENT))
    asked = requested_change()
    taken = perform(asked.consultation, Accept(SPECIALIST), ACCEPTED_AT)
    other = requested_change("two", Party("elena", "Елена"))
    await store.save([asked, other, taken])
    assert [(each.seq, each.entry.type) for each in await store.events_after("one", 0, 10)] == [
        (1, "requested"),
        (2, "accepted"),
    ]
    (second,) = await store.events_after("one", 1, 10)
    assert second == replace(recorded(taken)[0], id=second.id)
    assert await store.events_after("one", 2, 10) == []
    everything = await store.events_since(0, 10)
    assert [(each.consultation_id, each.seq) for each in everything] == [
        ("one", 1),
        ("two", 1),
        ("one", 2),
    ]
    assert everything[1].id is not None
    assert await store.events_since(everything[1].id, 10) == everything[2:]
    assert await store.events_since(0, 2) == everything[:2]


@ON_BOTH_DATABASES
async def test_an_event_is_never_recorded_twice(store: Store) -> None:
    await store.save([requested_change()])
    with pytest.raises(IntegrityError):
        await store.save([requested_change()])


@ON_BOTH_DATABASES
async def test_what_goes_alongside_goes_with_it(store: Store, database: Database) -> None:
    def spoil(_: Connection) -> None:
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        await store.save([requested_change()], [spoil])
    assert await store.consultation("one") is None
    assert await store.events_since(0, 10) == []


@ON_BOTH_DATABASES
async def test_from_one_session_into_the_next_in_one_transaction(store: Store) -> None:
    over = perform(active(), EndByOperator("x"), STARTED_AT + 1)
    waiting = requested_change("two", at=STARTED_AT)
    next_one = perform(waiting.consultation, Accept(SPECIALIST), STARTED_AT + 2)
    rated = perform(over.consultation, Rate(CLIENT, Subject.TECHNICAL, 3, ""), STARTED_AT + 3)
    await _save(store, active())
    await store.save([waiting, over, next_one, rated])
    assert [each.id for each in await store.open_consultations()] == ["two"]


@ON_BOTH_DATABASES
@pytest.mark.parametrize("change", [delete(tables.events), update(tables.events).values(at=0.0)])
async def test_the_database_refuses_to_change_what_happened(
    store: Store, database: Database, change: Delete | Update
) -> None:
    await store.save([requested_change()])
    before = await store.events_after("one", 0, 10)
    assert before
    with pytest.raises(DBAPIError, match="append-only"):
        await database.write(lambda connection: connection.execute(change))
    assert await store.events_after("one", 0, 10) == before
