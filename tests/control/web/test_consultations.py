"""The commands over the API, and who may see what."""

import pytest

from tests.control.people import Control, Person, stranger

ASK = {"specialist_id": "ivan", "purpose": "Резултати"}


async def test_a_request_to_an_offline_specialist_is_refused(maria: Person) -> None:
    assert await maria.problem("POST", "/consultations", ASK, status=409) == "specialist-offline"


async def test_a_request_to_nobody(maria: Person, ivan: Person) -> None:
    for nobody in ("nobody", "maria"):
        body = {"specialist_id": nobody, "purpose": "x"}
        assert await maria.problem("POST", "/consultations", body, status=404) == "not-found"
    assert await ivan.problem("POST", "/consultations", ASK, status=403) == "not-permitted"


async def test_a_second_request_while_one_is_open(maria: Person, ivan: Person) -> None:
    async with await ivan.page():
        await maria.post("/consultations", ASK, status=201)
        code = await maria.problem("POST", "/consultations", ASK, status=409)
    assert code == "request-already-open"


async def test_cancelled_and_asked_again_and_declined(maria: Person, ivan: Person) -> None:
    async with await ivan.page():
        first = await maria.post("/consultations", ASK, status=201)
        cancelled = await maria.post(f"/consultations/{first['id']}/cancel")
        assert cancelled["state"] == "cancelled"
        assert cancelled["withdrawn_by"] is None
        second = await maria.post("/consultations", ASK, status=201)
        declined = await ivan.post(f"/consultations/{second['id']}/decline", {"reason": "Зает"})
        assert (declined["state"], declined["decline_reason"]) == ("declined", "Зает")
        third = await maria.post("/consultations", ASK, status=201)
        await ivan.post(f"/consultations/{third['id']}/decline", {})
    listed = await maria.get("/consultations")
    assert {each["id"] for each in listed} == {first["id"], second["id"], third["id"]}
    assert len(await ivan.get("/consultations?limit=2")) == 2


async def test_the_request_expires_after_five_minutes(
    control: Control, maria: Person, ivan: Person
) -> None:
    async with await ivan.page() as page:
        asked = await maria.post("/consultations", ASK, status=201)
        await control.pass_time(299.9)
        assert (await maria.get(f"/consultations/{asked['id']}"))["state"] == "requested"
        await control.pass_time(0.1)
        seen = [await page.until("consultation") for _ in range(2)][-1]
        assert seen["consultation"]["state"] == "expired"
        code = await ivan.problem("POST", f"/consultations/{asked['id']}/accept", status=409)
        assert code == "not-in-this-state"


async def test_terms_that_change_do_not_touch_a_request(maria: Person, ivan: Person) -> None:
    profile = {
        "summary": "Нов",
        "duration_s": 60,
        "price": "99.9",
        "currency": "BGN",
        "takes_video": True,
    }
    async with await ivan.page():
        asked = await maria.post("/consultations", ASK, status=201)
        changed = await ivan.put("/me/profile", profile)
        assert changed == {**profile, "price": "99.90"}
        kept = (await maria.get(f"/consultations/{asked['id']}"))["terms"]
    assert kept == {
        "duration_s": 1800,
        "price": "40.00",
        "currency": "EUR",
        "takes_video": True,
    }
    assert (await ivan.get("/me"))["profile"] == changed


async def test_leaving_ends_it_and_closes_the_room(
    control: Control, maria: Person, ivan: Person
) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)
        await maria.join(session)
    assert session in control.node.rooms
    left = await maria.post(f"/consultations/{session}/leave")
    assert left["end"] == {"reason": "client_left", "by": "client", "detail": None}
    assert left["ended_at"] == control.now
    await control.service.errands.settled()
    assert session not in control.node.rooms


async def test_a_specialist_who_leaves_is_announced(
    control: Control, maria: Person, ivan: Person
) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)
        await maria.join(session)
    left = await ivan.post(f"/consultations/{session}/leave")
    assert left["state"] == "active"
    path = f"/consultations/{session}"
    told = (await maria.get(path))["leaving"]
    assert told == {
        "by": "specialist",
        "at": control.now,
        "ends_at": control.now + 10,
        "reason": "specialist_left",
    }
    code = await ivan.problem("POST", f"{path}/leave", status=409)
    assert code == "already-leaving"
    await control.pass_time(10)
    ended = await maria.get(path)
    assert ended["end"] == {"reason": "specialist_left", "by": "specialist", "detail": None}
    assert ended["ended_at"] == told["ends_at"]
    await control.service.errands.settled()
    assert session not in control.node.rooms


