"""What strangers send while a call goes on: counted or refused, and never noticed in the call."""

import os
import random
import socket
import struct
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.people import CLIENT, SPECIALIST, Pair
from tests.browser.server import Server

DATAGRAMS = 2000
SPREAD_S = 3.0
MAGIC_COOKIE = 0x2112A442  # RFC 8489 section 5
LARGEST_DATAGRAM = 65_507


def attribute(kind: int, value: bytes) -> bytes:
    """A STUN attribute (RFC 8489 section 14)."""
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def binding_request(username: str, *more: bytes) -> bytes:
    """A STUN binding request with whatever attributes."""
    body = b"".join([attribute(0x0006, username.encode()), *more])
    return struct.pack("!HHI", 0x0001, len(body), MAGIC_COOKIE) + os.urandom(12) + body


def garbage(dice: random.Random) -> bytes:
    """Anything at all, with the first byte of each protocol as often as not."""
    size = dice.choice([0, 1, 2, 3, 11, 12, 13, 20, 200, 1200, 1500, 9000])
    first = bytes([dice.choice([0, 1, 20, 22, 63, 64, 128, 144, 200, 255])])
    return (first + dice.randbytes(size))[:size]


def forged_checks(username: str, dice: random.Random) -> Iterator[bytes]:
    """STUN checks of a live connection, by somebody who does not know its password."""
    integrity = attribute(0x0008, dice.randbytes(20))
    fingerprint = attribute(0x8028, dice.randbytes(4))
    use_candidate = attribute(0x0025, b"")
    yield binding_request(username)
    yield binding_request(username, use_candidate, integrity, fingerprint)
    yield binding_request(username, attribute(0x0008, b"short"), fingerprint)
    yield binding_request(username, integrity)[: dice.randrange(20, 60)]
    yield binding_request("", integrity)
    yield binding_request("x" * 600, integrity)
    yield binding_request("zzzz" + username, use_candidate, integrity)
    yield struct.pack("!HHI", 0x0101, 0xFFFC, MAGIC_COOKIE) + dice.randbytes(12)


def client_hello(dice: random.Random) -> bytes:
    """The beginning of a DTLS 1.2 handshake (RFC 6347), its inside made up."""
    body = b"\xfe\xfd" + dice.randbytes(120)
    handshake = struct.pack("!B3sH3s3s", 1, len(body).to_bytes(3, "big"), 0, bytes(3), body[:3])
    record = handshake + body[3:]
    return struct.pack("!BHHHLH", 22, 0xFEFD, 0, 0, 0, len(record)) + record


def strangers_media(ssrc: int, dice: random.Random) -> bytes:
    """RTP or RTCP with a stream's true SSRC from an address that nobody vouches for."""
    if dice.random() < 0.3:
        return struct.pack("!BBHI", 0x80, 203, 1, ssrc) + dice.randbytes(30)
    payload_type, sequence, timestamp = 96, dice.randrange(1 << 16), dice.randrange(1 << 32)
    header = struct.pack("!BBHII", 0x80, payload_type, sequence, timestamp, ssrc)
    return header + dice.randbytes(dice.randrange(0, 1100))


def flood(address: tuple[str, int], username: str, ssrcs: list[int]) -> None:
    """Send everything above, from several ports, spread over some seconds."""
    dice = random.Random(20)
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(8)]
    try:
        sent = 0
        started = time.monotonic()
        while sent < DATAGRAMS:
            batch = [garbage(dice), client_hello(dice), strangers_media(dice.choice(ssrcs), dice)]
            batch += [*forged_checks(username, dice), b""]
            for datagram in batch:
                dice.choice(sockets).sendto(datagram, address)
            sent += len(batch)
            ahead = started + SPREAD_S * sent / DATAGRAMS - time.monotonic()
            time.sleep(max(0.0, ahead))
        sockets[0].sendto(bytes(LARGEST_DATAGRAM), address)
    finally:
        for each in sockets:
            each.close()


