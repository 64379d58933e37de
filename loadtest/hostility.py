"""What a stranger does to a server beside good calls: only ever to one on this very machine."""

import asyncio
import contextlib
import ipaddress
import secrets
import socket
from collections.abc import Sequence
from typing import Self

from loadtest.api import CannotBegin, Refused
from loadtest.stage import Stage

ROUNDS_PER_S = 100
REPLAYED_PACKETS = 20
OVERHEARD_AFTER_S = 0.1
API_PAUSE_S = 0.02

_NONSENSE: tuple[tuple[str, str, object], ...] = (
    ("POST", "/join", {"token": "x" * 500, "offer": "v=0"}),
    ("POST", "/join", {"offer": ["v=0"]}),
    ("POST", "/consultations", {"specialist_id": "\u0000", "purpose": ""}),
    ("GET", "/consultations/%2e%2e", None),
    ("POST", "/operator/synthetic-users", {"pairs": -1}),
    ("PUT", "/me/profile", "x" * 70_000),
)


def refuse_other_machines(host: str) -> None:
    """Raise CannotBegin unless ``host`` is this machine's loopback."""
    try:
        addresses = {item[4][0] for item in socket.getaddrinfo(host, None)}
    except OSError:
        addresses = set()
    if not addresses or not all(
        ipaddress.ip_address(str(each).partition("%")[0]).is_loopback for each in addresses
    ):
        raise CannotBegin(
            "the scenario 'hostile' floods, so it goes to a server on this machine only,"
            f" not {host}."
        )


class Hostility:
    """Attacks that go on inside of ``async with``; ``stage.record.attacks`` counts them."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        if not self._stage.up:
            return self
        remote = next(iter(self._stage.up[0].sides.values())).participant
        assert remote is not None
        assert remote.remote is not None
        target = remote.remote
        refuse_other_machines(target[0])
        attacks = self._stage.scenario.attacks
        if "garbage" in attacks:
            self._tasks.append(asyncio.create_task(self._garbage(target)))
        if "replays" in attacks:
            self._tasks.append(asyncio.create_task(self._replays(target)))
        if "checks" in attacks:
            self._tasks.append(asyncio.create_task(self._checks(target)))
        if "api" in attacks:
            self._tasks.append(asyncio.create_task(self._nonsense()))
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
            for task in self._tasks:
                if not task.cancelled():
                    task.result()

    async def _garbage(self, target: tuple[str, int]) -> None:
        """Datagrams of a stranger: random ones, and such as begin like STUN, DTLS and SRTP."""
        begins = (
            b"",
            b"\x00\x01\x00\x08\x21\x12\xa4\x42",
            b"\x16\xfe\xff",
            b"\x80\x60",
            b"\x80\xc8",
        )
        with _socket() as stranger:
            await self._flood("garbage", (stranger,), target, [
                begin + secrets.token_bytes(size)
                for begin in begins
                for size in (0, 1, 20, 200, 1200)
            ])  # fmt: skip

    async def _replays(self, target: tuple[str, int]) -> None:
        """Good packets of a call, once more and again and again: from its own, SRTP has to know
        them again, and from another address nobody may be taken for the participant."""
        call = self._stage.up[0]
        row = call.sides["client"].row
        packets = [await self._stage.media.make_packet(row) for _ in range(REPLAYED_PACKETS)]
        mine = call.sides["client"].participant
        assert mine is not None
        with _socket() as stranger:
            for packet in packets:
                with contextlib.suppress(OSError):
                    mine.socket.sendto(packet, target)
            await self._flood("replays", (mine.socket, stranger), target, packets)

    async def _checks(self, target: tuple[str, int]) -> None:
        """A connectivity check that was overheard, again and again, from another address."""
        mine = self._stage.up[0].sides["client"].participant
        assert mine is not None
        check = mine.consent_request()
        with contextlib.suppress(OSError):
            mine.socket.sendto(check, target)
        await asyncio.sleep(OVERHEARD_AFTER_S)
        with _socket() as stranger:
            await self._flood("checks", (stranger,), target, [check])

    async def _flood(
        self,
        name: str,
        senders: Sequence[socket.socket],
        target: tuple[str, int],
        datagrams: list[bytes],
    ) -> None:
        """Send them in turn, each of them from each of ``senders``."""
        a_round = max(1, self._stage.scenario.attack_pps // ROUNDS_PER_S)
        sent = 0
        while True:
            for _ in range(a_round):
                with contextlib.suppress(OSError):
                    datagram = datagrams[sent // len(senders) % len(datagrams)]
                    senders[sent % len(senders)].sendto(datagram, target)
                sent += 1
            self._stage.record.attacks[name] += a_round
            await asyncio.sleep(1 / ROUNDS_PER_S)

    async def _nonsense(self) -> None:
        user = self._stage.up[0].client
        turn = 0
        while True:
            method, path, body = _NONSENSE[turn % len(_NONSENSE)]
            turn += 1
            with contextlib.suppress(Refused):
                await user.call("nonsense", method, path, body)
            self._stage.record.attacks["api"] += 1
            await asyncio.sleep(API_PAUSE_S)


def _socket() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setblocking(False)
    return made
