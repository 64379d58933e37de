"""The last screen: what happened, told to each side in both languages, and the two ratings."""

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import expect

from tests.page.meeting import ROLES, Meeting, Seat

pytestmark = pytest.mark.asyncio(loop_scope="package")

Ending = Callable[[Meeting], Awaitable[None]]


SHORT_S = 60


async def run_for(meeting: Meeting, seconds: float) -> None:
    """The clock moves, both being heard all the time."""
    steps = int(seconds / 1.5)
    for _ in range(steps):
        await meeting.pass_time(seconds / steps, *ROLES)


async def by_time(meeting: Meeting) -> None:
    await run_for(meeting, SHORT_S + 0.1)


async def by_agreement(meeting: Meeting) -> None:
    await meeting.client.person.post(f"{meeting.path}/early-end")
    await meeting.specialist.person.post(f"{meeting.path}/early-end/accept")


async def by_the_specialist(meeting: Meeting) -> None:
    await meeting.specialist.person.post(f"{meeting.path}/leave")
    await meeting.pass_time(10.1, *ROLES)


async def by_the_client(meeting: Meeting) -> None:
    await meeting.client.person.post(f"{meeting.path}/leave")


async def by_silence(meeting: Meeting) -> None:
    await meeting.pass_time(4.1, "client")
    await meeting.pass_time(11.2, "client")


async def by_the_service(meeting: Meeting) -> None:
    await meeting.pass_time(4.1)
    await meeting.pass_time(11.2)
    await meeting.pass_time(120)


async def by_an_operator(meeting: Meeting) -> None:
    olga = await meeting.control.person("olga")
    await olga.post(f"/operator{meeting.path}/end", {"reason": "Жалба до платформата"})


BOTH = "Консултацията приключи успешно", "The consultation is complete"
AGREED = "Консултацията приключи по-рано", "The consultation ended early"
LEFT = "Специалистът приключи по-рано", "The specialist ended early"
CLIENT_LEFT = "Клиентът напусна консултацията", "The client left the consultation"
YOU_LEFT = "Напуснахте консултацията", "You left the consultation"
LOST = "Връзката Ви прекъсна", "Your connection was lost"
OPERATOR = "Консултацията беше прекратена", "The consultation was ended"
SERVICE = "Консултацията прекъсна", "The consultation was interrupted"
Titles = tuple[str, str]


@pytest.mark.parametrize(
    ("end", "reason", "client", "specialist"),
    [
        (by_time, "completed", BOTH, BOTH),
        (by_agreement, "early_end_agreed", AGREED, AGREED),
        (by_the_specialist, "specialist_left", LEFT, YOU_LEFT),
        (by_the_client, "client_left", YOU_LEFT, CLIENT_LEFT),
        (by_silence, "specialist_connection_lost", LEFT, LOST),
        (by_the_service, "service", SERVICE, SERVICE),
        (by_an_operator, "operator", OPERATOR, OPERATOR),
    ],
)
async def test_each_end_is_told_to_each_side(
    meeting: Meeting, end: Ending, reason: str, client: Titles, specialist: Titles
) -> None:
    await meeting.begin(SHORT_S)
    await end(meeting)

    for seat, titles in ((meeting.client, client), (meeting.specialist, specialist)):
        await seat.screen("finish")
        element = seat.page.get_by_test_id("finish-reason")
        await expect(element).to_have_attribute("data-reason", reason)
        for language, title in zip(("bg", "en"), titles, strict=True):
            await seat.speak(language)
            await expect(seat.page.get_by_test_id("finish-title")).to_have_text(title)
        await seat.sees("finish-facts", "€40.00")
        if reason == "operator":
            await seat.sees("finish-detail", "Жалба до платформата")
        if seat is meeting.client or specialist != client:
            await meeting.look(seat, reason)
    await meeting.client.sees("rating-specialist")
    await meeting.client.sees("rating-technical")
    await meeting.specialist.sees_no("rating-specialist")


async def test_what_did_not_start_is_told_and_not_rated(meeting: Meeting) -> None:
    await meeting.set_terms(1800)
    await meeting.accept()
    await meeting.pass_time(120.1, "specialist")

    for seat in (meeting.client, meeting.specialist):
        await seat.screen("finish")
        await seat.sees("finish-title", "Консултацията не започна")
        await seat.sees("finish-reason", "в рамките на 2 мин", "Не се дължи плащане")
        await seat.sees_no("rating-specialist")
        await seat.sees_no("finish-facts")
    await meeting.look(meeting.client, "did_not_start")


async def test_the_agreed_price_has_the_extensions(meeting: Meeting) -> None:
    await meeting.begin(SHORT_S)
    offer = {"duration_s": 30, "price": "12.50"}
    await meeting.specialist.person.post(f"{meeting.path}/extension", offer)
    await meeting.client.person.post(f"{meeting.path}/extension/accept")
    await run_for(meeting, SHORT_S + 30.1)

    for seat in (meeting.client, meeting.specialist):
        await seat.sees("finish-facts", "1 мин 30 с", "52,50 €, с удължаването")


async def rate(client: Seat, subject: str, stars: int) -> None:
    await client.click(f"rating-{subject}-star-{stars}", f"rating-{subject}-send")
    await client.sees(f"rating-{subject}-done", "Благодарим")


async def test_both_ratings_can_be_changed_for_a_day(meeting: Meeting) -> None:
    client = meeting.client
    await meeting.begin()
    await by_the_client(meeting)
    await rate(client, "specialist", 4)
    await rate(client, "technical", 2)
    await meeting.look(client, "rated")
    await rate(client, "specialist", 5)
    ratings = (await meeting.snapshot())["ratings"]
    assert {subject: given["stars"] for subject, given in ratings.items()} == {
        "specialist": 5,
        "technical": 2,
    }

    # A day later, from the history, with a fresh sign-in.
    meeting.control.now += 24 * 3600 - 60
    client.person = await meeting.control.person("maria")
    await client.page.goto("about:blank")
    await client.open()
    await client.screen("home")
    await client.page.evaluate("(id) => { location.hash = `#/consultation/${id}`; }", meeting.id)
    await rate(client, "technical", 3)
    meeting.control.now += 61
    await client.click("rating-technical-star-1", "rating-technical-send")
    await client.is_told("failed", "вече не може да се оцени")
    await client.sees("rating-technical-done", "изтече")
    await client.sees_no("rating-technical-send")
    assert (await meeting.snapshot())["ratings"]["technical"]["stars"] == 3
