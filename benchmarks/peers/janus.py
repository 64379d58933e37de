"""Janus with its videoroom plugin, as Debian packages it.

Each participant has a handle that publishes and one that subscribes to the other's streams, which
is how the plugin works: two peer connections, two sockets. Of its settings (`janus.jcfg`):
ICE-lite, as its documentation has it for a public address; one event loop for all handles, as fits
one core, in place of a thread for each; logging off; no REMB; no timeout of the session.
"""

import asyncio
import itertools
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiortc import RTCCertificate

from benchmarks.peers.peer import Joined, Running
from benchmarks.peers.program import Program
from loadtest.crowd import NOBODY
from loadtest.participant import Participant
from loadtest.peer_description import answered, audio_and_video, describe
from loadtest.session_description import read_transport

CONTROL = "127.0.0.1"
PORT = 18188
TIMEOUT_S = 20.0
JOINING_AT_ONCE = 16  # rooms: each handshake waits a second, for Janus drops the first ClientHello
_LIBRARIES = ("/usr/lib", "/usr/local/lib")

_CONFIGURATION = {
    "janus.jcfg": """\
general: {{
    configs_folder = "{folder}"
    plugins_folder = "{folder}/plugins"
    transports_folder = "{folder}/transports"
    events_folder = "{folder}/none"
    loggers_folder = "{folder}/none"
    debug_level = 1
    session_timeout = 0
    event_loops = 1
}}
media: {{
    ipv6 = false
    rtp_port_range = "20000-59999"
}}
nat: {{
    ice_lite = true
    ice_enforce_list = "{host}"
}}
""",
    "janus.transport.websockets.jcfg": """\
general: {{
    json = "compact"
    ws = true
    ws_port = {port}
    ws_ip = "{control}"
}}
""",
    "janus.plugin.videoroom.jcfg": "general: {{}}\n",
}


class JanusRefused(Exception):
    """It answered with an error."""


