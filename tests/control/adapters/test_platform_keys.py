"""The platform's keys change while we run, and its server is not always there."""

import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from control.adapters import platform_keys
from control.adapters.errands import Errands
from control.adapters.platform_keys import PlatformKeys
from control.errors import Unavailable
from control.settings import Identity

NOW = 1_800_000_000.0

Document = dict[str, Any]


def _jwk(kid: str = "1", **members: Any) -> Document:
    public = ed25519.Ed25519PrivateKey.generate().public_key()
    return {**OKPAlgorithm.to_jwk(public, as_dict=True), "kid": kid, **members}


class Platform:
    """Serves ``answer``; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer: Callable[[], web.StreamResponse] = web.Response
        app = web.Application()
        app.router.add_get("/jwks.json", self._serve)
        self.server = TestServer(app)

    def publish(self, *keys: Document) -> None:
        """From now on it has these keys."""
        self.answer = lambda: web.json_response({"keys": keys})

    @property
    def url(self) -> str:
        """Where they are."""
        return str(self.server.make_url("/jwks.json"))

    async def _serve(self, _: web.Request) -> web.StreamResponse:
        self.asked += 1
        return self.answer()


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    """A platform's server."""
    made = Platform()
    await made.server.start_server()
    yield made
    await made.server.close()


@pytest.fixture
def errands() -> Errands:
    """What is carried through."""
    return Errands()


@pytest.fixture
def keys(platform: Platform, errands: Errands) -> PlatformKeys:
    """Its keys, not read yet."""
    return PlatformKeys(platform.url, errands)


async def test_a_new_key_is_fetched_when_a_token_names_it(
    platform: Platform, keys: PlatformKeys
) -> None:
    first, second = _jwk("1"), _jwk("2")
    platform.publish(first)
    assert (await keys.key("1", NOW)).key_id == "1"
    platform.publish(first, second)
    assert (await keys.key("2", NOW + 60)).key_id == "2"
    assert (await keys.key("1", NOW + 60)).algorithm_name == "EdDSA"
    assert platform.asked == 2


async def test_tokens_with_unknown_keys_do_not_reach_the_platform_more_than_once_a_minute(
    platform: Platform, keys: PlatformKeys
) -> None:
    platform.publish(_jwk("1"))
    for n in range(100):
        with pytest.raises(KeyError):
            await keys.key(f"invented {n}", NOW + 0.59 * n)
    assert platform.asked == 1
    with pytest.raises(KeyError):
        await keys.key("invented", NOW + 60)
    assert platform.asked == 2


async def test_a_key_that_was_taken_away_is_refused_after_an_hour(
    platform: Platform, keys: PlatformKeys, errands: Errands
) -> None:
    platform.publish(_jwk("1"), _jwk("2"))
    await keys.key("1", NOW)
    platform.publish(_jwk("2"))
    await keys.key("1", NOW + 3600)
    assert platform.asked == 1
    await keys.key("1", NOW + 3601)
    await errands.settled()
    with pytest.raises(KeyError):
        await keys.key("1", NOW + 3601)
    assert platform.asked == 2


@pytest.mark.parametrize(
    "answer",
    [
        lambda: web.Response(status=500),
        lambda: web.Response(status=302, headers={"Location": "/jwks.json"}),
        lambda: web.Response(text="<html>"),
        lambda: web.Response(text="[" * 100_000),
        lambda: web.Response(text="[]"),
        lambda: web.json_response({"keys": {"kid": "1"}}),
        lambda: web.json_response({"keys": []}),
        lambda: web.json_response({"keys": [5, {}, {"kid": 5}, {"kid": "1"}]}),
        lambda: web.json_response({"keys": [_jwk("2")], "more": "x" * 300_000}),
    ],
)
async def test_what_is_known_stays_when_the_platform_fails(
    platform: Platform, keys: PlatformKeys, answer: Callable[[], web.StreamResponse]
) -> None:
    platform.publish(_jwk("1"))
    await keys.key("1", NOW)
    platform.answer = answer
    with pytest.raises(KeyError):
        await keys.key("2", NOW + 60)
    assert platform.asked == 2
    assert (await keys.key("1", NOW + 60)).key_id == "1"


async def test_a_platform_that_is_not_there_yet(platform: Platform, errands: Errands) -> None:
    url = platform.url
    await platform.server.close()
    keys = PlatformKeys(url, errands)
    with pytest.raises(Unavailable):
        await keys.key("1", NOW)
    with pytest.raises(Unavailable):
        await keys.key("1", NOW + 1)


async def test_a_clock_that_is_set_back_does_not_stop_us_from_looking(
    platform: Platform, keys: PlatformKeys
) -> None:
    platform.publish(_jwk("1"))
    await keys.key("1", NOW)
    platform.publish(_jwk("2"))
    assert (await keys.key("2", NOW - 86400)).key_id == "2"


async def test_a_file_that_was_replaced_is_read_again(tmp_path: Path, errands: Errands) -> None:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [_jwk("1")]}))
    keys = PlatformKeys(path, errands)
    await keys.key("1", NOW)
    path.write_text(json.dumps({"keys": [_jwk("2")]}))
    assert (await keys.key("2", NOW)).key_id == "2"
    path.unlink()
    with pytest.raises(KeyError):
        await keys.key("3", NOW + 60)
    assert (await keys.key("2", NOW + 60)).key_id == "2"


def _rsa(bits: int, **members: Any) -> Document:
    public = rsa.generate_private_key(65537, bits).public_key()
    return {**RSAAlgorithm.to_jwk(public, as_dict=True), "kid": "bad", **members}


def _private() -> Document:
    key = ec.generate_private_key(ec.SECP256R1())
    return {**ECAlgorithm.to_jwk(key, as_dict=True), "kid": "bad"}


def _ed448() -> Document:
    public = ed448.Ed448PrivateKey.generate().public_key()
    return {**OKPAlgorithm.to_jwk(public, as_dict=True), "kid": "bad", "alg": "EdDSA"}


@pytest.mark.parametrize(
    "bad",
    [
        {"kid": "bad", "kty": "oct", "k": base64.b64encode(b"x" * 32).decode()},
        _jwk("bad", use="enc"),
        _jwk("bad", alg="HS256"),
        _jwk("bad", alg="none"),
        _jwk("bad", x="????"),
        _rsa(1024),
        _rsa(2048, alg="RS512"),
        _rsa(2048, n=None),
        _private(),
        _ed448(),
    ],
)
async def test_other_keys_may_stand_beside_ours_but_are_not_used(
    platform: Platform, keys: PlatformKeys, bad: Document
) -> None:
    platform.publish(bad, _jwk("good"))
    assert (await keys.key("good", NOW)).key_id == "good"
    with pytest.raises(KeyError):
        await keys.key("bad", NOW)


async def test_a_platform_that_does_not_answer_holds_nobody_up_for_long(
    errands: Errands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform_keys, "FETCH_WITHIN_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        keys = PlatformKeys(f"http://127.0.0.1:{silent.getsockname()[1]}/", errands)
        async with asyncio.timeout(5):
            with pytest.raises(Unavailable):
                await keys.key("1", NOW)


@pytest.mark.parametrize(
    "url",
    ["http://platform.example/jwks.json", "ftp://platform.example/", "https:///x", "jwks.json"],
)
def test_keys_are_fetched_from_safe_places_only(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        Identity("issuer", "audience", jwks_url=url)
    for safe in ("https://platform.example/jwks.json", "http://127.0.0.1:8000/jwks.json"):
        Identity("issuer", "audience", jwks_url=safe)
