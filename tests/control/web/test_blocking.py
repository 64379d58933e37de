"""Whom an operator blocks is out at once, and stays out."""

from aiohttp import ClientWebSocketResponse

from control.adapters.database import Database
from control.web import events
from sfu.api import CloseRoom
from tests.control.people import Control, Person

ASK = {"specialist_id": "ivan", "purpose": "Резултати"}
BLOCK = {"blocked": True, "reason": "Неплатени сметки"}


async def _closed(socket: ClientWebSocketResponse) -> int | None:
    while not socket.closed:
        await socket.receive(timeout=10)
    return socket.close_code


async def _turned_away(control: Control, person: Person) -> bool:
    refused = await person.problem("GET", "/me", status=403) == "account-blocked"
    socket = await control.http.ws_connect("/api/v1/events")
    await socket.send_json({"type": "authenticate", "token": person.token})
    return refused and await _closed(socket) == events.ACCOUNT_BLOCKED


async def test_a_session_with_someone_who_is_blocked_is_over(
    control: Control, maria: Person, ivan: Person, olga: Person
) -> None:
    async with await maria.page() as page, await ivan.page() as first, await ivan.page() as second:
        session = await control.session(maria, ivan)
        for person in (maria, ivan):
            await person.join(session)
        path = f"/consultations/{session}/join-tokens"
        token = (await ivan.post(path, status=201))["token"]
        blocked = await olga.put("/operator/users/ivan/blocked", BLOCK)
        assert blocked == {"user_id": "ivan", "blocked": True}
        assert await _closed(first.socket) == events.ACCOUNT_BLOCKED
        assert await _closed(second.socket) == events.ACCOUNT_BLOCKED
        while (seen := (await page.until("consultation"))["consultation"])["state"] != "ended":
            pass
        assert (seen["end"]["reason"], seen["end"].get("detail")) == ("operator", None)
        await page.until("presence", online=False)
    await control.service.errands.settled()
    assert control.node.asked[-1] == CloseRoom(session)
    assert await _turned_away(control, ivan)
    body = {"token": token, "offer": "v=0"}
    assert await ivan.problem("POST", "/join", body, status=403) == "account-blocked"
    assert await maria.problem("POST", path, status=409) == "not-in-this-state"
    (entry,) = await olga.get("/operator/audit")
    assert (entry["action"], entry["subject"]) == ("block-account", "ivan")
    assert entry["details"] == {"reason": "Неплатени сметки"}


async def test_what_was_asked_is_withdrawn_and_what_was_accepted_ends(
    control: Control, maria: Person, ivan: Person, olga: Person
) -> None:
    async with await ivan.page():
        accepted = await maria.post("/consultations", ASK, status=201)
        await ivan.post(f"/consultations/{accepted['id']}/accept")
        await olga.put("/operator/users/maria/blocked", BLOCK)
        seen = await ivan.get(f"/consultations/{accepted['id']}")
        assert (seen["end"]["reason"], seen["end"]["by"]) == ("did_not_start", "operator")
        await olga.put("/operator/users/maria/blocked", {"blocked": False})
        asked = await maria.post("/consultations", ASK, status=201)
        overdue = (await maria.get(f"/consultations/{asked['id']}"))["accept_by"]
        await olga.put("/operator/users/maria/blocked", BLOCK)
        seen = await ivan.get(f"/consultations/{asked['id']}")
        assert (seen["state"], seen["withdrawn_by"]) == ("cancelled", "operator")
        receipt = (await ivan.get(f"/consultations/{asked['id']}/receipt"))["receipt"]
        last = receipt["events"][-1]
        assert (last["type"], last["by"]) == ("withdrawn", "operator")
        assert overdue > control.now


async def test_a_request_that_was_over_just_now_is_left_at_that(
    control: Control, maria: Person, ivan: Person, olga: Person
) -> None:
    async with await ivan.page():
        asked = await maria.post("/consultations", ASK, status=201)
        # The time is up, and its turn has not come yet.
        control.now += 301
        await olga.put("/operator/users/maria/blocked", BLOCK)
        assert (await ivan.get(f"/consultations/{asked['id']}"))["state"] == "expired"


async def test_others_go_on(control: Control, maria: Person, ivan: Person, olga: Person) -> None:
    async with await ivan.page(), await maria.page() as page:
        session = await control.session(maria, ivan)
        await olga.put("/operator/users/olga/blocked", BLOCK, status=403)
        await olga.put("/operator/users/nobody/blocked", BLOCK, status=404)
        await maria.put("/operator/users/ivan/blocked", BLOCK, status=403)
        assert (await maria.get(f"/consultations/{session}"))["state"] == "active"
        assert not page.socket.closed


async def test_a_restart_does_not_let_them_in(
    control: Control, database: Database, maria: Person, olga: Person
) -> None:
    await olga.put("/operator/users/maria/blocked", BLOCK)
    again = Control(database, control.service.settings, control.now)
    await again.start()
    try:
        assert await _turned_away(again, Person(again, maria.token))
    finally:
        await again.stop()


async def test_until_they_are_unblocked(control: Control, maria: Person, olga: Person) -> None:
    await olga.put("/operator/users/maria/blocked", BLOCK)
    await olga.put("/operator/users/maria/blocked", BLOCK)
    assert await _turned_away(control, maria)
    opened = await olga.put("/operator/users/maria/blocked", {"blocked": False})
    assert opened == {"user_id": "maria", "blocked": False}
    assert (await maria.get("/me"))["id"] == "maria"
    async with await maria.page():
        pass
