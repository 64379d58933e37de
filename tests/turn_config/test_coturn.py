"""The settings for coturn, by what a coturn that has them does."""

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aioice import stun
from aioice.stun import TransactionFailed
from aioice.turn import UDP_TRANSPORT, TurnClientTcpProtocol, TurnClientUdpProtocol

from rodrun.certificate import tls_context
from tests.browser.server import free_ports
from tests.coturn import CoturnServer
from turn_config.coturn import ALLOCATIONS_A_USER, Coturn
from turn_config.credentials import IceServer, TurnServers

HOST, HOST_6 = "127.0.0.1", "::1"
# Nothing is ever sent to these: coturn only says whether it would.
NODE, NODE_6 = "192.0.2.1", "2001:db8::1"
SETTINGS = Coturn("turn.example.com", "s" * 32, (NODE, NODE_6), (HOST, HOST_6))
SERVERS = TurnServers(("turn:turn.example.com",), SETTINGS.secret)
CHANNEL = 0x4000
# RFC 8656, section 18.6: the attribute, and its value for IPv6.
FAMILY = (0x0017, "REQUESTED-ADDRESS-FAMILY", stun.pack_unsigned, stun.unpack_unsigned)
IPV6 = 0x02000000
UNAUTHORIZED, FORBIDDEN, QUOTA_REACHED = 401, 403, 486


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Coturn:
    """Those of the server, with free ports and a certificate."""
    folder = tmp_path_factory.mktemp("certificate")
    tls_context("auto", folder, [HOST])
    (port, _), (tls_port, _) = free_ports(HOST), free_ports(HOST)
    return replace(
        SETTINGS,
        port=port,
        tls_port=tls_port,
        certificate=folder / "tls-certificate.pem",
        key=folder / "tls-key.pem",
    )


@pytest.fixture(scope="module")
def server(settings: Coturn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CoturnServer]:
    """A coturn that has them."""
    server = CoturnServer(settings, tmp_path_factory.mktemp("coturn") / "files")
    yield server
    server.stop()


pytestmark = pytest.mark.usefixtures("server")

Client = TurnClientTcpProtocol | TurnClientUdpProtocol


def good(user_id: str = "maria") -> IceServer:
    """Credentials as control makes them."""
    return SERVERS.credentials(user_id, time.time(), 60)


@asynccontextmanager
async def allocation(
    server: tuple[str, int], given: IceServer, transport: str = "tcp"
) -> AsyncIterator[Client]:
    """A relay of one's own; raises TransactionFailed when it is refused."""
    loop = asyncio.get_running_loop()
    told: dict[str, Any] = {"username": given.username, "password": given.credential}
    told |= {"lifetime": 600, "channel_refresh_time": 500}
    made: asyncio.BaseTransport
    client: Client
    if transport == "udp":
        made, client = await loop.create_datagram_endpoint(
            lambda: TurnClientUdpProtocol(server, **told), remote_addr=server
        )
    else:
        context = None
        if transport == "tls":
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        made, client = await loop.create_connection(
            lambda: TurnClientTcpProtocol(server, **told), *server, ssl=context
        )
    sock = made.get_extra_info("socket")
    try:
        await client.connect()
        try:
            yield client
        finally:
            await client.delete()
    finally:
        made.close()
        await until_closed(sock)


async def until_closed(sock: socket.socket) -> None:
    """A transport closes its socket a moment after it was told to, and the loop may end before."""
    for _ in range(1000):
        if sock.fileno() < 0:
            return
        await asyncio.sleep(0.001)
    raise AssertionError("the socket was not closed")


async def refusal(server: tuple[str, int], given: IceServer) -> int:
    """The code by which an allocation is refused."""
    with pytest.raises(TransactionFailed) as refused:
        async with allocation(server, given):
            pass
    code = refused.value.response.error_code
    assert code is not None
    return code


async def refused_peers(client: Client, peers: Sequence[str]) -> list[int | None]:
    """The codes by which coturn refuses to relay to each."""
    codes = []
    for number, peer in enumerate(peers, CHANNEL + 1):
        with pytest.raises(TransactionFailed) as refused:
            await client.channel_bind(number, (peer, 7878))
        codes.append(refused.value.response.error_code)
    return codes


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_controls_credentials_open_a_relay(settings: Coturn, transport: str) -> None:
    port = settings.tls_port if transport == "tls" else settings.port
    async with allocation((HOST, port), good(), transport) as client:
        assert client.relayed_address is not None
        assert client.relayed_address[0] == HOST


