"""What hostile or broken programs send to the API; a session in progress notices nothing."""

import json
from typing import Any

import jwt
import pytest
from aiohttp.test_utils import make_mocked_request
from aiohttp.web import Request, Response

from control.adapters.secret import own_secret
from control.web.problems import CONTENT_TYPE, problems
from sfu.api import Join, RefusalCode
from tests.control.people import Control, Person, stranger

ASK = {"specialist_id": "ivan", "purpose": "Резултати"}


@pytest.mark.parametrize(
    ("purpose", "status", "code"),
    [
        ("", 422, "purpose-invalid"),
        (" \n ", 422, "purpose-invalid"),
        ("x" * 501, 422, "purpose-invalid"),
        ("x" * 50_000, 422, "purpose-invalid"),
        ("x" * 100_000, 413, "body-too-large"),
        ("a\0b", 422, "purpose-invalid"),
        (None, 422, "invalid-input"),
        (5, 422, "invalid-input"),
        (["x"], 422, "invalid-input"),
    ],
)
async def test_purposes(maria: Person, ivan: Person, purpose: Any, status: int, code: str) -> None:
    async with await ivan.page():
        body = {**ASK, "purpose": purpose}
        assert await maria.problem("POST", "/consultations", body, status=status) == code
    assert await maria.get("/consultations") == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "malformed-json"),
        (b"{", 400, "malformed-json"),
        (b"[]", 400, "malformed-json"),
        (b"null", 400, "malformed-json"),
        (b'"text"', 400, "malformed-json"),
        (b"\xff\xfe{}", 400, "malformed-json"),
        (b"[" * 30_000, 400, "malformed-json"),
        (b'{"specialist_id": "ivan", "purpose": "\\ud800"}', 422, "invalid-input"),
        (b'{"specialist_id": "\\u0000", "purpose": "x"}', 422, "invalid-input"),
        (b'{"specialist_id": "ivan"}', 422, "invalid-input"),
        (b'{"specialist_id": "ivan", "purpose": "x", "price": "0"}', 422, "invalid-input"),
    ],
)
async def test_bodies(control: Control, maria: Person, body: bytes, status: int, code: str) -> None:
    reply = await control.http.post(
        "/api/v1/consultations",
        data=body,
        headers={"Authorization": f"Bearer {maria.token}", "Content-Type": "application/json"},
    )
    problem = await reply.json(content_type=CONTENT_TYPE)
    assert (reply.status, problem["code"]) == (status, code)


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16"],
)
async def test_only_json_in_utf_8(control: Control, maria: Person, content_type: str) -> None:
    reply = await control.http.post(
        "/api/v1/consultations",
        data=b'{"specialist_id": "ivan", "purpose": "x"}',
        headers={"Authorization": f"Bearer {maria.token}", "Content-Type": content_type},
    )
    assert reply.status == 415
    assert (await reply.json(content_type=CONTENT_TYPE))["code"] == "unsupported-media-type"


async def test_a_problem_says_what_is_wrong_without_an_echo(maria: Person) -> None:
    body = {"specialist_id": "ivan", "purpose": 5, "secret": "hidden"}
    problem = await maria.post("/consultations", body, status=422)
    assert {error["member"] for error in problem["errors"]} == {"purpose", "secret"}
    assert "hidden" not in str(problem)


async def test_unknown_addresses_and_methods(control: Control, maria: Person) -> None:
    assert await maria.problem("GET", "/nothing", status=404) == "not-found"
    assert await maria.problem("POST", "/nothing", {}, status=404) == "not-found"
    assert await maria.problem("DELETE", "/me", status=405) == "method-not-allowed"
    reply = await control.http.delete("/api/v1/me")
    assert reply.headers["Allow"] == "GET"


