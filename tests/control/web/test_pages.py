"""The page, the description of the API, and the headers that protect them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from control.adapters.database import Database
from control.consultations.commands import MAX_DECLINE_REASON_CHARACTERS
from control.consultations.ratings import MAX_COMMENT_CHARACTERS
from control.consultations.requests import MAX_PURPOSE_CHARACTERS
from control.errors import (
    BadInput,
    Conflict,
    ControlError,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    Unavailable,
)
from control.settings import PAGE, Settings
from tests.control.people import Control, Person

DOCS = PAGE.parent / "web" / "docs"


@pytest.fixture
def page_dir(tmp_path: Path) -> Path:
    """A page of a few files, beside which lies something private."""
    folder = tmp_path / "page"
    (folder / "language").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>Rod Run</title>")
    (folder / "rodrun.js").write_text("export {};")
    (folder / "rodrun.d.ts").write_text("export {};")
    (folder / "language" / "bg.json").write_text("{}")
    (folder / ".hidden.js").write_text("")
    (folder / "notes.txt").write_text("")
    (tmp_path / "secret.js").write_text("secret")
    (folder / "link.js").symlink_to(tmp_path / "secret.js")
    return folder


@pytest.fixture
async def http(database: Database, tmp_path: Path, page_dir: Path) -> Any:
    """Control with that page."""
    control = Control(database, Settings(data_dir=tmp_path, demo=True, page_dir=page_dir))
    await control.start()
    yield control.http
    await control.stop()


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/", "text/html"),
        ("/index.html", "text/html"),
        ("/rodrun.js", "text/javascript"),
        ("/rodrun.d.ts", "text/plain"),
        ("/language/bg.json", "application/json"),
        ("/docs", "text/html"),
        ("/docs/docs.js", "text/javascript"),
        ("/docs/docs.css", "text/css"),
    ],
)
async def test_files_with_their_types(
    http: TestClient[Any, Any], path: str, content_type: str
) -> None:
    reply = await http.get(path)
    assert (reply.status, reply.content_type) == (200, content_type)
    assert reply.headers["Cache-Control"] == "no-cache"
    again = await http.get(path, headers={"If-None-Match": reply.headers["ETag"]})
    assert again.status == 304


@pytest.mark.parametrize(
    "path",
    [
        "/nothing.js",
        "/language",
        "/.hidden.js",
        "/notes.txt",
        "/link.js",
        "/..%2fsecret.js",
        "/%2e%2e/secret.js",
        "/language/..%2f..%2fsecret.js",
        "/%2fetc%2fpasswd",
        "/index.html%00.js",
        "/docs/..%2fpages.py",
        "/docs/nothing.js",
    ],
)
async def test_nothing_else_is_served(http: TestClient[Any, Any], path: str) -> None:
    reply = await http.get(path)
    assert reply.status == 404
    assert reply.content_type == "application/problem+json"


@pytest.mark.parametrize("path", ["/", "/docs", "/api/v1/me", "/openapi.json", "/nothing.js"])
async def test_every_response_is_protected(http: TestClient[Any, Any], path: str) -> None:
    headers = (await http.get(path)).headers
    policy = dict(
        directive.split(" ", 1) for directive in headers["Content-Security-Policy"].split("; ")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert "camera=(self), microphone=(self)" in headers["Permissions-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == ("no-store" if "/api/" in path else "no-cache")


@pytest.mark.parametrize("page", [PAGE / "index.html", DOCS / "index.html"])
def test_our_pages_keep_to_the_policy(page: Path) -> None:
    text = page.read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"\s(on[a-z]+|style)\s*=", text)
    assert not re.search(r"(src|href)\s*=\s*[\"'](https?:)?//", text)


@pytest.fixture
async def api(control: Control) -> dict[str, Any]:
    """The OpenAPI document."""
    document: dict[str, Any] = await (await control.http.get("/openapi.json")).json()
    return document


def test_the_description_knows_every_operation(api: dict[str, Any]) -> None:
    assert api["openapi"].startswith("3.")
    operations = {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, methods in api["paths"].items()
        for method in methods
    }
    assert operations == {
        "GET /demo/accounts",
        "PUT /operator/users/{user_id}/blocked",
        "POST /operator/synthetic-users",
        "POST /demo/sign-in",
        "GET /me",
        "PUT /me/profile",
        "GET /me/ratings",
        "GET /receipt-keys",
        "GET /consultations/{consultation_id}/quality",
        "GET /consultations/{consultation_id}/receipt",
        "GET /operator/audit",
        "GET /operator/consultations",
        "GET /operator/consultations/{consultation_id}",
        "POST /operator/consultations/{consultation_id}/end",
        "GET /operator/webhooks",
        "POST /operator/webhooks/replay",
        "PUT /operator/specialists/{specialist_id}/duration",
        "PUT /me/availability",
        "GET /specialists",
        "GET /specialists/{specialist_id}",
        "GET /me/specialists",
        "PUT /me/specialists/{specialist_id}",
        "DELETE /me/specialists/{specialist_id}",
        "GET /consultations",
        "POST /consultations",
        "GET /consultations/{consultation_id}",
        "GET /consultations/{consultation_id}/events",
        "POST /consultations/{consultation_id}/accept",
        "POST /consultations/{consultation_id}/decline",
        "POST /consultations/{consultation_id}/cancel",
        "POST /consultations/{consultation_id}/leave",
        "POST /consultations/{consultation_id}/early-end",
        "POST /consultations/{consultation_id}/early-end/accept",
        "POST /consultations/{consultation_id}/early-end/refuse",
        "POST /consultations/{consultation_id}/early-end/withdraw",
        "POST /consultations/{consultation_id}/extension",
        "POST /consultations/{consultation_id}/extension/accept",
        "POST /consultations/{consultation_id}/extension/refuse",
        "POST /consultations/{consultation_id}/extension/withdraw",
        "PUT /consultations/{consultation_id}/ratings/{subject}",
        "POST /consultations/{consultation_id}/join-tokens",
        "POST /join",
        "GET /ice-servers",
        "POST /connections/{connection_id}/ice-restart",
        "PUT /connections/{connection_id}/video",
        "POST /probes",
        "GET /probes/{probe_id}",
        "DELETE /probes/{probe_id}",
    }


def test_the_description_is_openapi(api: dict[str, Any]) -> None:
    assert [error.message for error in OPENAPI_31_VALIDATOR.iter_errors(api)] == []
    ids = [each["operationId"] for methods in api["paths"].values() for each in methods.values()]
    assert len(ids) == len(set(ids))


def test_every_refusal_of_the_rules_is_described_somewhere(api: dict[str, Any]) -> None:
    described = set(re.findall(r'[a-z]+(?:-[a-z]+)*(?=")', json.dumps(api["paths"])))

    def codes(error: type[ControlError]) -> set[str]:
        return {error.code}.union(*(codes(each) for each in error.__subclasses__()))

    for error in (BadInput, NotAuthenticated, NotPermitted, NotFound, Conflict, Unavailable):
        # Those that are told apart say so; a bare conflict is none.
        assert codes(error) - described <= {"conflict", "origin-not-allowed"}


def test_every_reference_leads_somewhere(api: dict[str, Any]) -> None:
    references = re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', json.dumps(api))
    assert references
    assert set(references) <= set(api["components"]["schemas"])


def test_the_description_of_one_operation(api: dict[str, Any]) -> None:
    operation = api["paths"]["/api/v1/consultations"]["post"]
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/RequestIn"}
    created = operation["responses"]["201"]["content"]["application/json"]["schema"]
    assert created == {"$ref": "#/components/schemas/Snapshot"}
    refused = operation["responses"]["409"]["content"]["application/problem+json"]["schema"]
    problem, codes = refused["allOf"]
    assert problem == {"$ref": "#/components/schemas/Problem"}
    assert "specialist-offline" in codes["properties"]["code"]["enum"]
    assert "Retry-After" in operation["responses"]["429"]["headers"]
    leads_to = operation["responses"]["201"]["links"]
    assert {"getConsultation", "postAccept", "postJoinTokens"} <= set(leads_to)
    snapshot = api["components"]["schemas"]["Snapshot"]
    assert set(snapshot["required"]) == set(snapshot["properties"])
    assert {"$ref": "#/components/schemas/EndOut"} in snapshot["properties"]["end"]["anyOf"]
    assert api["security"] == [{"bearer": []}]
    assert api["paths"]["/api/v1/join"]["post"]["security"] == []


async def test_a_snapshot_has_the_members_that_are_described(
    control: Control, maria: Person, ivan: Person, api: dict[str, Any]
) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)
    snapshot = await maria.get(f"/consultations/{session}")
    assert set(snapshot) == set(api["components"]["schemas"]["Snapshot"]["properties"])


@pytest.mark.parametrize(
    ("view", "name", "limit"),
    [
        ("rating", "COMMENT_LIMIT", MAX_COMMENT_CHARACTERS),
        ("request", "PURPOSE_LIMIT", MAX_PURPOSE_CHARACTERS),
        ("incoming", "REASON_LIMIT", MAX_DECLINE_REASON_CHARACTERS),
    ],
)
def test_the_page_lets_people_write_as_much_as_the_rules_take(
    view: str, name: str, limit: int
) -> None:
    script = (PAGE / "views" / f"{view}.js").read_text(encoding="utf-8")
    assert f"const {name} = {limit};" in script
