"""rtpengine as Debian packages it, in user space (``--table=-1``: without its kernel module).

It relays between the two sides of a call: an offer through it, an answer back. It knows no bundle,
and a browser would get a transport for audio and one for video; here both kinds are two payload
types of one m-line, so that it has as few sockets as we have. ICE-lite and DTLS on both sides, one
worker thread for its one core, logging off. Its SRTP is its own, on OpenSSL's ciphers.
"""

import asyncio
import itertools
import secrets
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiortc import RTCCertificate

from benchmarks.peers import bencode
from benchmarks.peers.peer import Joined, Running, pairs
from benchmarks.peers.program import Program
from loadtest.participant import Participant
from loadtest.peer_description import describe, one_line
from loadtest.session_description import read_transport

CONTROL = "127.0.0.1"
PORT = 18222
RETRY_S = 0.5
TRIES = 20
JOINING_AT_ONCE = 8

_FLAGS: dict[str, bencode.Value] = {
    "transport-protocol": "UDP/TLS/RTP/SAVPF",
    "ICE": "force",
    "ICE-lite": "both",
    "DTLS": "passive",
    "rtcp-mux": ["require"],
    "replace": ["origin"],
    "SDES": ["off"],
}


class RtpengineRefused(Exception):
    """It answered with an error, or not at all."""


class Control(asyncio.DatagramProtocol):
    """rtpengine's ng protocol: a cookie and a bencoded dictionary each way, over UDP."""

    def __init__(self) -> None:
        self._waiting: dict[str, asyncio.Future[bencode.Value]] = {}
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, _addr: object) -> None:
        cookie, _, body = data.partition(b" ")
        answer = self._waiting.pop(cookie.decode(errors="replace"), None)
        if answer is not None and not answer.done():
            answer.set_result(bencode.decode(body))

    async def ask(self, command: str, **fields: bencode.Value) -> dict[str, bencode.Value]:
        """One command. The same cookie again gets the same answer, so it is repeated."""
        assert self._transport is not None
        cookie = secrets.token_hex(6)
        answer = self._waiting[cookie] = asyncio.get_running_loop().create_future()
        request = cookie.encode() + b" " + bencode.encode({"command": command, **fields})
        for _ in range(TRIES):
            self._transport.sendto(request)
            done, _ = await asyncio.wait([answer], timeout=RETRY_S)
            if done:
                break
        else:
            raise RtpengineRefused(f"{command}: no answer")
        reply = answer.result()
        if not isinstance(reply, dict) or reply.get("result") not in ("ok", "pong"):
            raise RtpengineRefused(f"{command}: {reply}")
        return reply


class Rtpengine(Running[Program]):
    """A running rtpengine; see ``peer.Peer``."""

    def __init__(self, program: Program, control: Control, host: str, srtp_profile: str) -> None:
        super().__init__(program, host, srtp_profile)
        self._control = control
        self._calls = itertools.count()
        self._certificate = RTCCertificate.generateCertificate()

    async def join(self, rooms: int) -> Joined:
        """A call for each room."""
        limit = asyncio.Semaphore(JOINING_AT_ONCE)

        async def one() -> list[Participant]:
            async with limit:
                return await self._call()

        joined = await asyncio.gather(*(one() for _ in range(rooms)))
        return pairs([person for people in joined for person in people])

    async def _call(self) -> list[Participant]:
        people = [Participant(self._host, self._certificate, self._srtp_profile) for _ in range(2)]
        caller, called = people
        call = {"call-id": f"call-{next(self._calls)}", "from-tag": "caller"}
        sections = one_line("sendrecv")
        offered = await self._control.ask(
            "offer", sdp=describe(caller.local, sections), **call, **_FLAGS
        )
        answered = await self._control.ask(
            "answer", sdp=describe(called.local, sections), **call, **_FLAGS, **{"to-tag": "called"}
        )
        await asyncio.gather(
            caller.connect_to(read_transport(str(answered["sdp"]))),
            called.connect_to(read_transport(str(offered["sdp"]))),
        )
        return people


@asynccontextmanager
async def start_rtpengine(core: int, host: str, srtp_profile: str) -> AsyncIterator[Rtpengine]:
    """rtpengine, of which nothing is left afterwards."""
    with tempfile.TemporaryDirectory(prefix="rodrun-rtpengine-") as name:
        command = [
            "rtpengine",
            "--config-file=none",
            "--table=-1",
            "--foreground",
            "--log-stderr",
            "--log-level=3",
            "--num-threads=1",
            f"--interface={host}",
            f"--listen-ng={CONTROL}:{PORT}",
            "--port-min=20000",
            "--port-max=59999",
        ]
        program = Program(command, core, Path(name))
        transport = None
        try:
            transport, control = await asyncio.get_running_loop().create_datagram_endpoint(
                Control, remote_addr=(CONTROL, PORT)
            )
            await control.ask("ping")
            yield Rtpengine(program, control, host, srtp_profile)
        finally:
            if transport is not None:
                transport.close()
            program.close()
