"""A page that the server does not want says so, in plain words, and does not ask for ever."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.page.meeting import Meeting, Seat, seat

pytestmark = pytest.mark.asyncio(loop_scope="package")

# The address of the events under another name: what the server sees is a page of another origin.
# The page's pauses are a tenth of what they are.
ELSEWHERE = """{
  const later = globalThis.setTimeout;
  globalThis.setTimeout = (then, ms, ...rest) => later(then, ms / 10, ...rest);
  const Native = globalThis.WebSocket;
  globalThis.sockets = 0;
  globalThis.WebSocket = class extends Native {
    constructor(address) {
      globalThis.sockets += 1;
      super(String(address).replace("127.0.0.1", "localhost"));
    }
  };
}"""
LONGEST_PAUSE_MS = 500


@pytest_asyncio.fixture(loop_scope="package")
async def stranger(chromium: Browser, meeting: Meeting) -> AsyncIterator[Seat]:
    """The client's page, whose event socket comes from an origin that the server does not know."""
    stranger = await seat(chromium, "client", meeting.client.person, bypass_csp=True)
    await stranger.page.add_init_script(ELSEWHERE)
    yield stranger
    await stranger.page.context.close()


async def test_a_blocked_account_is_told_so(meeting: Meeting) -> None:
    client = meeting.client
    await client.open()
    await client.screen("home")
    olga = await meeting.control.person("olga")
    await olga.put("/operator/users/maria/blocked", {"blocked": True, "reason": "Жалби"})

    await client.screen("signin")
    await client.sees("signin-error", "Профилът Ви е спрян. Обърнете се към платформата.")
    await client.speak("en")
    await client.sees("signin-error", "Your account is blocked. Please contact the platform.")
    await client.speak("bg")
    await meeting.look(client, "account-blocked")
    await client.page.reload()
    await client.screen("signin")
    await client.sees_no("signin-error")

    # Neither the platform's token nor a demo account lets them in.
    await client.page.goto("about:blank")
    await client.open()
    await client.screen("signin")
    await client.sees("signin-error", "Профилът Ви е спрян")
    await client.click("demo-account-maria")
    await client.sees("signin-error", "Профилът Ви е спрян")
    await expect(client.page.locator("html")).to_have_attribute("data-screen", "signin")

    await olga.put("/operator/users/maria/blocked", {"blocked": False})
    await client.click("demo-account-maria")
    await client.screen("home")


async def test_a_sign_in_that_is_over_is_told_so(meeting: Meeting) -> None:
    client = meeting.client
    claims, _ = await meeting.control.service.access_tokens.check(
        client.person.token, meeting.control.now
    )
    issue = meeting.control.service.access_tokens.issue
    client.person.token = issue(claims, meeting.control.now - 1)
    await client.open()
    await client.screen("signin")
    await client.sees("signin-error", "Времето на входа Ви изтече")


async def test_an_origin_that_is_refused_is_told_so_and_given_up(
    meeting: Meeting, stranger: Seat
) -> None:
    page = stranger.page
    await stranger.open()
    await expect(page.locator("html")).to_have_attribute("data-events", "refused")
    await stranger.sees("connection-status", "не допуска тази страница")
    await stranger.speak("en")
    await stranger.sees("connection-status", "does not let this page")
    await meeting.look(stranger, "origin-refused")
    tried = await page.evaluate("() => sockets")
    await page.wait_for_timeout(2 * LONGEST_PAUSE_MS)
    assert await page.evaluate("() => sockets") == tried


async def test_a_server_that_is_away_is_not_taken_for_one_that_refuses(
    meeting: Meeting, stranger: Seat
) -> None:
    page = stranger.page
    await page.context.route("**/api/v1/me", lambda route: route.abort())
    await stranger.open()
    await page.wait_for_function("() => sockets > 7")
    await expect(page.locator("html")).to_have_attribute("data-events", "lost")
