"""The rules of a session as both sides see them in the call: the client in Bulgarian, the
specialist in English."""

import pytest
from playwright.async_api import expect

from tests.page.meeting import ROLES, Meeting, Seat

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def begin(meeting: Meeting, duration_s: int = 1800) -> tuple[Seat, Seat]:
    """The client's and the specialist's seat in a session that has begun."""
    await meeting.begin(duration_s)
    await meeting.client.speak("bg")
    await meeting.specialist.speak("en")
    return meeting.client, meeting.specialist


async def choose(seat: Seat, name: str) -> None:
    """From the menu of the call."""
    await seat.click("call-menu-button", name)


async def is_active(meeting: Meeting) -> bool:
    state: str = (await meeting.snapshot())["state"]
    return state == "active"


@pytest.mark.parametrize(
    ("left_s", "notice", "bulgarian", "english"),
    [
        (302, "soon-5", "Остават 5 минути до края", "5 minutes until the end"),
        (62, "soon-1", "Остава 1 минута до края", "1 minute until the end"),
    ],
    ids=["5 minutes", "1 minute"],
)
async def test_both_see_the_time_left_and_are_warned(
    meeting: Meeting, left_s: int, notice: str, bulgarian: str, english: str
) -> None:
    client, specialist = await begin(meeting, left_s)

    await client.is_told(notice, bulgarian)
    await specialist.is_told(notice, english)
    for seat in (client, specialist):
        shown = await seat.page.get_by_test_id("time-left").inner_text()
        minutes, seconds = shown.split(":")
        assert left_s - 30 < int(minutes) * 60 + int(seconds) < left_s


async def test_an_early_end_is_proposed_refused_and_withdrawn(meeting: Meeting) -> None:
    client, specialist = await begin(meeting)

    await choose(client, "propose-early-end")
    await client.sees("early-end-pending", "Предложихте ранен край", "Иван Георгиев")
    await specialist.sees("early-end-question", "proposes an early end", "left to answer")
    await meeting.look(client, "early-end-pending")
    await meeting.look(specialist, "early-end-question")
    await specialist.click("early-end-refuse")
    await client.is_told("early-end-refused", "отказа ранния край")
    await specialist.sees_no("early-end-question")
    await client.sees_no("early-end-pending")
    assert await is_active(meeting)

    await choose(specialist, "propose-early-end")
    await client.sees("early-end-question", "предлага ранен край")
    await specialist.click("early-end-withdraw")
    await client.is_told("early-end-withdrawn", "оттегли предложението за ранен край")
    await client.sees_no("early-end-question")
    await specialist.sees_no("early-end-pending")
    await expect(specialist.page.get_by_test_id("notice")).to_have_count(0)
    assert await is_active(meeting)


async def test_an_early_end_that_nobody_answers_lapses(meeting: Meeting) -> None:
    client, specialist = await begin(meeting)
    await choose(specialist, "propose-early-end")
    await client.sees("early-end-question")
    await client.page.get_by_test_id("call-menu-button").click()
    await expect(client.page.get_by_test_id("propose-early-end")).to_be_disabled()

    await meeting.pass_time(60.1, *ROLES)

    await specialist.is_told("early-end-lapsed", "was not answered")
    await client.is_told("early-end-question-lapsed", "изтече")
    await client.sees_no("early-end-question")
    assert await is_active(meeting)


async def test_an_accepted_early_end_is_the_end(meeting: Meeting) -> None:
    client, specialist = await begin(meeting)
    await choose(specialist, "propose-early-end")
    await client.click("early-end-accept")

    for seat in (client, specialist):
        await seat.screen("finish")
    assert (await meeting.snapshot())["end"]["reason"] == "early_end_agreed"


