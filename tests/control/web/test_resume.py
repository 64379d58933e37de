"""A page that comes back says what it saw last, and gets the rest."""

from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType

from control.errors import DatabaseUnavailable
from control.web.events import POLICY_VIOLATION, TRY_AGAIN_LATER
from control.web.hub import Hub
from tests.control.databases import ON_BOTH_DATABASES
from tests.control.people import Control, Page, Person, stranger

ASK = {"specialist_id": "ivan", "purpose": "Резултати"}


async def _back(control: Control, person: Person, seen: Any) -> ClientWebSocketResponse:
    """An event connection that says what it saw."""
    socket = await control.http.ws_connect("/api/v1/events")
    await socket.send_json({"type": "authenticate", "token": person.token, "seen": seen})
    return socket


async def _told(control: Control, person: Person, seen: Any) -> list[tuple[str, int | str]]:
    """What it is told of consultations, up to the first message of another kind."""
    socket = await _back(control, person, seen)
    assert (await socket.receive_json())["type"] == "ready"
    told: list[tuple[str, int | str]] = []
    # The last thing that a client is told, for the demo's has a specialist on her list.
    while (message := await socket.receive_json(timeout=5))["type"] != "presence":
        if message["type"] == "event":
            told.append(("event", message["event"]["seq"]))
        elif message["type"] == "consultation":
            told.append(("consultation", message["consultation"]["seq"]))
    await socket.close()
    return told


@ON_BOTH_DATABASES
async def test_it_gets_what_it_missed_and_no_more(
    control: Control, maria: Person, ivan: Person
) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)
    # requested, accepted, started, flow_began
    everything = [("event", seq) for seq in (1, 2, 3, 4)]
    now = ("consultation", 4)
    assert await _told(control, maria, {session: 2}) == [*everything[2:], now]
    assert await _told(control, maria, {session: 4}) == [now]
    assert await _told(control, maria, {session: 0}) == [*everything, now]
    # It was asked while the page was away, so the page knows nothing of it.
    assert await _told(control, maria, {}) == [*everything, now]
    # A page that does not say what it saw wants to know where things stand.
    assert await _told(control, maria, None) == [now]


async def test_it_hears_of_the_end_that_it_missed(
    control: Control, maria: Person, ivan: Person
) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)
    await maria.post(f"/consultations/{session}/leave")
    assert await _told(control, maria, {}) == []
    told = await _told(control, maria, {session: 4})
    assert told[0] == ("event", 5)
    assert told[-1] == ("consultation", told[-2][1])


async def test_of_others_consultations_it_hears_nothing(
    control: Control, maria: Person, ivan: Person
) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)
    elena = await stranger(control, "elena", "client")
    socket = await _back(control, elena, {session: 0, "f" * 32: 0})
    assert (await socket.receive_json())["type"] == "ready"
    await elena.put("/me/specialists/ivan")
    async with await ivan.page():
        assert (await socket.receive_json())["type"] == "presence"
    await socket.close()


async def test_each_event_is_told_before_the_state_that_it_led_to(
    control: Control, maria: Person, ivan: Person
) -> None:
    async with await ivan.page() as page:
        asked = await maria.post("/consultations", ASK, status=201)
        event = (await page.until("event"))["event"]
        assert event == {
            "consultation_id": asked["id"],
            "seq": 1,
            "at": asked["requested_at"],
            "type": "requested",
            "by": "client",
            "data": {"purpose": "Резултати", "terms": asked["terms"]},
        }
        assert (await page.next())["consultation"]["seq"] == 1


async def test_the_specialist_is_not_told_who_gave_which_stars(
    control: Control, maria: Person, ivan: Person
) -> None:
    async with await ivan.page() as his, await maria.page() as hers:
        session = await control.session(maria, ivan)
        await maria.post(f"/consultations/{session}/leave")
        given = {"stars": 2, "comment": "Закъсня"}
        await maria.put(f"/consultations/{session}/ratings/specialist", given)
        assert await _rated(his) == {"subject": "specialist"}
        assert await _rated(hers) == {"subject": "specialist", **given}
    record = (await ivan.get(f"/consultations/{session}/events"))["events"]
    assert record[-1]["data"] == {"subject": "specialist"}


async def _rated(page: Page) -> Any:
    while (event := (await page.until("event"))["event"])["type"] != "rated":
        pass
    return event["data"]


async def test_the_record_can_be_read_in_pieces(
    control: Control, maria: Person, ivan: Person
) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)
    path = f"/consultations/{session}/events"
    whole = await maria.get(path)
    assert [each["seq"] for each in whole["events"]] == [1, 2, 3, 4]
    assert whole["seq"] == 4
    piece = await maria.get(f"{path}?after=1&limit=2")
    assert piece == {"events": whole["events"][1:3], "seq": 4}
    assert await maria.get(f"{path}?after=4") == {"events": [], "seq": 4}
    elena = await stranger(control, "elena", "client")
    assert await elena.problem("GET", path, status=404) == "not-found"


@pytest.mark.parametrize(
    "seen",
    [
        [],
        "x",
        5,
        {"one": "1"},
        {"one": -1},
        {"one": True},
        {"one": 1.5},
        {"one": 2**31},
        {"one\0": 1},
        {"": 1},
        {"x" * 65: 1},
        {str(n): 0 for n in range(41)},
    ],
)
async def test_what_no_page_can_have_seen_closes(
    control: Control, maria: Person, seen: Any
) -> None:
    socket = await _back(control, maria, seen)
    message = await socket.receive(timeout=5)
    assert message.type is WSMsgType.CLOSE
    assert message.data == POLICY_VIOLATION
    hub: Hub = control.service.hub
    assert len(hub) == 0
    await socket.close()


@pytest.mark.parametrize(
    ("part", "method"),
    [("people", "meet"), ("store", "events_after"), ("people", "added_specialists")],
)
async def test_without_the_database_a_page_is_asked_to_come_later(
    control: Control,
    maria: Person,
    ivan: Person,
    monkeypatch: pytest.MonkeyPatch,
    part: str,
    method: str,
) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)

    async def away(*_: object) -> None:
        raise DatabaseUnavailable("as the test wants")

    monkeypatch.setattr(getattr(control.service, part), method, away)
    socket = await _back(control, maria, {session: 1})
    while (message := await socket.receive(timeout=5)).type is WSMsgType.TEXT:
        pass
    assert message.data == TRY_AGAIN_LATER
    await socket.close()
