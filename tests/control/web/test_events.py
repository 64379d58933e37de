"""The event connection: sign-in, presence, limits."""

import asyncio

import pytest
from aiohttp import ClientWebSocketResponse, WSServerHandshakeError

from control.accounts import AccountRole
from control.adapters.people import User
from control.web import events
from control.web.hub import MAX_WAITING, EventConnection, Hub, Place
from tests.control.people import Control, Person, stranger

SOMEONE = User("someone", "Someone", AccountRole.CLIENT)


async def _closed(socket: ClientWebSocketResponse) -> int | None:
    while not socket.closed:
        await socket.receive(timeout=10)
    return socket.close_code


@pytest.mark.parametrize(
    "first",
    [
        '{"type": "authenticate"}',
        '{"type": "authenticate", "token": 5}',
        '{"type": "authenticate", "token": "x"}',
        '{"type": "authenticate", "token": "' + "W1tb" * 900 + '.e30.e30"}',
        '{"type": "authenticate", "token": "\\ud800"}',
        '{"type": "camera_ready", "ready": true}',
        "{",
        "[]",
        "[" * 4000,
        "",
    ],
)
async def test_the_first_message_signs_in(control: Control, first: str) -> None:
    socket = await control.http.ws_connect("/api/v1/events")
    await socket.send_str(first)
    assert await _closed(socket) == events.NOT_AUTHENTICATED
    assert len(control.service.hub) == 0


async def test_bytes_are_no_message(control: Control) -> None:
    socket = await control.http.ws_connect("/api/v1/events")
    await socket.send_bytes(b"{}")
    assert await _closed(socket) == events.NOT_AUTHENTICATED


async def test_whoever_says_nothing_is_closed(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "AUTHENTICATE_WITHIN_S", 0.05)
    socket = await control.http.ws_connect("/api/v1/events")
    assert await _closed(socket) == events.NOT_AUTHENTICATED


async def test_a_large_message_closes(control: Control, maria: Person) -> None:
    async with await maria.page() as page:
        await page.socket.send_str("x" * 5000)
        assert await _closed(page.socket) == 1009


@pytest.mark.parametrize("message", ["{", "[]", '"x"', "[" * 3000])
async def test_what_is_not_understood_closes(control: Control, maria: Person, message: str) -> None:
    async with await maria.page() as page:
        await page.socket.send_str(message)
        assert await _closed(page.socket) == events.POLICY_VIOLATION


async def test_messages_of_a_later_version_are_ignored(control: Control, maria: Person) -> None:
    async with await maria.page() as page:
        await page.socket.send_json({"type": "something_new"})
        await page.socket.send_json({"type": "camera_ready", "ready": "yes"})
        assert (await page.next())["type"] == "presence"


async def test_too_many_messages_close(control: Control, ivan: Person) -> None:
    async with await ivan.page() as page:
        for n in range(events.MAX_MESSAGES + 1):
            await page.socket.send_json({"type": "camera_ready", "ready": n % 2 == 0})
        assert await _closed(page.socket) == events.POLICY_VIOLATION


async def test_too_many_pages_of_one_user(control: Control, maria: Person) -> None:
    pages = [await maria.page() for _ in range(16)]
    socket = await control.http.ws_connect("/api/v1/events")
    await socket.send_json({"type": "authenticate", "token": maria.token})
    assert await _closed(socket) == events.TOO_MANY
    for page in pages:
        await page.socket.close()


async def test_when_the_token_ends_the_connection_ends(control: Control) -> None:
    user = (await stranger(control, "elena", "client")).token
    claims_user, _ = await control.service.access_tokens.check(user, control.now)
    token = control.service.access_tokens.issue(claims_user, control.now + 0.05)
    async with await Person(control, token).page() as page:
        assert await _closed(page.socket) == events.TOKEN_EXPIRED


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://[", ""]
)
async def test_pages_of_other_sites_are_refused(control: Control, origin: str) -> None:
    with pytest.raises(WSServerHandshakeError) as refused:
        await control.http.ws_connect("/api/v1/events", headers={"Origin": origin})
    assert refused.value.status == 403


async def test_our_own_page_is_not(control: Control, maria: Person) -> None:
    own = str(control.http.make_url("/")).rstrip("/")
    socket = await control.http.ws_connect("/api/v1/events", headers={"Origin": own})
    await socket.send_json({"type": "authenticate", "token": maria.token})
    assert (await socket.receive_json())["type"] == "ready"
    await socket.close()