async def test_the_specialist_extends_and_the_client_sees_the_new_price(meeting: Meeting) -> None:
    client, specialist = await begin(meeting)
    await client.click("call-menu-button")
    await client.sees_no("propose-extension")
    await client.page.keyboard.press("Escape")
    ends_at = (await meeting.snapshot())["ends_at"]

    await choose(specialist, "propose-extension")
    await specialist.sees("extension-total", "€60.00")
    await specialist.page.get_by_test_id("extension-duration").fill("10")
    await specialist.sees("extension-total", "€53.33")
    await specialist.page.get_by_test_id("extension-price").fill("12.5")
    await specialist.page.get_by_test_id("extension-duration").fill("20")
    await specialist.sees("extension-total", "€52.50")
    await meeting.look(specialist, "extension-dialog", again=lambda: open_offer(specialist))
    await specialist.click("extension-send")
    await specialist.sees("extension-pending", "20 min for €12.50")
    await client.sees("extension-question", "предлага удължаване")
    await client.sees("extension-longer", "20 мин")
    await client.sees("extension-more", "12,50 €")
    await client.sees("extension-new-price", "52,50 €")
    await meeting.look(client, "extension-question")
    await meeting.look(specialist, "extension-pending")

    await client.click("extension-accept")
    await specialist.is_told("extension-accepted", "accepted the extension")
    await client.is_told("extension-agreed", "Консултацията е удължена")
    await client.sees_no("extension-question")
    assert (await meeting.snapshot())["ends_at"] == ends_at + 1200
    await expect(client.page.get_by_test_id("time-left")).to_contain_text("49:")


async def open_offer(specialist: Seat) -> None:
    """What a change of language has closed."""
    await choose(specialist, "propose-extension")
    await specialist.page.get_by_test_id("extension-duration").fill("20")
    await specialist.page.get_by_test_id("extension-price").fill("12.50")


async def test_an_extension_is_refused_withdrawn_and_lapses(meeting: Meeting) -> None:
    client, specialist = await begin(meeting)

    async def offer() -> None:
        await choose(specialist, "propose-extension")
        await specialist.click("extension-send")
        await client.sees("extension-question")

    await offer()
    await client.click("extension-refuse")
    await specialist.is_told("extension-refused", "refused the extension")
    await offer()
    await specialist.click("extension-withdraw")
    await client.is_told("extension-withdrawn", "оттегли предложението за удължаване")
    await offer()
    await meeting.pass_time(60.1, *ROLES)
    await specialist.is_told("extension-lapsed", "was not answered")
    await client.is_told("extension-question-lapsed", "изтече")
    await client.sees_no("extension-question")
    await specialist.sees_no("extension-pending")


async def test_both_questions_fit_side_by_side(meeting: Meeting) -> None:
    client, specialist = await begin(meeting)
    await choose(specialist, "propose-early-end")
    await choose(specialist, "propose-extension")
    await specialist.click("extension-send")

    await client.sees("early-end-question")
    await client.sees("extension-question")
    await meeting.look(client, "both-questions")
    await meeting.look(specialist, "both-pending")
    await client.click("extension-accept", "early-end-refuse")
    await specialist.is_told("early-end-refused")


async def test_a_specialist_who_leaves_is_announced_for_ten_seconds(meeting: Meeting) -> None:
    client, specialist = await begin(meeting)

    async def begin_to_leave() -> None:
        await choose(specialist, "leave-button")

    await begin_to_leave()
    await specialist.sees("leave-dialog", "after a short countdown", "propose an early end")
    await meeting.look(specialist, "leave", again=begin_to_leave)
    await specialist.click("leave-back")
    await specialist.sees_no("leave-dialog")
    assert (await meeting.snapshot())["leaving"] is None

    await begin_to_leave()
    await specialist.click("leave-confirm")
    await client.is_told("other-leaving", "Специалистът приключва по-рано", name="call-notice")
    await specialist.is_told("self-leaving", "You are ending", name="call-notice")
    clock = client.page.get_by_test_id("call-notice").locator(".clock")
    await expect(clock).to_contain_text("0:0")
    await meeting.look(client, "specialist-leaving")
    await meeting.look(specialist, "leaving")
    await specialist.click("call-menu-button")
    for name in ("leave-button", "propose-early-end", "propose-extension"):
        await expect(specialist.page.get_by_test_id(name)).to_be_disabled()
    await meeting.pass_time(9.9, *ROLES)
    assert await is_active(meeting)

    await meeting.pass_time(0.2, *ROLES)
    for seat in (client, specialist):
        await seat.screen("finish")
    end = (await meeting.snapshot())["end"]
    assert (end["reason"], end["by"]) == ("specialist_left", "specialist")


