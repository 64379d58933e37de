"""What is written is read back, by another process too."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import IntegrityError

from control.adapters import tables
from control.adapters.store import Profile, Store, User
from control.consultations.commands import (
    AnswerEarlyEnd,
    Decline,
    ProposeEarlyEnd,
    Rate,
    ServiceInterrupted,
)
from control.consultations.consultation import Consultation
from control.consultations.parties import Party, Role, Terms
from control.consultations.ratings import Subject
from control.consultations.states import State
from tests.control.consultations.cases import (
    ACCEPTED_AT,
    CLIENT,
    IVAN,
    MARIA,
    SPECIALIST,
    STARTED_AT,
    accepted,
    active,
    after,
    in_state,
    requested,
)

TERMS = Terms(900, Decimal("12.50"), "BGN", takes_video=True)


@pytest.fixture
async def known(store: Store) -> Store:
    """A store that knows the people of the cases."""
    await store.save_user(User("maria", "Мария", Role.CLIENT))
    await store.save_user(User("ivan", "Иван", Role.SPECIALIST))
    return store


async def test_the_migrations_make_the_tables_that_the_code_means(tmp_path: Path) -> None:
    path = tmp_path / "rodrun.sqlite3"
    await (await Store.open_file(path)).close()

    def difference(connection: Connection) -> list[Any]:
        return list(compare_metadata(MigrationContext.configure(connection), tables.metadata))

    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        assert difference(connection) == []
    engine.dispose()


async def test_opened_again_everything_is_there(tmp_path: Path) -> None:
    path = tmp_path / "rodrun.sqlite3"
    first = await Store.open_file(path)
    await first.save_user(User("maria", "Мария", Role.CLIENT))
    await first.close()
    second = await Store.open_file(path)
    assert await second.user("maria") == User("maria", "Мария", Role.CLIENT)
    await second.close()


async def test_a_user_who_changed_their_name(known: Store) -> None:
    await known.save_user(User("maria", "Мария Иванова", Role.CLIENT))
    assert await known.user("maria") == User("maria", "Мария Иванова", Role.CLIENT)
    assert await known.user("nobody") is None


async def test_profiles_and_search(known: Store) -> None:
    assert await known.specialist("ivan") is None
    await known.save_profile("ivan", Profile("Семеен лекар", TERMS))
    await known.save_profile("ivan", Profile("Кардиолог", TERMS))
    found = await known.specialist("ivan")
    assert found is not None
    assert found.profile == Profile("Кардиолог", TERMS)
    # Letters of any alphabet, in either case; wildcards mean themselves.
    for search, count in (("", 1), ("КАРДИО", 1), ("иван", 1), ("%", 0), ("_", 0), ("лекар", 0)):
        assert len(await known.specialists(search)) == count, search


async def test_the_list_of_added_specialists(known: Store) -> None:
    await known.save_profile("ivan", Profile("", TERMS))
    await known.add_specialist("maria", "ivan", 1.0)
    await known.add_specialist("maria", "ivan", 2.0)
    assert [each.user.id for each in await known.added_specialists("maria")] == ["ivan"]
    assert await known.clients_who_added("ivan") == ["maria"]
    await known.remove_specialist("maria", "ivan")
    assert await known.added_specialists("maria") == []


def _cases() -> list[Consultation]:
    proposed = after(active(), STARTED_AT + 1, ProposeEarlyEnd(CLIENT))
    rate = Rate(CLIENT, Subject.SPECIALIST, 5, "Чудесно")
    return [
        *(in_state(state) for state in State),
        after(requested(), ACCEPTED_AT, Decline(SPECIALIST, "Зает съм")),
        replace(in_state(State.CANCELLED), withdrawn=True),
        proposed,
        after(proposed, STARTED_AT + 2, AnswerEarlyEnd(SPECIALIST, accepted=False)),
        after(proposed, STARTED_AT + 2, AnswerEarlyEnd(SPECIALIST, accepted=True)),
        after(active(), STARTED_AT + 2, ServiceInterrupted()),
        after(in_state(State.ENDED), STARTED_AT + 9, rate),
    ]


@pytest.mark.parametrize("case", range(len(_cases())))
async def test_a_consultation_is_read_as_it_was_written(known: Store, case: int) -> None:
    written = _cases()[case]
    await known.save_consultations([requested()])
    await known.save_consultations([written])
    read = await known.consultation(written.id)
    # All but what the node told of the participants, which is worth nothing later.
    assert read == replace(written, links=requested().links)
    assert read is not None
    assert (await known.open_consultations() == [read]) is written.is_open


async def test_newest_first(known: Store) -> None:
    older = in_state(State.DECLINED)
    newer = replace(older, id="two", requested_at=older.requested_at + 1)
    await known.save_consultations([newer, older])
    for user_id in ("maria", "ivan"):
        assert [each.id for each in await known.consultations_of(user_id, 10)] == ["two", "one"]
        assert [each.id for each in await known.consultations_of(user_id, 1)] == ["two"]
    assert await known.consultations_of("nobody", 10) == []


async def test_the_database_refuses_two_sessions_too(known: Store) -> None:
    await known.save_user(User("elena", "Елена", Role.CLIENT))
    await known.save_consultations([accepted()])
    other = replace(accepted(), id="two", client=Party("elena", "Елена"))
    with pytest.raises(IntegrityError):
        await known.save_consultations([other])
    assert await known.consultation("two") is None


async def test_all_or_none(known: Store) -> None:
    stranger = replace(requested(), id="two", client=Party("stranger", ""))
    with pytest.raises(IntegrityError):
        await known.save_consultations([in_state(State.ENDED), stranger])
    assert await known.consultation("one") is None


async def test_a_join_token_is_used_once_and_forgotten_when_it_is_over(known: Store) -> None:
    assert await known.use_join_token("a", 60.0, 10.0)
    assert not await known.use_join_token("a", 60.0, 11.0)
    assert await known.use_join_token("b", 130.0, 70.0)
    # Had it not been forgotten, the table would grow for ever.
    assert await known.use_join_token("a", 60.0, 71.0)


def test_the_cases_are_of_the_people_known_here() -> None:
    assert (MARIA.id, IVAN.id) == ("maria", "ivan")
