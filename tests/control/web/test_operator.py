"""What operators can do, and that it is written down."""

import pytest

from control.web.operator import OperatorView
from tests.control.people import Control, Person


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