async def test_a_client_can_leave_at_any_time(meeting: Meeting) -> None:
    client, specialist = await begin(meeting)
    await choose(client, "leave-button")
    await client.sees("leave-dialog", "ще се отбележи, че сте напуснали")
    await client.click("leave-confirm")

    for seat in (client, specialist):
        await seat.screen("finish")
    assert (await meeting.snapshot())["end"]["reason"] == "client_left"


async def test_a_silent_specialist_is_waited_for_with_a_countdown(meeting: Meeting) -> None:
    client, specialist = await begin(meeting)
    await meeting.pass_time(3.9, "client")
    await client.sees_no("call-notice")

    await meeting.pass_time(0.2, "client")
    await client.is_told("specialist-reconnecting", "се възстановява", name="call-notice")
    clock = client.page.get_by_test_id("call-notice").locator(".clock")
    await expect(clock).to_contain_text("0:1")
    await meeting.look(client, "specialist-reconnecting")
    await meeting.hear("specialist")
    await client.is_told("specialist-back", "възстановена")
    await client.sees_no("call-notice")

    await meeting.pass_time(4.1, "client")
    await client.is_told("specialist-reconnecting", name="call-notice")
    await meeting.pass_time(11.2, "client")
    await client.screen("finish")
    await client.sees("finish-title", "Специалистът приключи по-рано")
    await specialist.screen("finish")
    await specialist.sees("finish-title", "Your connection was lost")


async def test_a_silent_client_is_waited_for_without_one(meeting: Meeting) -> None:
    client, specialist = await begin(meeting)
    await meeting.pass_time(4.1, "specialist")

    await specialist.is_told("client-reconnecting", "Reconnecting the client", name="call-notice")
    await expect(specialist.page.get_by_test_id("call-notice").locator(".clock")).to_be_hidden()
    await client.sees_no("call-notice")
    await meeting.look(specialist, "client-reconnecting")
    for _ in range(3):
        await meeting.pass_time(10, "specialist")
    assert await is_active(meeting)
    await meeting.hear("client")
    await specialist.is_told("client-back", "The client is back")


async def test_an_interruption_of_the_service_is_nobodys_fault(meeting: Meeting) -> None:
    client, specialist = await begin(meeting)
    await meeting.pass_time(4.1)
    await meeting.pass_time(11.2)

    await client.is_told("service-interrupted", "не във Вас", name="call-notice")
    await specialist.is_told("service-interrupted", "not with you", name="call-notice")
    left = await client.page.get_by_test_id("time-left").inner_text()
    await meeting.look(client, "service-interrupted")
    assert await client.page.get_by_test_id("time-left").inner_text() == left
    await meeting.hear(*ROLES)
    for seat in (client, specialist):
        await seat.is_told("service-back")
        await seat.sees_no("call-notice")


async def test_before_the_start_leaving_costs_nothing(meeting: Meeting) -> None:
    client, specialist = meeting.client, meeting.specialist
    await meeting.set_terms(1800)
    await meeting.accept()
    await client.is_told("partner-expected", name="call-notice")
    await choose(specialist, "leave-button")
    await specialist.sees("leave-dialog", "не се дължи плащане")
    await specialist.click("leave-confirm")

    for seat in (client, specialist):
        await seat.screen("finish")
        await seat.sees("finish-title", "Консултацията не започна")
        await seat.sees_no("rating-specialist")
