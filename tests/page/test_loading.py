"""A page that is loaded anew in a call finishes loading."""

import asyncio

import pytest
from playwright.async_api import Route, expect

from tests.page.meeting import Meeting

pytestmark = pytest.mark.asyncio(loop_scope="package")

# Something of the document that comes late, as on a slow network.
LATE_PICTURE = """document.addEventListener("DOMContentLoaded", () => {
  document.documentElement.append(Object.assign(new Image(), { src: "/late.png" }));
})"""


async def test_a_screen_that_nobody_shares_does_not_hold_the_load_event_back(
    meeting: Meeting,
) -> None:
    client = meeting.client
    await meeting.begin()
    page = client.page
    is_in_the_call = asyncio.Event()

    async def come_late(route: Route) -> None:
        await is_in_the_call.wait()
        await route.fulfill(status=404)

    await page.route("**/late.png", come_late)
    await page.add_init_script(LATE_PICTURE)
    await page.reload(wait_until="commit")
    await client.screen("call")
    await expect(page.locator("html")).to_have_attribute("data-call", "connected")
    assert await page.evaluate("() => document.readyState") != "complete"
    await page.wait_for_timeout(500)  # two ticks of the page's
    is_in_the_call.set()
    await page.wait_for_load_state("load")