async def test_a_fault_of_ours_says_nothing_of_our_insides(
    control: Control, maria: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(user_id: str) -> None:
        raise RuntimeError("/var/lib/rodrun is on fire")

    monkeypatch.setattr(control.service.people, "specialist", broken)
    problem = await maria.get("/me", status=500)
    assert problem["code"] == "internal-error"
    assert "fire" not in str(problem)


class TestAccessTokens:
    """Wrong, expired and foreign ones."""

    async def test_none(self, control: Control) -> None:
        for headers in ({}, {"Authorization": "Basic bWFyaWE6"}, {"Authorization": "Bearer "}):
            reply = await control.http.get("/api/v1/me", headers=headers)
            assert reply.status == 401
            assert reply.headers["WWW-Authenticate"] == "Bearer"
            code = (await reply.json(content_type=CONTENT_TYPE))["code"]
            assert code == "not-authenticated"

    async def test_expired(self, control: Control, maria: Person) -> None:
        control.now += 12 * 3600 + 6
        assert await maria.problem("GET", "/me", status=401) == "token-expired"

    @pytest.mark.parametrize(
        "claims",
        [
            {"iss": "someone"},
            {"aud": "someone"},
            {"role": "admin"},
            {"role": None},
            {"role": ["client"]},
            {"sub": ""},
            {"sub": "x" * 201},
            {"sub": 5},
            {"sub": "maria\ud800"},
            {"name": 5},
            {"name": "Мария\ud83d"},
            {"name": "Мария\0"},
            {"exp": None},
            {"exp": "never"},
            {"exp": float("inf")},
            {"nbf": 9e12},
        ],
    )
    async def test_wrong_claims(self, control: Control, claims: dict[str, Any]) -> None:
        good = {
            "iss": "rodrun-demo",
            "aud": "rodrun",
            "sub": "maria",
            "role": "client",
            "exp": control.now + 60,
        }
        secret = own_secret(control.service.settings.data_dir)
        assert (await _me(control, _signed(good, secret)))[0] == 200
        wrong = {name: value for name, value in {**good, **claims}.items() if value is not None}
        assert await _me(control, _signed(wrong, secret)) == (401, "token-invalid")

    async def test_signed_by_someone_else(self, control: Control, maria: Person) -> None:
        claims = jwt.decode(maria.token, options={"verify_signature": False})
        assert await _me(control, _signed(claims, b"x" * 32)) == (401, "token-invalid")
        unsigned = jwt.encode(claims, None, "none")  # type: ignore[arg-type]
        assert await _me(control, unsigned) == (401, "token-invalid")
        header, payload, _ = maria.token.split(".")
        assert await _me(control, f"{header}.{payload}.") == (401, "token-invalid")

    @pytest.mark.parametrize("token", ["x", "...", "a.b.c", "ю", "W1tb" * 1500 + ".e30.e30"])
    async def test_garbage(self, control: Control, token: str) -> None:
        assert await _me(control, token) == (401, "token-invalid")

    async def test_a_join_token_is_no_access_token(
        self, control: Control, maria: Person, ivan: Person
    ) -> None:
        async with await ivan.page():
            session = await control.session(maria, ivan)
        path = f"/consultations/{session}/join-tokens"
        token = (await maria.post(path, status=201))["token"]
        assert await _me(control, token) == (401, "token-invalid")


class TestJoinTokens:
    """Wrong, expired, foreign, used; and what the node refuses."""

    async def test_used_twice(self, control: Control, maria: Person, ivan: Person) -> None:
        body = await self._good(control, maria, ivan)
        await maria.post("/join", body)
        assert await maria.problem("POST", "/join", body, status=409) == "join-token-used"
        assert len([each for each in control.node.asked if isinstance(each, Join)]) == 1

    async def test_expired(self, control: Control, maria: Person, ivan: Person) -> None:
        body = await self._good(control, maria, ivan)
        session = (await maria.get("/consultations"))[0]["id"]
        for _ in range(6):
            control.now += 10
            await control.hear(session, "client", "specialist")
        control.now += 0.1
        code = await maria.problem("POST", "/join", body, status=401)
        assert code == "join-token-expired"

    @pytest.mark.parametrize("token", ["", "x", "a.b.c", "W1tb" * 450 + ".e30.e30", "\ud800"])
    async def test_garbage(self, maria: Person, token: str) -> None:
        body = {"token": token, "offer": "v=0"}
        status, code = (422, "invalid-input") if token == "\ud800" else (401, "join-token-invalid")
        assert await maria.problem("POST", "/join", body, status=status) == code

    async def test_foreign(self, control: Control, maria: Person, ivan: Person) -> None:
        body = await self._good(control, maria, ivan)
        claims = jwt.decode(body["token"], options={"verify_signature": False})
        for forged in (
            _signed(claims, b"x" * 32),
            _signed({**claims, "aud": "rodrun"}, own_secret(control.service.settings.data_dir)),
            maria.token,
        ):
            body["token"] = forged
            code = await maria.problem("POST", "/join", body, status=401)
            assert code == "join-token-invalid"

    async def test_into_someone_elses_room(
        self, control: Control, maria: Person, ivan: Person
    ) -> None:
        async with await ivan.page():
            session = await control.session(maria, ivan)
        elena = await stranger(control, "elena", "client")
        path = f"/consultations/{session}/join-tokens"
        assert await elena.problem("POST", path, status=404) == "not-found"

    async def test_the_door_is_open_from_the_acceptance_to_the_end(
        self, control: Control, maria: Person, ivan: Person
    ) -> None:
        async with await ivan.page():
            asked = await maria.post("/consultations", ASK, status=201)
        path = f"/consultations/{asked['id']}"
        tokens = f"{path}/join-tokens"
        assert await maria.problem("POST", tokens, status=409) == "not-in-this-state"
        await ivan.post(f"{path}/accept")
        token = (await maria.post(tokens, status=201))["token"]
        await maria.post(f"{path}/leave")
        body = {"token": token, "offer": "v=0"}
        assert await maria.problem("POST", "/join", body, status=409) == "not-in-this-state"
        assert await maria.problem("POST", tokens, status=409) == "not-in-this-state"
        assert not control.node.rooms

    @pytest.mark.parametrize(
        ("refusal", "status", "code"),
        [
            (RefusalCode.BAD_OFFER, 422, "bad-offer"),
            (RefusalCode.ROOM_FULL, 409, "room-full"),
            (RefusalCode.NODE_FULL, 503, "node-full"),
            (RefusalCode.UNKNOWN_ROOM, 503, "node-unavailable"),
        ],
    )
    async def test_what_the_node_refuses(
        self,
        control: Control,
        maria: Person,
        ivan: Person,
        refusal: RefusalCode,
        status: int,
        code: str,
    ) -> None:
        body = await self._good(control, maria, ivan)
        control.node.refuse_next[Join] = refusal
        assert await maria.problem("POST", "/join", body, status=status) == code

    async def test_an_offer_of_100_kb(self, maria: Person) -> None:
        body = {"token": "x", "offer": "v=0" * 40_000}
        assert await maria.problem("POST", "/join", body, status=413) == "body-too-large"

    async def _good(self, control: Control, maria: Person, ivan: Person) -> dict[str, str]:
        async with await ivan.page():
            session = await control.session(maria, ivan)
        issued = await maria.post(f"/consultations/{session}/join-tokens", status=201)
        assert issued["expires_at"] == control.now + 60
        return {"token": issued["token"], "offer": "v=0"}


def _signed(claims: dict[str, Any], secret: bytes) -> str:
    # PyJWT's encode() checks some claims; a forger would not.
    return jwt.PyJWS().encode(json.dumps(claims).encode(), secret, "HS256")


async def _me(control: Control, token: str) -> tuple[int, str]:
    reply = await control.http.get(
        "/api/v1/me", headers={"Authorization": f"Bearer {token}".encode().decode("latin-1")}
    )
    content = await reply.json(content_type=None)
    return reply.status, content.get("code", "")


async def test_caller_gone_in_the_middle_of_a_request_is_not_logged_as_our_fault(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def waits_for_the_body(request: Request) -> Response:
        raise ConnectionResetError("Connection lost")  # as aiohttp's reader does

    request = make_mocked_request("POST", "/api/v1/consultations")
    response = await problems(request, waits_for_the_body)
    assert response.status == 400
    assert caplog.records == []
