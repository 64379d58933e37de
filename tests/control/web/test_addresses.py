"""Where requests come from, and how often they may."""

from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path

import pytest
from aiohttp import ClientResponse, WSServerHandshakeError
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from control.adapters.database import Database
from control.settings import Rate, Settings
from control.web import events
from control.web.addresses import client_address, network
from tests.control.people import Control, Person

PROXIES = (ip_network("10.0.0.0/8"), ip_network("2001:db8:1::/48"), ip_network("127.0.0.0/8"))


@pytest.fixture
async def strict(database: Database, tmp_path: Path) -> AsyncIterator[Control]:
    """Control behind a proxy on this machine: 5 requests at once a user, 10 an address."""
    settings = Settings(
        data_dir=tmp_path,
        demo=True,
        trusted_proxies=PROXIES,
        user_rate=Rate(per_s=1, burst=5),
        address_rate=Rate(per_s=1, burst=10),
    )
    made = Control(database, settings)
    await made.start()
    yield made
    await made.stop()


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        # Nobody has to believe a stranger.
        ("192.0.2.1", ["198.51.100.7"], "192.0.2.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.7, 10.0.0.2"], "198.51.100.7"),
        ("10.0.0.1", ["1.1.1.1", "198.51.100.7 , 10.0.0.2"], "198.51.100.7"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["198.51.100.7:4711"], "198.51.100.7"),
        ("10.0.0.1", ["[2001:db8::7]:4711"], "2001:db8::7"),
        ("10.0.0.1", ["2001:DB8:0::7"], "2001:db8::7"),
        ("10.0.0.1", ["198.51.100.7, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["", ","], "10.0.0.1"),
        ("::ffff:10.0.0.1", ["::ffff:198.51.100.7"], "198.51.100.7"),
        ("2001:db8:1::1", ["198.51.100.7"], "198.51.100.7"),
        ("fe80::1%eth0", [], "fe80::1"),
        ("", ["198.51.100.7"], ""),
    ],
)
def test_the_address_of_a_client(
    strict: Control, peer: str, forwarded: list[str], expected: str
) -> None:
    headers = CIMultiDict(("X-Forwarded-For", each) for each in forwarded)
    request = make_mocked_request("GET", "/", headers=headers, app=strict.app)
    assert client_address(request.clone(remote=peer)) == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("", ""),
    ],
)
def test_an_ipv6_network_counts_as_one_place(address: str, expected: str) -> None:
    assert network(address) == expected


async def test_an_address_that_asks_too_often(strict: Control) -> None:
    replies = [await _ask(strict, "2001:db8:5::1") for _ in range(11)]
    assert {reply.status for reply in replies[:10]} == {200}
    assert replies[10].status == 429
    assert replies[10].headers["Retry-After"] == "1"
    assert (await replies[10].json(content_type=None))["code"] == "too-many-requests"
    assert (await _ask(strict, "2001:db8:5::2")).status == 429
    assert (await _ask(strict, "2001:db8:5:1::1")).status == 200
    assert (await strict.http.get("/livez")).status == 200
    with pytest.raises(WSServerHandshakeError) as refused:
        await strict.http.ws_connect("/api/v1/events", headers=_from("2001:db8:5::1"))
    assert refused.value.status == 429
    strict.now += 1
    assert (await _ask(strict, "2001:db8:5::1")).status == 200


async def test_a_user_who_asks_too_often_from_many_places(strict: Control) -> None:
    maria, ivan = await strict.person("maria"), await strict.person("ivan")
    statuses = [await _me(strict, maria, f"192.0.2.{n}") for n in range(6)]
    assert statuses == [200] * 5 + [429]
    assert await _me(strict, ivan, "192.0.2.1") == 200
    socket = await strict.http.ws_connect("/api/v1/events", headers=_from("192.0.2.9"))
    await socket.send_json({"type": "authenticate", "token": maria.token})
    await socket.receive(timeout=5)
    assert socket.close_code == events.TOO_MANY
    strict.now += 1
    assert await _me(strict, maria, "192.0.2.1") == 200


async def _ask(control: Control, address: str) -> ClientResponse:
    return await control.http.get("/api/v1/demo/accounts", headers=_from(address))


async def _me(control: Control, person: Person, address: str) -> int:
    headers = {**_from(address), "Authorization": f"Bearer {person.token}"}
    return (await control.http.get("/api/v1/me", headers=headers)).status


def _from(address: str) -> dict[str, str]:
    return {"X-Forwarded-For": address}
