"""What is written of a consultation is read back."""

from dataclasses import replace

import pytest
from sqlalchemy.exc import IntegrityError

from control.accounts import AccountRole
from control.adapters.people import People, User
from control.adapters.store import Store
from control.consultations.parties import Party
from control.consultations.states import State
from tests.control.consultations.cases import (
    accepted,
    in_state,
    of_every_kind,
    requested,
)
from tests.control.databases import ON_BOTH_DATABASES

pytestmark = ON_BOTH_DATABASES


@pytest.mark.parametrize("case", range(len(of_every_kind())))
async def test_a_consultation_is_read_as_it_was_written(store: Store, case: int) -> None:
    written = of_every_kind()[case]
    await store.save_consultations([requested()])
    await store.save_consultations([written])
    read = await store.consultation(written.id)
    # All but what the node told of the participants, which is worth nothing later.
    assert read == replace(written, links=requested().links)
    assert read is not None
    assert (await store.open_consultations() == [read]) is written.is_open


async def test_newest_first(store: Store) -> None:
    older = in_state(State.DECLINED)
    newer = replace(older, id="two", requested_at=older.requested_at + 1)
    await store.save_consultations([newer, older])
    for user_id in ("maria", "ivan"):
        assert [each.id for each in await store.consultations_of(user_id, 10)] == ["two", "one"]
        assert [each.id for each in await store.consultations_of(user_id, 1)] == ["two"]
    assert await store.consultations_of("nobody", 10) == []


async def test_the_database_refuses_two_sessions_too(store: Store, people: People) -> None:
    await people.save_user(User("elena", "Елена", AccountRole.CLIENT))
    await store.save_consultations([accepted()])
    other = replace(accepted(), id="two", client=Party("elena", "Елена"))
    with pytest.raises(IntegrityError):
        await store.save_consultations([other])
    assert await store.consultation("two") is None


async def test_all_or_none(store: Store) -> None:
    stranger = replace(requested(), id="two", client=Party("stranger", ""))
    with pytest.raises(IntegrityError):
        await store.save_consultations([in_state(State.ENDED), stranger])
    assert await store.consultation("one") is None
