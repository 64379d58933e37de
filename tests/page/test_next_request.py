"""Clients who ask one specialist: at the end of a session, and two at the same time."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.page.meeting import Meeting, Seat, seat

pytestmark = pytest.mark.asyncio(loop_scope="package")

ASK_IVAN = {"specialist_id": "ivan", "purpose": "Втори преглед"}
ALERT = "document.title === 'Нова заявка!'"
QUIET = "document.title !== 'Нова заявка!'"


@pytest_asyncio.fixture(loop_scope="package")
async def nikola(meeting: Meeting, chromium: Browser) -> AsyncIterator[Seat]:
    """Another client."""
    nikola = await seat(chromium, "client", await meeting.control.person("nikola"))
    uncaught: list[str] = []
    nikola.page.on("pageerror", lambda error: uncaught.append(str(error)))
    yield nikola
    await nikola.page.context.close()
    assert uncaught == [], "the page let exceptions pass"


async def test_a_request_is_heard_of_while_an_end_is_read(meeting: Meeting, nikola: Seat) -> None:
    specialist = meeting.specialist
    await meeting.begin()
    await meeting.client.person.post(f"{meeting.path}/leave")
    await specialist.screen("finish")
    await specialist.page.wait_for_function(QUIET)

    await nikola.person.post("/consultations", ASK_IVAN, status=201)
    await specialist.screen("incoming")
    await specialist.page.wait_for_function(ALERT)
    await specialist.sees("incoming-purpose", "Втори преглед")

    await specialist.click("incoming-decline", "decline-confirm")
    await specialist.screen("finish")
    await specialist.sees("finish-title", "Клиентът напусна консултацията")
    await specialist.page.wait_for_function(QUIET)
    await specialist.click("finish-home")
    await specialist.screen("home")


async def test_an_acceptance_withdraws_the_other_requests(meeting: Meeting, nikola: Seat) -> None:
    maria, ivan = meeting.client, meeting.specialist
    await meeting.set_terms(1800)
    for each in (ivan, maria, nikola):
        await each.open()
        await each.screen("home")
    await maria.person.post("/consultations", ASK_IVAN, status=201)
    await nikola.person.post("/consultations", ASK_IVAN, status=201)
    for each in (maria, nikola):
        await each.screen("waiting")
    await ivan.sees("incoming-client", "Мария")
    await nikola.speak("en")

    await ivan.click("incoming-accept")
    for each in (ivan, maria):
        await each.screen("call")
    await ivan.is_told("request-withdrawn", "оттеглена, защото започна друга консултация")
    await nikola.is_told("request-withdrawn", "withdrawn because another consultation began")
    await expect(maria.page.get_by_test_id("notice")).to_have_count(0)

    await nikola.screen("home")
    button = nikola.page.get_by_test_id("request-button-ivan")
    for language, reason in (
        ("en", "The specialist is in another consultation at the moment."),
        ("bg", "В момента специалистът е в друга консултация."),
    ):
        await nikola.speak(language)
        await nikola.sees("request-reason-ivan", reason)
        await expect(button).to_be_disabled()
