"""Every path with an id, as the description lists them: whose it is not learns nothing, not even
that it is there."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from control.adapters.database import Database
from control.settings import Rate, Settings
from control.web.openapi import describe
from tests.control.people import Control, Person, stranger

# What everyone who is signed in may look up.
OPEN_TO_ALL = {
    "GET /api/v1/specialists/{specialist_id}",
    "PUT /api/v1/me/specialists/{specialist_id}",
    "DELETE /api/v1/me/specialists/{specialist_id}",
}
OPEN_TO_OPERATORS = {
    "GET /api/v1/consultations/{consultation_id}/receipt",
    "GET /api/v1/consultations/{consultation_id}/quality",
}
BODIES: dict[str, Any] = {
    "postDecline": {},
    "postExtension": {"duration_s": 600, "price": "10.00"},
    "putRating": {"stars": 1},
    "postIceRestart": {"offer": "v=0"},
    "putVideo": {"camera": False, "screen": False},
    "postProbes": {"sender_offer": "v=0", "receiver_offer": "v=0"},
    "putDuration": {"duration_s": 600},
    "putBlocked": {"blocked": True},
    "postOperatorEnd": {"reason": "x"},
}


@pytest.fixture
async def control(database: Database, tmp_path: Path) -> AsyncIterator[Control]:
    """Control in which somebody may try every path."""
    made = Control(database, Settings(data_dir=tmp_path, demo=True, user_rate=Rate(10, 1000)))
    await made.start()
    yield made
    await made.stop()


async def test_someone_elses_is_answered_like_what_is_not_there(
    control: Control, maria: Person, ivan: Person, olga: Person
) -> None:
    probe = (await maria.post("/probes", BODIES["postProbes"], status=201))["id"]
    async with await ivan.page():
        ended = await control.session(maria, ivan)
        await maria.post(f"/consultations/{ended}/leave")
        await control.service.errands.settled()
        session = await control.session(maria, ivan)
        connection = await maria.join(session)
    before = [await maria.get(f"/consultations/{each}") for each in (session, ended)]
    asked = list(control.node.asked)
    people = {
        "client": await stranger(control, "elena", "client"),
        "specialist": await stranger(control, "petar", "specialist"),
        "operator": olga,
    }
    tried = set()
    for path, operations in describe(control.app)["paths"].items():
        for method, operation in operations.items():
            name = f"{method.upper()} {path}"
            ids = [each["name"] for each in operation.get("parameters", []) if each["in"] == "path"]
            if not ids or name in OPEN_TO_ALL:
                continue
            tried.add(name)
            for role, person in people.items():
                if role == "operator" and (name in OPEN_TO_OPERATORS or "/operator/" in path):
                    continue
                for ours in (session, ended):
                    there = {
                        "consultation_id": ours,
                        "connection_id": connection,
                        "probe_id": probe,
                    }
                    seen = await _answer(person, method, path, operation, there)
                    absent = await _answer(person, method, path, operation, {})
                    assert seen == absent, f"{name} as {role}"
                    for_them = not path.startswith("/api/v1/operator/")
                    assert seen[0] == (404 if for_them else 403), f"{name} as {role}"
    assert "POST /api/v1/connections/{connection_id}/ice-restart" in tried
    assert "PUT /api/v1/connections/{connection_id}/video" in tried
    assert "POST /api/v1/consultations/{consultation_id}/accept" in tried
    assert len(tried) >= 15
    assert control.node.asked == asked
    assert [await maria.get(f"/consultations/{each}") for each in (session, ended)] == before
    for role in ("client", "specialist"):
        assert await people[role].get("/consultations") == []
    # Nor does an operator's command reach anything from them.
    assert await olga.get("/operator/audit") == []


async def _answer(
    person: Person, method: str, path: str, operation: dict[str, Any], there: dict[str, str]
) -> tuple[int, dict[str, Any]]:
    """Status and body, without the address that was asked for."""
    for parameter in operation["parameters"]:
        name = parameter["name"]
        # Users' ids stand for themselves: those of maria and ivan exist.
        value = {"subject": "technical", "specialist_id": "ivan", "user_id": "maria"}.get(name)
        if not there and name.endswith("_id"):
            value = "absent"
        path = path.replace(f"{{{name}}}", there.get(name) or value or "absent")
    reply = await person.control.http.request(
        method,
        path,
        json=BODIES.get(operation["operationId"]),
        headers={"Authorization": f"Bearer {person.token}"},
    )
    body = await reply.json(content_type=None)
    return reply.status, {name: value for name, value in body.items() if name != "instance"}