async def test_wrong_and_expired_credentials_are_refused(settings: Coturn) -> None:
    server = (HOST, settings.port)
    expired = SERVERS.credentials("maria", time.time() - 62, 60)
    prolonged = replace(expired, username=good().username)
    others = TurnServers(SERVERS.urls, "t" * 32).credentials("maria", time.time(), 60)
    for each in (expired, prolonged, others):
        assert await refusal(server, each) == UNAUTHORIZED


async def test_nothing_but_the_node_is_relayed_to(settings: Coturn) -> None:
    peers = [HOST, "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "192.0.2.2"]
    peers += ["8.8.8.8", "224.0.0.1", "0.0.0.0", "255.255.255.255"]
    async with allocation((HOST, settings.port), good()) as client:
        await client.channel_bind(CHANNEL, (NODE, 7878))
        assert await refused_peers(client, peers) == [FORBIDDEN] * len(peers)


async def test_nor_by_ipv6(settings: Coturn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(stun.ATTRIBUTES_BY_NAME, FAMILY[1], FAMILY)
    peers = [HOST_6, "fe80::1", "fd00::1", "2001:db8::2", "2600::1", "ff02::1", "::", "ff00::"]
    peers += ["::ffff:10.0.0.1", f"::ffff:{NODE}"]
    loop, server = asyncio.get_running_loop(), (HOST_6, settings.port)
    given = good()
    made, client = await loop.create_connection(
        lambda: TurnClientTcpProtocol(server, given.username, given.credential, 600, 500), *server
    )
    request = stun.Message(message_method=stun.Method.ALLOCATE, message_class=stun.Class.REQUEST)
    request.attributes["REQUESTED-TRANSPORT"] = UDP_TRANSPORT
    request.attributes["REQUESTED-ADDRESS-FAMILY"] = IPV6
    try:
        response, _ = await client.request_with_retry(request)
        assert response.attributes["XOR-RELAYED-ADDRESS"][0] == HOST_6
        await client.channel_bind(CHANNEL, (NODE_6, 7878))
        assert await refused_peers(client, peers) == [FORBIDDEN] * len(peers)
    finally:
        sock = made.get_extra_info("socket")
        made.close()
        await until_closed(sock)


async def test_a_user_has_so_many_allocations_and_others_have_theirs(settings: Coturn) -> None:
    server = (HOST, settings.port)
    held = [allocation(server, good("greedy")) for _ in range(ALLOCATIONS_A_USER)]
    for each in held:
        await each.__aenter__()
    assert await refusal(server, good("greedy")) == QUOTA_REACHED
    async with allocation(server, good("modest")):
        pass
    for each in held:
        await each.__aexit__(None, None, None)


def test_coturn_knows_every_option(server: CoturnServer) -> None:
    assert "Bad configuration" not in server.log
    assert "Wrong address" not in server.log
    assert "CLI" not in server.log


def test_a_call_with_both_videos_at_their_limit_fits() -> None:
    assert "max-bps=781250\n" in SETTINGS.settings()
    assert "max-bps=6250000\n" in replace(SETTINGS, max_video_bps=20_000_000).settings()


def test_without_a_certificate_there_is_no_tls() -> None:
    lines = SETTINGS.settings().splitlines()
    assert "no-tls" in lines
    assert not any(line.startswith(("cert=", "pkey=", "tls-listening-port")) for line in lines)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"realm": ""}, "the realm must be a domain name"),
        ({"realm": "a\nno-auth"}, "the realm must be a domain name"),
        ({"secret": "short"}, "32 to 256 characters of base64"),
        ({"nodes": ()}, "name the addresses at which browsers reach the media node"),
        ({"nodes": ("127.0.0.1",)}, "coturn relays nothing to 127.0.0.1"),
        ({"nodes": ("media.example",)}, "'media.example' does not appear to be an IPv4 or IPv6"),
        ({"listen": ("eth0",)}, "'eth0' does not appear to be an IPv4 or IPv6"),
        ({"port": 0}, "0 is no port"),
        ({"tls_port": 65536}, "65536 is no port"),
        ({"certificate": Path("/a.pem")}, "both a certificate and its key"),
        ({"certificate": Path("a.pem"), "key": Path("/b.pem")}, "the absolute path of a file"),
        ({"certificate": Path("/a.pem\nx"), "key": Path("/b.pem")}, "the absolute path of a file"),
    ],
)
def test_settings_that_cannot_be_used(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(SETTINGS, **wrong)