class Session:
    """A session of the Janus API over a WebSocket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._transactions = (str(number) for number in itertools.count())
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._connected: defaultdict[int, asyncio.Event] = defaultdict(asyncio.Event)
        self._reader = asyncio.create_task(self._read())
        self._session = 0

    async def open(self) -> None:
        """Create the session."""
        self._session = (await self._ask(janus="create"))["data"]["id"]

    async def attach(self) -> int:
        """A handle of the videoroom plugin."""
        reply = await self._ask(janus="attach", plugin="janus.plugin.videoroom")
        return int(reply["data"]["id"])

    async def message(
        self, handle: int, body: dict[str, Any], jsep: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """A message to the plugin, and its answer: event or reply."""
        more = {"jsep": jsep} if jsep else {}
        reply = await self._ask(janus="message", handle_id=handle, body=body, **more)
        data = reply.get("plugindata", {}).get("data", {})
        if "error" in data:
            raise JanusRefused(f"{body['request']}: {data['error']}")
        return reply

    async def connected(self, handle: int) -> None:
        """Wait until Janus, too, says that the handle's DTLS is done: before that a publisher has
        no feed."""
        async with asyncio.timeout(TIMEOUT_S):
            await self._connected[handle].wait()

    async def close(self) -> None:
        """Let go of the socket."""
        await self._socket.close()
        await self._reader

    async def _ask(self, **request: Any) -> dict[str, Any]:
        transaction = next(self._transactions)
        request["transaction"] = transaction
        if self._session:
            request["session_id"] = self._session
        answer = self._waiting[transaction] = asyncio.get_running_loop().create_future()
        await self._socket.send_json(request)
        async with asyncio.timeout(TIMEOUT_S):
            reply: dict[str, Any] = await answer
        if reply["janus"] == "error":
            raise JanusRefused(str(reply["error"]))
        return reply

    async def _read(self) -> None:
        async for message in self._socket:
            reply = message.json()
            # "ack": the plugin works on it, an event follows under the same transaction
            if reply.get("janus") == "ack":
                continue
            if reply.get("janus") == "webrtcup":
                self._connected[reply["sender"]].set()
            answer = self._waiting.pop(reply.get("transaction", ""), None)
            if answer is not None and not answer.done():
                answer.set_result(reply)


class Janus(Running[Program]):
    """A running Janus; see ``peer.Peer``."""

    def __init__(self, program: Program, session: Session, host: str, srtp_profile: str) -> None:
        super().__init__(program, host, srtp_profile)
        self._session = session
        self._rooms = itertools.count(1)
        self._certificate = RTCCertificate.generateCertificate()

    async def join(self, rooms: int) -> Joined:
        """Publishers 0, 1 and their subscribers 2, 3 for each room."""
        manager = await self._session.attach()
        limit = asyncio.Semaphore(JOINING_AT_ONCE)

        async def one() -> list[Participant]:
            async with limit:
                return await self._open_room(manager, next(self._rooms))

        joined = await asyncio.gather(*(one() for _ in range(rooms)))
        hears: list[int] = []
        for room in range(rooms):
            hears += [NOBODY, NOBODY, 4 * room + 1, 4 * room]
        return Joined([person for people in joined for person in people], hears)

    async def _open_room(self, manager: int, room: int) -> list[Participant]:
        await self._session.message(
            manager,
            {
                "request": "create",
                "room": room,
                "publishers": 2,
                "bitrate": 0,
                "audiocodec": "opus",
                "videocodec": "vp8",
                "record": False,
                "notify_joining": False,
                "audiolevel_ext": False,
            },
        )
        publishers = await asyncio.gather(*(self._publish(room, feed) for feed in (1, 2)))
        subscribers = await asyncio.gather(*(self._subscribe(room, feed) for feed in (2, 1)))
        return [*publishers, *subscribers]

    async def _publish(self, room: int, feed: int) -> Participant:
        person = Participant(self._host, self._certificate, self._srtp_profile)
        handle = await self._session.attach()
        reply = await self._session.message(
            handle,
            {"request": "joinandconfigure", "room": room, "ptype": "publisher", "id": feed},
            {"type": "offer", "sdp": describe(person.local, audio_and_video("sendonly"))},
        )
        await person.connect_to(read_transport(reply["jsep"]["sdp"]))
        await self._session.connected(handle)
        return person

    async def _subscribe(self, room: int, feed: int) -> Participant:
        person = Participant(self._host, self._certificate, self._srtp_profile)
        handle = await self._session.attach()
        reply = await self._session.message(
            handle,
            {
                "request": "join",
                "room": room,
                "ptype": "subscriber",
                "streams": [{"feed": feed}],
            },
        )
        offer = reply["jsep"]["sdp"]
        answer = describe(person.local, answered(offer, "recvonly"))
        await self._session.message(handle, {"request": "start"}, {"type": "answer", "sdp": answer})
        await person.connect_to(read_transport(offer))
        return person


def _module_folder(kind: str) -> Path | None:
    """Where the package keeps its ``plugins`` or ``transports``."""
    for library in _LIBRARIES:
        for found in sorted(Path(library).glob(f"**/janus/{kind}")):
            return found
    return None


def _configure(folder: Path, host: str) -> None:
    for name, text in _CONFIGURATION.items():
        (folder / name).write_text(
            text.format(folder=folder, host=host, port=PORT, control=CONTROL)
        )
    (folder / "none").mkdir()
    for kind, module in (("plugins", "videoroom"), ("transports", "websockets")):
        (folder / kind).mkdir()
        installed = _module_folder(kind)
        if installed is None:
            raise FileNotFoundError("Janus is not installed: python -m benchmarks.peers --set-up")
        library = f"libjanus_{module}.so"
        (folder / kind / library).symlink_to(installed / library)


@asynccontextmanager
async def start_janus(core: int, host: str, srtp_profile: str) -> AsyncIterator[Janus]:
    """Janus, of which nothing is left afterwards."""
    with tempfile.TemporaryDirectory(prefix="rodrun-janus-") as name:
        folder = Path(name)
        _configure(folder, host)
        command = ["janus", "-F", name, "-C", f"{name}/janus.jcfg", "--disable-colors"]
        program = Program(command, core, folder)
        try:
            await program.listening(PORT, CONTROL)
            async with (
                aiohttp.ClientSession() as client,
                client.ws_connect(
                    f"ws://{CONTROL}:{PORT}/", protocols=["janus-protocol"]
                ) as socket,
            ):
                session = Session(socket)
                await session.open()
                yield Janus(program, session, host, srtp_profile)
                await session.close()
        finally:
            program.close()
