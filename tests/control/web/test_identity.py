"""The platform's tokens: shared secret, or public keys; and pages of its other sites."""

import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from control.adapters.database import Database
from control.adapters.people import People
from control.settings import Identity, Settings
from control.web import events
from tests.control.people import START_AT, Control

SECRET = b"a secret that the platform shares with us"
CLAIMS = {
    "iss": "https://platform.example",
    "aud": "rodrun",
    "sub": "user-17",
    "name": "Елена",
    "role": "client",
    "exp": START_AT + 60,
}
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
P256 = ec.generate_private_key(ec.SECP256R1())
ED25519 = ed25519.Ed25519PrivateKey.generate()
P384 = ec.generate_private_key(ec.SECP384R1())
KEYS: dict[str, Any] = {"RS256": RSA, "ES256": P256, "EdDSA": ED25519}


def _jwk(kid: str, key: Any) -> dict[str, Any]:
    public = key.public_key()
    algorithm: Any = {"RS256": RSAAlgorithm, "EdDSA": OKPAlgorithm}.get(kid, ECAlgorithm)
    return {**algorithm.to_jwk(public, as_dict=True), "kid": kid}


@pytest.fixture
def jwks_file(tmp_path: Path) -> Path:
    """The platform's public keys."""
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [_jwk(kid, key) for kid, key in KEYS.items()]}))
    return path


@pytest.fixture
async def by_secret(database: Database, tmp_path: Path) -> AsyncIterator[Control]:
    """Control that shares a secret with the platform."""
    identity = Identity("https://platform.example", "rodrun", secret=SECRET)
    settings = Settings(
        data_dir=tmp_path, identity=identity, allowed_origins=("https://app.example",)
    )
    control = Control(database, settings)
    await control.start()
    yield control
    await control.stop()


@pytest.fixture
async def by_keys(database: Database, tmp_path: Path, jwks_file: Path) -> AsyncIterator[Control]:
    """Control that knows the platform's public keys."""
    identity = Identity("https://platform.example", "rodrun", jwks_file=jwks_file)
    control = Control(database, Settings(data_dir=tmp_path, identity=identity))
    await control.start()
    yield control
    await control.stop()


async def _me(control: Control, token: str) -> tuple[int, dict[str, Any]]:
    reply = await control.http.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    return reply.status, await reply.json(content_type=None)


async def test_a_user_of_the_platform_is_known_from_their_first_call(
    by_secret: Control, database: Database
) -> None:
    status, me = await _me(by_secret, jwt.encode(CLAIMS, SECRET, "HS256"))
    assert (status, me) == (
        200,
        {
            "id": "user-17",
            "name": "Елена",
            "role": "client",
            "profile": None,
            "available": True,
            "duration_override_s": None,
        },
    )
    renamed = {**CLAIMS, "name": "Елена Попова"}
    await _me(by_secret, jwt.encode(renamed, SECRET, "HS256"))
    user = await People(database).user("user-17")
    assert user is not None
    assert user.name == "Елена Попова"


async def test_without_the_demo_there_is_no_demo_sign_in(by_secret: Control) -> None:
    reply = await by_secret.http.post("/api/v1/demo/sign-in", json={"account": "maria"})
    assert reply.status == 404
    assert (await by_secret.http.get("/api/v1/demo/accounts")).status == 404


@pytest.mark.parametrize("algorithm", KEYS)
async def test_each_kind_of_key(by_keys: Control, algorithm: str) -> None:
    token = jwt.encode(CLAIMS, KEYS[algorithm], algorithm, headers={"kid": algorithm})
    assert (await _me(by_keys, token))[0] == 200


async def test_the_key_says_how_a_token_is_checked_not_the_token(by_keys: Control) -> None:
    # The old trick: sign by HMAC with the public key as the secret.
    public = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signing = jwt.PyJWS()
    signing.get_algorithm_by_name("HS256").prepare_key = lambda key: key  # type: ignore[method-assign]
    forged = signing.encode(json.dumps(CLAIMS).encode(), public, "HS256", {"kid": "RS256"})
    unsigned = jwt.encode(CLAIMS, None, "none", headers={"kid": "RS256"})  # type: ignore[arg-type]
    other_kid = jwt.encode(CLAIMS, RSA, "RS256", headers={"kid": "EdDSA"})
    unknown_kid = jwt.encode(CLAIMS, RSA, "RS256", headers={"kid": "unknown"})
    no_kid = jwt.encode(CLAIMS, RSA, "RS256")
    rs512 = jwt.encode(CLAIMS, RSA, "RS512", headers={"kid": "RS256"})
    for token in (forged, unsigned, other_kid, unknown_kid, no_kid, rs512):
        status, problem = await _me(by_keys, token)
        assert (status, problem["code"]) == (401, "token-invalid")


async def test_before_the_platforms_keys_are_known_nobody_is_turned_away_for_good(
    database: Database, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    identity = Identity("https://platform.example", "rodrun", jwks_url=url)
    control = Control(database, Settings(data_dir=tmp_path, identity=identity))
    await control.start()
    token = jwt.encode(CLAIMS, RSA, "RS256", headers={"kid": "RS256"})
    status, problem = await _me(control, token)
    assert (status, problem["code"]) == (503, "unavailable")
    page = await control.http.ws_connect("/api/v1/events")
    await page.send_json({"type": "authenticate", "token": token})
    await page.receive(timeout=5)
    assert page.close_code == events.TRY_AGAIN_LATER
    await control.stop()


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ([], "no keys"),
        ([{"kid": "a", "kty": "oct", "k": "c2VjcmV0"}], "oct"),
        ([_jwk("ES384", P384)], "P-384"),
        ([{**_jwk("ES256", P256), "kid": None}], "kid"),
    ],
)
async def test_keys_that_are_no_use_are_refused_at_the_start(
    database: Database, tmp_path: Path, keys: list[dict[str, Any]], complaint: str
) -> None:
    path = tmp_path / "jwks.json"
    keys = [{name: value for name, value in key.items() if value is not None} for key in keys]
    path.write_text(json.dumps({"keys": keys}))
    identity = Identity("https://platform.example", "rodrun", jwks_file=path)
    with pytest.raises(ValueError, match=complaint):
        Control(database, Settings(data_dir=tmp_path, identity=identity))


def test_settings_that_leave_the_door_open_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="who may sign in"):
        Settings(data_dir=tmp_path)
    with pytest.raises(ValueError, match="who may sign in"):
        Settings(data_dir=tmp_path, demo=True, identity=Identity("i", "a", secret=SECRET))
    with pytest.raises(ValueError, match="32 bytes"):
        Identity("i", "a", secret=b"short")
    with pytest.raises(ValueError, match="either"):
        Identity("i", "a")


async def test_pages_of_listed_sites_may_call_the_api(by_secret: Control) -> None:
    preflight = await by_secret.http.options(
        "/api/v1/me",
        headers={"Origin": "https://app.example", "Access-Control-Request-Method": "GET"},
    )
    assert preflight.status == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"]
    refused = await by_secret.http.get("/api/v1/me", headers={"Origin": "https://app.example"})
    assert refused.status == 401
    assert refused.headers["Access-Control-Allow-Origin"] == "https://app.example"
    socket = await by_secret.http.ws_connect(
        "/api/v1/events", headers={"Origin": "https://app.example"}
    )
    await socket.close()


async def test_pages_of_other_sites_may_not(by_secret: Control) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    for reply in (
        await by_secret.http.options("/api/v1/me", headers=headers),
        await by_secret.http.get("/api/v1/me", headers=headers),
    ):
        assert "Access-Control-Allow-Origin" not in reply.headers