async def test_presence_of_a_specialist(control: Control, maria: Person, ivan: Person) -> None:
    async with await maria.page() as page:
        first = await page.until("presence")
        assert (first["specialist_id"], first["online"]) == ("ivan", False)
        his = await ivan.page()
        assert (await page.until("presence"))["online"] is True
        await his.socket.send_json({"type": "camera_ready", "ready": True})
        assert (await page.until("presence"))["camera_ready"] is True
        (listed,) = await maria.get("/me/specialists")
        assert listed["presence"] == {"online": True, "camera_ready": True, "busy": False}
        second = await ivan.page()
        assert await page.until("presence") == {
            "type": "presence",
            "specialist_id": "ivan",
            "online": True,
            "camera_ready": True,
            "busy": False,
        }
        await his.socket.close()
        gone = await page.until("presence")
        assert (gone["online"], gone["camera_ready"]) == (True, False)
        await second.socket.close()
        assert (await page.until("presence"))["online"] is False


async def test_whoever_takes_no_video_is_not_camera_ready(
    control: Control, maria: Person, ivan: Person
) -> None:
    profile = (await ivan.get("/me"))["profile"]
    await ivan.put("/me/profile", {**profile, "takes_video": False})
    async with await ivan.page() as his, await maria.page() as page:
        await page.until("presence")
        await his.socket.send_json({"type": "camera_ready", "ready": True})
        seen = await page.until("presence")
    assert (seen["online"], seen["camera_ready"]) == (True, False)


async def test_presence_is_told_to_those_who_added_the_specialist_only(
    control: Control, ivan: Person
) -> None:
    elena = await stranger(control, "elena", "client")
    async with await elena.page() as page, await ivan.page():
        await elena.put("/me/specialists/ivan")
        async with await ivan.page():
            assert (await page.next())["type"] == "presence"


async def test_a_page_that_comes_back_hears_where_things_stand(
    control: Control, maria: Person, ivan: Person
) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)
    for person in (maria, ivan):
        async with await person.page() as page:
            seen = (await page.until("consultation"))["consultation"]
            assert (seen["id"], seen["state"]) == (session, "active")


async def test_a_page_that_does_not_read_is_closed_and_others_go_on() -> None:
    closed: list[bool] = []
    connection = EventConnection(SOMEONE, lambda: closed.append(True), lambda: None)
    connection.caught_up({})
    for n in range(MAX_WAITING):
        connection.send(str(n))
    assert not closed
    connection.send("one too many")
    assert closed
    assert await connection.next_message() == "0"


async def test_while_a_page_catches_up_what_happens_is_held_back() -> None:
    closed: list[bool] = []
    connection = EventConnection(SOMEONE, lambda: closed.append(True), lambda: None)
    connection.send("told already", Place("one", 2))
    connection.send("not told yet", Place("one", 3))
    connection.send("of another", Place("two", 1))
    connection.send("of none")
    connection.caught_up({"one": 2})
    assert [await connection.next_message() for _ in range(3)] == [
        "not told yet",
        "of another",
        "of none",
    ]
    assert not closed


async def test_while_it_catches_up_a_page_does_not_lag_without_end_either() -> None:
    closed: list[bool] = []
    connection = EventConnection(SOMEONE, lambda: closed.append(True), lambda: None)
    for n in range(MAX_WAITING):
        connection.send(str(n))
    assert not closed
    connection.send("one too many")
    assert closed


async def test_quality_is_dropped_rather_than_queued() -> None:
    connection = EventConnection(SOMEONE, lambda: None, lambda: None)
    connection.caught_up({})
    for n in range(10):
        connection.send_unless_late(str(n))
    connection.send("news")
    read = [await connection.next_message() for _ in range(5)]
    assert read == ["0", "1", "2", "3", "news"]


async def test_a_slow_reader_over_a_real_socket(control: Control, maria: Person) -> None:
    """Its kernel buffers fill up, then its line; then it is gone from the hub."""
    await maria.page()
    hub: Hub = control.service.hub
    filler = {"type": "filler", "text": "x" * 200_000}
    async with asyncio.timeout(20):
        while len(hub):
            hub.tell(["maria"], filler)
            await asyncio.sleep(0)


async def test_on_shutdown_pages_are_told(control: Control, maria: Person) -> None:
    page = await maria.page()
    closing = asyncio.create_task(control.http.server.close())
    assert await _closed(page.socket) == events.GOING_AWAY
    await closing
