"""A straightforward forwarder on asyncio: what one writes first, and well.

One socket, a callback a datagram on uvloop: unprotect, rewrite the header, protect, send. No
handshakes: participants and their keys are told, so all it does is forward. RTCP is dropped.

As a process (``python -m benchmarks.peers.asyncio_forwarder HOST``) it prints {"port": …} and
answers {"rooms": [[one, other], …]} with {}; each side is {"address": [host, port], "from": key,
"to": key, "profile": number} with keys in hexadecimal digits.
"""

import asyncio
import json
import struct
import sys
from dataclasses import dataclass
from typing import Any

import uvloop
from pylibsrtp import Error, Policy, Session

LINE_LIMIT = 4 << 20
SOCKET_BUFFER = 4 << 20
_HEADER = struct.Struct("!HII")  # sequence number, timestamp, SSRC


@dataclass
class Side:
    """One participant: its SRTP sessions, where its partner is, and what the header becomes."""

    inbound: Session
    outbound: Session
    partner: "Side | None"
    address: tuple[str, int]
    ssrc_offset: int
    sequence_offset: int = 1000
    timestamp_offset: int = 90_000


class Forwarder(asyncio.DatagramProtocol):
    """Everyone's datagrams come here."""

    def __init__(self) -> None:
        self.sides: dict[tuple[str, int], Side] = {}
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        side = self.sides.get(addr)
        if side is None or side.partner is None or len(data) < 12 or 192 <= data[1] <= 223:
            return
        try:
            packet = bytearray(side.inbound.unprotect(data))
        except Error:
            return
        sequence, timestamp, ssrc = _HEADER.unpack_from(packet, 2)
        _HEADER.pack_into(
            packet,
            2,
            (sequence + side.sequence_offset) & 0xFFFF,
            (timestamp + side.timestamp_offset) & 0xFFFFFFFF,
            (ssrc + side.ssrc_offset) & 0xFFFFFFFF,
        )
        assert self.transport is not None
        partner = side.partner
        self.transport.sendto(partner.outbound.protect(bytes(packet)), partner.address)

    def open_room(self, pair: list[dict[str, Any]]) -> None:
        """Connect two participants."""
        sides = [
            Side(
                _session(told, "from", Policy.SSRC_ANY_INBOUND),
                _session(told, "to", Policy.SSRC_ANY_OUTBOUND),
                None,
                (told["address"][0], told["address"][1]),
                ssrc_offset=1 << 31,
            )
            for told in pair
        ]
        sides[0].partner, sides[1].partner = sides[1], sides[0]
        for side in sides:
            self.sides[side.address] = side


def _session(told: dict[str, Any], key: str, direction: int) -> Session:
    policy = Policy(key=bytes.fromhex(told[key]), ssrc_type=direction, srtp_profile=told["profile"])
    return Session(policy)


async def serve(host: str) -> None:
    """Forward until standard input ends."""
    loop = asyncio.get_running_loop()
    transport, forwarder = await loop.create_datagram_endpoint(Forwarder, local_addr=(host, 0))
    socket = transport.get_extra_info("socket")
    for option in (7, 8):  # SO_SNDBUF, SO_RCVBUF
        socket.setsockopt(1, option, SOCKET_BUFFER)
    reader = asyncio.StreamReader(LINE_LIMIT)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    _say({"port": transport.get_extra_info("sockname")[1]})
    while line := await reader.readline():
        for pair in json.loads(line)["rooms"]:
            forwarder.open_room(pair)
        _say({})
    transport.close()


def _say(reply: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(reply) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
