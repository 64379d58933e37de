"""A page that was cut off hears the rest, once; a command whose answer was lost is one command."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import Route, WebSocketRoute, expect

from tests.page.meeting import Meeting

pytestmark = pytest.mark.asyncio(loop_scope="package")

EVENTS = "**/api/v1/events"


class Wire:
    """What passes on the event socket of a page; it can be cut and kept cut."""

    def __init__(self) -> None:
        self.said: list[dict[str, Any]] = []
        self.heard: list[dict[str, Any]] = []
        self.is_cut = False
        self._socket: WebSocketRoute | None = None

    def carry(self, socket: WebSocketRoute) -> None:
        """Take a connection of the page to the server, or none while it is cut."""
        if self.is_cut:
            asyncio.ensure_future(socket.close())  # noqa: RUF006
            return
        self._socket = socket
        server = socket.connect_to_server()

        def note(heap: list[dict[str, Any]], to: Callable[[str | bytes], None]) -> Any:
            def passing(message: str | bytes) -> None:
                heap.append(json.loads(message))
                to(message)

            return passing

        socket.on_message(note(self.said, server.send))
        server.on_message(note(self.heard, socket.send))

    async def cut(self) -> None:
        """Nothing passes any more."""
        self.is_cut = True
        assert self._socket is not None
        await self._socket.close()

    def events(self) -> list[int]:
        """The numbers of the events that came."""
        return [it["event"]["seq"] for it in self.heard if it["type"] == "event"]


async def test_a_page_that_was_cut_off_hears_the_rest_once(meeting: Meeting) -> None:
    client, specialist = meeting.client, meeting.specialist
    wire = Wire()
    await client.page.route_web_socket(EVENTS, wire.carry)
    await meeting.begin()
    assert "seen" not in wire.said[0], "nothing was heard before"
    await client.click("call-menu-button", "propose-early-end")
    await client.sees("early-end-pending")
    before = (await meeting.snapshot())["seq"]

    await wire.cut()
    await client.sees("connection-status", "Няма връзка със сървъра")
    await specialist.person.post(f"{meeting.path}/early-end/refuse")
    offer = {"duration_s": 600, "price": "12.50"}
    await specialist.person.post(f"{meeting.path}/extension", offer)
    await specialist.person.post(f"{meeting.path}/extension/withdraw")
    wire.is_cut = False

    await client.is_told("early-end-refused")
    await client.is_told("extension-withdrawn")
    await client.sees_no("connection-status")
    signed_in = [each for each in wire.said if each["type"] == "authenticate"]
    assert signed_in[-1]["seen"] == {meeting.id: before}
    assert wire.events() == list(range(1, before + 4)), "each event once, in order"
    await expect(client.page.locator("[data-notice=early-end-refused]")).to_have_count(1)


async def test_a_reload_does_not_tell_again(meeting: Meeting) -> None:
    client, specialist = meeting.client, meeting.specialist
    await meeting.begin()
    await client.click("call-menu-button", "propose-early-end")
    await specialist.click("early-end-refuse")
    await client.is_told("early-end-refused")

    wire = Wire()
    await client.page.route_web_socket(EVENTS, wire.carry)
    await client.page.reload()
    await client.screen("call")
    await expect(client.page.locator("html")).to_have_attribute("data-events", "open")
    await client.sees_no("early-end-pending")
    assert wire.said[0]["seen"] == {meeting.id: (await meeting.snapshot())["seq"]}
    assert wire.events() == []
    await expect(client.page.get_by_test_id("notice")).to_have_count(0)


async def test_a_command_whose_answer_was_lost_is_done_once(meeting: Meeting) -> None:
    client, specialist = meeting.client, meeting.specialist
    await meeting.begin()
    keys: list[str] = []
    replayed: list[str | None] = []
    answered = asyncio.Event()

    async def lose_the_first(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        answer = await route.fetch()
        replayed.append(answer.headers.get("idempotency-replayed"))
        if len(keys) == 1:
            await route.abort()
            return
        await route.fulfill(response=answer)
        answered.set()

    await client.page.route("**/early-end", lose_the_first)
    await client.click("call-menu-button", "propose-early-end")
    await specialist.sees("early-end-question")
    await client.sees("early-end-pending")
    await expect(client.page.get_by_test_id("notice")).to_have_count(0)
    async with asyncio.timeout(20):
        await answered.wait()
    assert keys[0] == keys[1]
    assert replayed == [None, "true"]
    await specialist.click("early-end-refuse")
    await client.is_told("early-end-refused")

    # Proposed once more, it is another command.
    await client.click("call-menu-button", "propose-early-end")
    await specialist.sees("early-end-question")
    assert len(set(keys)) == 2