def drops(metrics: dict[str, float]) -> float:
    """All counted drops together."""
    return sum(value for name, value in metrics.items() if "drop" in name and "created" not in name)


def test_strangers_datagrams_do_not_touch_a_call(local_pair: Pair, local_server: Server) -> None:
    local_pair.sign_in()
    local_pair.start_call()
    live = local_pair.client.page.evaluate(
        """async () => {
          const pc = __probe.connections.at(-1).pc;
          const ufrag = (description) => /a=ice-ufrag:(\\S+)/.exec(description.sdp)[1];
          const stats = [...(await pc.getStats()).values()];
          return {
            username: `${ufrag(pc.remoteDescription)}:${ufrag(pc.localDescription)}`,
            ssrcs: stats.filter((each) => each.type === "outbound-rtp").map((each) => each.ssrc),
          };
        }"""
    )
    before = local_pair.api.metrics()
    running = local_pair.measuring(SPREAD_S + 2)
    flood(local_server.udp_address, live["username"], live["ssrcs"])
    assert local_pair.measured(running) == []
    assert drops(local_pair.api.metrics()) - drops(before) >= DATAGRAMS * 0.9
    assert local_pair.consultation()["state"] == "active"


def problem(answer: tuple[int, Any], status: int) -> str:
    """Check that an answer is a problem document (RFC 9457) of that status; its code."""
    got, body = answer
    assert got == status, answer
    assert body["status"] == status
    assert body["title"]
    assert body["type"]
    return str(body["code"])


OFFER = """async () => {
  const pc = new RTCPeerConnection();
  for (const kind of ["audio", "video", "video"]) pc.addTransceiver(kind);
  const { sdp } = await pc.createOffer();
  pc.close();
  return sdp;
}"""


@pytest.fixture
def call(local_pair: Pair) -> Pair:
    local_pair.sign_in()
    local_pair.start_call()
    return local_pair


def test_bad_requests_are_refused_and_a_call_goes_on(call: Pair) -> None:
    api = call.api
    consultation = call.consultation()
    path = f"/consultations/{consultation['id']}"
    running = call.measuring(4.0)
    offer = api.page.evaluate(OFFER)

    def token() -> str:
        return str(api.do("POST", f"{path}/join-tokens", CLIENT)["token"])

    def join(token: str, offer: Any) -> tuple[int, Any]:
        return api.request("POST", "/join", None, {"token": token, "offer": offer})

    broken = ["", "v=0", "\x00" * 100, "a" * 200_000, offer.replace("m=", "m"), offer[:300]]
    for sdp in broken:
        status, body = join(token(), sdp)
        assert status in (400, 413, 422), (sdp[:40], status, body)
        assert body["detail"]
    for wrong in ("", "no-token", token()[:-3] + "abc", api.token(CLIENT)):
        status, body = join(wrong, offer)
        assert status in (400, 401, 403, 422), (wrong, status, body)
    for purpose in ("", "   ", "х" * 100_000):
        status, body = api.request(
            "POST",
            "/consultations",
            CLIENT,
            {"specialist_id": call.specialist_id, "purpose": purpose},
        )
        assert status in (400, 413, 422), (purpose[:10], status, body)
    assert api.request("GET", path)[0] == 401
    assert api.request("POST", "/consultations/none/join-tokens", CLIENT)[0] == 404
    assert api.request("POST", f"{path}/cancel", SPECIALIST)[0] in (403, 404, 409)
    assert call.measured(running) == []
    assert call.consultation()["state"] == "active"


def test_join_token_works_once(call: Pair) -> None:
    """The client's own join in a second page; then the same token again."""
    api = call.api
    path = f"/consultations/{call.consultation()['id']}"
    token = api.do("POST", f"{path}/join-tokens", CLIENT)["token"]
    offer = api.page.evaluate(OFFER)
    first, _ = api.request("POST", "/join", None, {"token": token, "offer": offer})
    assert first in (200, 201)
    again = api.request("POST", "/join", None, {"token": token, "offer": offer})
    assert again[0] in (401, 403, 409), again
    assert problem(again, again[0])
