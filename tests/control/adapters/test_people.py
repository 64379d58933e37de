"""Users, profiles and lists are read as they were written."""

from dataclasses import replace
from decimal import Decimal

from control.accounts import AccountRole
from control.adapters.database import Database
from control.adapters.people import People, Profile, User
from control.consultations.parties import Terms
from tests.control.databases import ON_BOTH_DATABASES

pytestmark = ON_BOTH_DATABASES

TERMS = Terms(900, Decimal("12.50"), "BGN", takes_video=True)


async def test_a_user_who_changed_their_name(people: People) -> None:
    await people.save_user(User("maria", "Мария Иванова", AccountRole.CLIENT))
    assert await people.user("maria") == User("maria", "Мария Иванова", AccountRole.CLIENT)
    assert await people.user("nobody") is None


async def test_whoever_signs_in_is_known_under_their_newest_name(
    people: People, database: Database
) -> None:
    for name in ("Елена", "Елена", "Елена Иванова", "Елена"):
        await people.meet(User("elena", name, AccountRole.CLIENT))
        assert await People(database).user("elena") == User("elena", name, AccountRole.CLIENT)


async def test_profiles_and_search(people: People) -> None:
    assert await people.specialist("ivan") is None
    await people.save_profile("ivan", Profile("Семеен лекар", TERMS))
    await people.save_profile("ivan", Profile("Кардиолог", TERMS))
    found = await people.specialist("ivan")
    assert found is not None
    assert found.profile == Profile("Кардиолог", TERMS)
    # Letters of any alphabet, in either case; wildcards mean themselves.
    for search, count in (("", 1), ("КАРДИО", 1), ("иван", 1), ("%", 0), ("_", 0), ("лекар", 0)):
        assert len(await people.specialists(search)) == count, search


async def test_the_list_of_added_specialists(people: People) -> None:
    await people.save_profile("ivan", Profile("", TERMS))
    await people.add_specialist("maria", "ivan", 1.0)
    await people.add_specialist("maria", "ivan", 2.0)
    assert [each.user.id for each in await people.added_specialists("maria")] == ["ivan"]
    assert await people.clients_who_added("ivan") == ["maria"]
    await people.remove_specialist("maria", "ivan")
    assert await people.added_specialists("maria") == []


async def test_an_operators_duration_stands_over_the_specialists_own(people: People) -> None:
    await people.save_profile("ivan", Profile("", TERMS))
    await people.override_duration("ivan", 600)
    # A change of the profile does not lift it.
    await people.save_profile("ivan", Profile("", replace(TERMS, price=Decimal("15.00"))))
    found = await people.specialist("ivan")
    assert found is not None
    assert found.terms == replace(TERMS, price=Decimal("15.00"), duration_s=600)
    assert found.profile.terms.duration_s == 900
    await people.override_duration("ivan", None)
    found = await people.specialist("ivan")
    assert found is not None
    assert found.terms.duration_s == 900
