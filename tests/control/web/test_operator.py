"""What operators can do, and that it is written down."""

import pytest

from control.adapters.audit import AuditEntry, AuditLog
from control.errors import DatabaseUnavailable
from control.web.operator import OperatorView
from tests.control.databases import ON_BOTH_DATABASES
from tests.control.people import Control, Person, stranger


async def test_a_duration_for_later_requests(
    control: Control, maria: Person, ivan: Person, olga: Person
) -> None:
    path = "/operator/specialists/ivan/duration"
    async with await ivan.page():
        asked = await maria.post(
            "/consultations", {"specialist_id": "ivan", "purpose": "x"}, status=201
        )
        set_to = await olga.put(path, {"duration_s": 600})
        assert set_to == {
            "specialist_id": "ivan",
            "duration_s": 1800,
            "duration_override_s": 600,
        }
        # The request that was made keeps its terms.
        assert (await maria.get(f"/consultations/{asked['id']}"))["terms"]["duration_s"] == 1800
        await maria.post(f"/consultations/{asked['id']}/cancel")
        again = await maria.post(
            "/consultations", {"specialist_id": "ivan", "purpose": "x"}, status=201
        )
        assert again["terms"]["duration_s"] == 600
    # What clients are shown is what they would get; the specialist sees both.
    (found,) = await maria.get("/specialists")
    assert found["duration_s"] == 600
    me = await ivan.get("/me")
    assert (me["profile"]["duration_s"], me["duration_override_s"]) == (1800, 600)
    await olga.put(path, {"duration_s": None})
    (found,) = await maria.get("/specialists")
    assert found["duration_s"] == 1800


async def test_commands_are_in_the_audit_log(control: Control, olga: Person) -> None:
    await olga.put("/operator/specialists/ivan/duration", {"duration_s": 600})
    control.now += 60
    await olga.put("/operator/specialists/ivan/duration", {"duration_s": None})
    last, first = await olga.get("/operator/audit")
    assert first == {
        "id": first["id"],
        "at": control.now - 60,
        "operator_id": "olga",
        "operator_name": first["operator_name"],
        "address": "127.0.0.1",
        "action": "override-duration",
        "subject": "ivan",
        "details": {"duration_s": 600},
        "refused": None,
    }
    assert last["details"] == {"duration_s": None}
    assert await olga.get(f"/operator/audit?before={last['id']}") == [first]
    assert await olga.get("/operator/audit?limit=1") == [last]


async def test_so_are_those_that_were_refused(olga: Person) -> None:
    path = "/operator/specialists/nobody/duration"
    assert await olga.problem("PUT", path, {"duration_s": 600}, status=404) == "not-found"
    refused, given = await olga.get("/operator/audit")
    assert (given["subject"], given["refused"]) == ("nobody", None)
    assert (refused["subject"], refused["refused"]) == ("nobody", "not-found")


@pytest.mark.parametrize("duration_s", [9, 28_801, "600", 600.5])
async def test_durations_that_are_none(olga: Person, duration_s: object) -> None:
    body = {"duration_s": duration_s}
    path = "/operator/specialists/ivan/duration"
    assert await olga.problem("PUT", path, body, status=422) == "invalid-input"
    assert await olga.get("/operator/audit") == []


@ON_BOTH_DATABASES
async def test_the_list_page_by_page(
    control: Control, maria: Person, ivan: Person, olga: Person
) -> None:
    petar = await stranger(control, "petar", "client")
    asked = []
    async with await ivan.page():
        for client in (maria, petar, maria):
            # Two at the same moment, too.
            control.now += 60 if client is maria else 0
            made = await client.post(
                "/consultations", {"specialist_id": "ivan", "purpose": "x"}, status=201
            )
            asked.append(made["id"])
            await client.post(f"/consultations/{made['id']}/cancel")
        going_on = await control.session(petar, ivan)
    everything = [each["id"] for each in await olga.get("/operator/consultations")]
    assert set(everything) == {*asked, going_on}
    page_by_page: list[str] = []
    while page := await olga.get(
        "/operator/consultations?limit=1" + (f"&before={page_by_page[-1]}" if page_by_page else "")
    ):
        page_by_page += [each["id"] for each in page]
    assert page_by_page == everything
    of_petar = await olga.get("/operator/consultations?user=petar")
    assert {each["id"] for each in of_petar} == {asked[1], going_on}
    assert len(await olga.get("/operator/consultations?user=ivan")) == 4
    active = await olga.get("/operator/consultations?state=active")
    assert [each["id"] for each in active] == [going_on]
    assert await olga.get("/operator/consultations?before=nothing") == []
    assert await olga.get("/operator/consultations?user=nobody") == []
    path = "/operator/consultations?state=lost"
    assert (await olga.call("GET", path, status=422))["code"] == "invalid-input"