async def test_an_extension_is_offered_and_accepted(
    control: Control, maria: Person, ivan: Person
) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)
    path = f"/consultations/{session}/extension"
    offer = {"duration_s": 600, "price": "12.5"}
    assert await maria.problem("POST", path, offer, status=403) == "not-permitted"
    offered = await ivan.post(path, offer)
    assert offered["extension"] == {
        "duration_s": 600,
        "price": "12.50",
        "proposed_at": control.now,
        "lapses_at": control.now + 60,
    }
    assert await ivan.problem("POST", path, offer, status=409) == "extension-already-proposed"
    assert await ivan.problem("POST", f"{path}/accept", status=403) == "not-permitted"
    refused = await maria.post(f"{path}/refuse")
    assert (refused["extension"], refused["extension_refused_at"]) == (None, control.now)
    await ivan.post(path, offer)
    await ivan.post(f"{path}/withdraw")
    assert await maria.problem("POST", f"{path}/accept", status=409) == "no-extension-proposed"
    await ivan.post(path, offer)
    extended = await maria.post(f"{path}/accept")
    assert extended["ends_at"] == offered["ends_at"] + 600
    agreed = {"duration_s": 600, "price": "12.50", "accepted_at": control.now}
    assert extended["extensions"] == [agreed]
    for wrong in ({"duration_s": 5, "price": "1"}, {"duration_s": 60, "price": "-1"}, {}):
        assert await ivan.problem("POST", path, wrong, status=422) == "invalid-input"


async def test_an_early_end_is_withdrawn(control: Control, maria: Person, ivan: Person) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)
    path = f"/consultations/{session}/early-end"
    await maria.post(path)
    assert await ivan.problem("POST", f"{path}/withdraw", status=403) == "not-permitted"
    assert (await maria.post(f"{path}/withdraw"))["early_end"] is None
    code = await ivan.problem("POST", f"{path}/accept", status=409)
    assert code == "no-early-end-proposed"


async def test_the_session_ends_by_its_time(control: Control, maria: Person, ivan: Person) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)
        await maria.join(session)
    for _ in range(600):
        await control.pass_time(3)
        await control.hear(session, "client", "specialist")
    ended = await maria.get(f"/consultations/{session}")
    assert ended["end"] == {"reason": "completed", "by": "service", "detail": None}
    assert ended["ended_at"] == ended["started_at"] + 1800
    assert session not in control.node.rooms


async def test_a_refused_early_end_is_told(control: Control, maria: Person, ivan: Person) -> None:
    async with await ivan.page() as page:
        session = await control.session(maria, ivan)
        proposed = await ivan.post(f"/consultations/{session}/early-end")
        assert proposed["early_end"] == {
            "by": "specialist",
            "proposed_at": control.now,
            "lapses_at": control.now + 60,
        }
        path = f"/consultations/{session}/early-end"
        assert await ivan.problem("POST", f"{path}/accept", status=409) == "own-early-end"
        assert await maria.problem("POST", path, status=409) == "early-end-already-proposed"
        await maria.post(f"{path}/refuse")
        while True:
            told = (await page.until("consultation"))["consultation"]
            if told["early_end_refused_at"] == control.now:
                break
        assert told["early_end"] is None
        assert told["state"] == "active"


async def test_the_specialists_silence(control: Control, maria: Person, ivan: Person) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)
    silent_since = control.now

    async def second(seconds: float) -> dict[str, object]:
        while control.now < silent_since + seconds:
            await control.pass_time(min(1.0, silent_since + seconds - control.now))
            await control.hear(session, "client")
        seen: dict[str, object] = await maria.get(f"/consultations/{session}")
        return seen

    assert (await second(3.9))["reconnecting"] is None
    assert (await second(4.1))["reconnecting"] == {
        "role": "specialist",
        "since": silent_since,
        "drop_at": silent_since + 15,
    }
    assert (await second(15.0))["state"] == "active"
    ended = await second(15.5)
    assert ended["end"] == {
        "reason": "specialist_connection_lost",
        "by": "specialist",
        "detail": None,
    }
    assert ended["reconnecting"] is None


async def test_back_within_fifteen_seconds(control: Control, maria: Person, ivan: Person) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)
    await control.pass_time(14.9)
    await control.hear(session, "client", "specialist")
    seen = await maria.get(f"/consultations/{session}")
    assert (seen["state"], seen["reconnecting"]) == ("active", None)


