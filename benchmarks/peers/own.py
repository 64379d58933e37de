"""The servers of this repository as peers: our worker, the bare relay, the asyncio forwarder."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiortc import RTCCertificate

from benchmarks.forwarding import join_relay, join_worker
from benchmarks.peers.peer import Joined, Running, pairs
from benchmarks.server_process import ServerProcess
from loadtest.participant import SRTP_PROFILES, Participant


class Worker(Running[ServerProcess]):
    """Our worker; see ``peer.Peer``."""

    def __init__(self, process: ServerProcess, host: str, srtp_profile: str) -> None:
        super().__init__(process, host, srtp_profile)
        self._rooms = 0

    async def join(self, rooms: int) -> Joined:
        """By ICE and DTLS."""
        joined = await join_worker(
            self._process, rooms, self._srtp_profile, self._rooms, self._host
        )
        self._rooms += rooms
        return pairs(joined)


class Relay(Running[ServerProcess]):
    """The relay of ``benchmarks.relay``, the least a forwarder can do; see ``peer.Peer``."""

    def __init__(self, process: ServerProcess, host: str, srtp_profile: str) -> None:
        super().__init__(process, host, srtp_profile)
        self._port = int(process.ask(listen=host)["port"])

    async def join(self, rooms: int) -> Joined:
        """Under keys of the participants' own."""
        return pairs(join_relay(self._process, self._port, rooms, self._srtp_profile, self._host))


class AsyncioForwarder(Running[ServerProcess]):
    """The forwarder of ``asyncio_forwarder``; see ``peer.Peer``."""

    def __init__(self, process: ServerProcess, host: str, srtp_profile: str) -> None:
        super().__init__(process, host, srtp_profile)
        self._port = int(process.read()["port"])
        self._certificate = RTCCertificate.generateCertificate()

    async def join(self, rooms: int) -> Joined:
        """Under keys that both sides are told."""
        people: list[Participant] = []
        told = []
        number = SRTP_PROFILES[self._srtp_profile].libsrtp_profile
        for _ in range(2 * rooms):
            person = Participant(self._host, self._certificate, self._srtp_profile)
            keys = person.make_key(), person.make_key()
            person.expect((self._host, self._port), *keys)
            people.append(person)
            told.append(
                {
                    "address": list(person.socket.getsockname()),
                    "from": keys[0].hex(),
                    "to": keys[1].hex(),
                    "profile": number,
                }
            )
        self._process.ask(rooms=[told[at : at + 2] for at in range(0, len(told), 2)])
        return pairs(people)


@asynccontextmanager
async def start_worker(
    core: int, host: str, srtp_profile: str, plane: str = "{}"
) -> AsyncIterator[Worker]:
    """Our worker with its default settings, or other ``PlaneSettings`` (a JSON object)."""
    with ServerProcess("benchmarks.worker_process", core, host, plane) as process:
        process.read()
        yield Worker(process, host, srtp_profile)


@asynccontextmanager
async def start_asyncio_forwarder(
    core: int, host: str, srtp_profile: str
) -> AsyncIterator[AsyncioForwarder]:
    """The asyncio forwarder."""
    with ServerProcess("benchmarks.peers.asyncio_forwarder", core, host) as process:
        yield AsyncioForwarder(process, host, srtp_profile)


@asynccontextmanager
async def start_relay(core: int, host: str, srtp_profile: str) -> AsyncIterator[Relay]:
    """The bare relay."""
    with ServerProcess("benchmarks.relay", core) as process:
        yield Relay(process, host, srtp_profile)