async def test_one_with_its_events(
    control: Control, maria: Person, ivan: Person, olga: Person
) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)
    record = await olga.get(f"/operator/consultations/{session}")
    assert record["consultation"]["state"] == "active"
    assert [event["type"] for event in record["events"]][:3] == ["requested", "accepted", "started"]
    assert await olga.problem("GET", "/operator/consultations/nothing", status=404) == "not-found"


async def test_a_silent_line_is_seen_as_suspect_before_anybody_is_told(
    control: Control, maria: Person, ivan: Person, olga: Person
) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)
    heard_at = control.now
    await control.pass_time(1)
    await control.hear(session, "client")
    await control.pass_time(1.2)
    record = await olga.get(f"/operator/consultations/{session}")
    client, specialist = record["links"]
    assert client == {"participant": "client", "state": "connected", "last_heard_at": heard_at + 1}
    assert specialist["state"] == "suspect"
    assert record["consultation"]["reconnecting"] is None
    text = await (await control.http.get("/metrics")).text()
    assert 'rodrun_participants{link="suspect"} 1.0' in text
    assert 'rodrun_participants{link="connected"} 1.0' in text
    await olga.post(f"/operator/consultations/{session}/end", {"reason": "x"})
    assert (await olga.get(f"/operator/consultations/{session}"))["links"] == []


async def test_an_operator_ends_a_session_and_both_are_told_why(
    control: Control, maria: Person, ivan: Person, olga: Person
) -> None:
    async with await ivan.page() as page:
        session = await control.session(maria, ivan)
        path = f"/operator/consultations/{session}/end"
        ended = await olga.post(path, {"reason": "по тяхна молба"})
        end = {"reason": "operator", "by": "operator", "detail": "по тяхна молба"}
        assert (ended["state"], ended["end"]) == ("ended", end)
        while True:
            seen = (await page.until("consultation"))["consultation"]
            if seen["state"] == "ended":
                break
        assert seen["end"] == end
    (entry,) = await olga.get("/operator/audit")
    assert (entry["action"], entry["subject"]) == ("end-consultation", session)
    assert entry["details"] == {"reason": "по тяхна молба"}
    assert await olga.problem("POST", path, {"reason": "x"}, status=409) == "not-in-this-state"
    refused, given, _ = await olga.get("/operator/audit")
    assert (given["refused"], refused["refused"]) == (None, "not-in-this-state")


async def test_what_an_operator_ends_before_the_start_did_not_start_and_is_not_rated(
    maria: Person, ivan: Person, olga: Person
) -> None:
    async with await ivan.page():
        asked = await maria.post(
            "/consultations", {"specialist_id": "ivan", "purpose": "x"}, status=201
        )
        await ivan.post(f"/consultations/{asked['id']}/accept")
    path = f"/operator/consultations/{asked['id']}/end"
    ended = await olga.post(path, {"reason": "по тяхна молба"})
    end = {"reason": "did_not_start", "by": "operator", "detail": "по тяхна молба"}
    assert (ended["end"], ended["started_at"]) == (end, None)
    assert (await maria.get(f"/consultations/{asked['id']}/receipt"))["receipt"]["end"] == end
    rating = f"/consultations/{asked['id']}/ratings/specialist"
    assert await maria.problem("PUT", rating, {"stars": 5}, status=409) == "not-ratable"


async def test_no_effect_without_an_entry_in_the_log(
    control: Control,
    maria: Person,
    ivan: Person,
    olga: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def full(_: object, entry: AuditEntry) -> None:
        raise DatabaseUnavailable(f"no place for {entry.action}")

    async with await ivan.page():
        session = await control.session(maria, ivan)
    monkeypatch.setattr(AuditLog, "append", full)
    await olga.post(f"/operator/consultations/{session}/end", {"reason": "x"}, status=503)
    assert (await maria.get(f"/consultations/{session}"))["state"] == "active"


async def test_for_operators_only(control: Control, maria: Person, ivan: Person) -> None:
    for route in control.app.router.routes():
        resource = route.resource
        if resource is None or not resource.canonical.startswith("/api/v1/operator/"):
            continue
        path = resource.canonical.removeprefix("/api/v1").replace("{", "").replace("}", "")
        view = route.handler
        assert isinstance(view, type)
        assert issubclass(view, OperatorView)
        for method in sorted(view.allowed_methods):
            for person in (maria, ivan):
                assert await person.problem(method, path, status=403) == "not-permitted"