async def test_acceptance_withdraws_what_else_was_asked(
    control: Control, maria: Person, ivan: Person
) -> None:
    elena = await stranger(control, "elena", "client")
    async with await ivan.page(), await elena.page() as page:
        other = await elena.post("/consultations", ASK, status=201)
        mine = await maria.post("/consultations", ASK, status=201)
        await ivan.post(f"/consultations/{mine['id']}/accept")
        seen = [await page.until("consultation") for _ in range(2)][-1]["consultation"]
        assert seen["id"] == other["id"]
        assert (seen["state"], seen["withdrawn_by"]) == ("cancelled", "service")
        code = await elena.problem("POST", "/consultations", ASK, status=409)
        assert code == "specialist-busy"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("POST", "/accept"),
        ("POST", "/cancel"),
        ("POST", "/leave"),
        ("POST", "/early-end"),
        ("POST", "/early-end/accept"),
        ("POST", "/early-end/refuse"),
        ("POST", "/early-end/withdraw"),
        ("POST", "/extension/accept"),
        ("POST", "/extension/refuse"),
        ("POST", "/extension/withdraw"),
        ("POST", "/join-tokens"),
    ],
)
async def test_someone_elses_consultation_is_not_there(
    control: Control, maria: Person, ivan: Person, method: str, path: str
) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)
    for role in ("client", "specialist"):
        other = await stranger(control, f"other-{role}", role)
        for consultation in (session, "nothing", "%00"):
            code = await other.problem(method, f"/consultations/{consultation}{path}", status=404)
            assert code == "not-found"
    assert await other.get("/consultations") == []
    assert (await maria.get(f"/consultations/{session}"))["state"] == "active"


async def test_who_may_rate(control: Control, maria: Person, ivan: Person) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)
    path = f"/consultations/{session}/ratings/specialist"
    assert await maria.problem("PUT", path, {"stars": 5}, status=409) == "not-ratable"
    await maria.post(f"/consultations/{session}/leave")
    assert await ivan.problem("PUT", path, {"stars": 5}, status=403) == "not-permitted"
    for body in ({"stars": 0}, {"stars": 6}, {"stars": "5"}, {"stars": True}, {}):
        assert await maria.problem("PUT", path, body, status=422) == "invalid-input"
    nothing = f"/consultations/{session}/ratings/weather"
    assert await maria.problem("PUT", nothing, {"stars": 5}, status=422) == "invalid-input"
    await maria.put(path, {"stars": 1})
    changed = await maria.put(path, {"stars": 5, "comment": "Размислих"})
    assert changed["ratings"]["specialist"] == {
        "stars": 5,
        "comment": "Размислих",
        "changeable_until": control.now + 24 * 3600,
    }


async def test_finding_and_adding_specialists(maria: Person, ivan: Person) -> None:
    (found,) = await maria.get("/specialists?search=георгиев")
    assert (found["id"], found["added"], found["price"]) == ("ivan", True, "40.00")
    assert await maria.get("/specialists?search=Никой") == []
    await maria.call("DELETE", "/me/specialists/ivan", status=204)
    assert await maria.get("/me/specialists") == []
    added = await maria.put("/me/specialists/ivan")
    assert added["presence"] == {"online": False, "camera_ready": False, "busy": False}
    assert await maria.get("/me/specialists") == [added]
    assert await maria.problem("PUT", "/me/specialists/maria", status=404) == "not-found"
    assert await ivan.problem("GET", "/me/specialists", status=403) == "not-permitted"


async def test_the_list_goes_on_behind_its_limit(
    control: Control, maria: Person, ivan: Person
) -> None:
    asked = []
    async with await ivan.page():
        for _ in range(5):
            one = await maria.post("/consultations", ASK, status=201)
            await maria.post(f"/consultations/{one['id']}/cancel")
            asked.append(one["id"])
    headers = {"Authorization": f"Bearer {maria.token}"}
    path, found = "/api/v1/consultations?limit=2", []
    # All at the same moment, so that the order is by their ids.
    while True:
        reply = await control.http.get(path, headers=headers)
        page = [each["id"] for each in await reply.json()]
        assert len(page) <= 2
        found += page
        if "Link" not in reply.headers:
            break
        path, relation = reply.headers["Link"].split("; ")
        assert relation == 'rel="next"'
        path = path.strip("<>")
    assert found == sorted(asked)


@pytest.mark.parametrize("before", ["x", "AAAA", "bmFuIG9uZQ", "MS4wIA", "MS4wIAAA", "%00"])
async def test_a_cursor_that_is_none(maria: Person, before: str) -> None:
    path = f"/consultations?before={before}"
    problem = await maria.call("GET", path, status=422)
    assert problem["code"] == "invalid-input"
