"""What is written of a consultation is read back."""

from dataclasses import MISSING, fields, replace
from decimal import Decimal

import pytest
from sqlalchemy.exc import IntegrityError

from control.accounts import AccountRole
from control.adapters.people import People, User
from control.adapters.store import Store
from control.consultations.commands import (
    AnswerEarlyEnd,
    AnswerExtension,
    Decline,
    EndByOperator,
    Leave,
    ProposeEarlyEnd,
    ProposeExtension,
    Rate,
    ServiceInterrupted,
)
from control.consultations.consultation import Consultation
from control.consultations.parties import Party
from control.consultations.ratings import Subject
from control.consultations.states import State
from tests.control.consultations.cases import (
    ACCEPTED_AT,
    CLIENT,
    SPECIALIST,
    STARTED_AT,
    accepted,
    active,
    after,
    in_state,
    requested,
)
from tests.control.databases import ON_BOTH_DATABASES

pytestmark = ON_BOTH_DATABASES


def _cases() -> list[Consultation]:
    proposed = after(active(), STARTED_AT + 1, ProposeEarlyEnd(CLIENT))
    rate = Rate(CLIENT, Subject.SPECIALIST, 5, "Чудесно")
    offered = after(active(), STARTED_AT + 1, ProposeExtension(SPECIALIST, 600, Decimal("12.5")))
    return [
        offered,
        after(offered, STARTED_AT + 2, AnswerExtension(CLIENT, accepted=True)),
        after(offered, STARTED_AT + 2, AnswerExtension(CLIENT, accepted=False)),
        after(active(), STARTED_AT + 1, Leave(SPECIALIST)),
        after(active(), STARTED_AT + 1, EndByOperator("Оплакване")),
        *(in_state(state) for state in State),
        after(requested(), ACCEPTED_AT, Decline(SPECIALIST, "Зает съм")),
        replace(in_state(State.CANCELLED), withdrawn=True),
        proposed,
        after(proposed, STARTED_AT + 2, AnswerEarlyEnd(SPECIALIST, accepted=False)),
        after(proposed, STARTED_AT + 2, AnswerEarlyEnd(SPECIALIST, accepted=True)),
        after(active(), STARTED_AT + 2, ServiceInterrupted(STARTED_AT + 1)),
        after(in_state(State.ENDED), STARTED_AT + 9, rate),
    ]


@pytest.mark.parametrize("case", range(len(_cases())))
async def test_a_consultation_is_read_as_it_was_written(store: Store, case: int) -> None:
    written = _cases()[case]
    await store.save_consultations([requested()])
    await store.save_consultations([written])
    read = await store.consultation(written.id)
    # All but what the node told of the participants, which is worth nothing later.
    assert read == replace(written, links=requested().links)
    assert read is not None
    assert (await store.open_consultations() == [read]) is written.is_open


def test_every_member_of_a_consultation_is_among_the_cases() -> None:
    """Else one that the records forget would not be noticed."""
    for member in fields(Consultation):
        if member.default is not MISSING:
            changed = [each for each in _cases() if getattr(each, member.name) != member.default]
            assert changed, member.name


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
