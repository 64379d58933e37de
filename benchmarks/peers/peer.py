"""What the contest asks of a forwarder."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from benchmarks.measurement import Server
from loadtest.participant import Participant


@dataclass(frozen=True)
class Joined:
    """Connected participants, and which hears which: see ``Generator``."""

    participants: Sequence[Participant]
    hears: Sequence[int]


def pairs(participants: Sequence[Participant]) -> Joined:
    """Participants of whom 0 and 1 hear each other, 2 and 3, …"""
    return Joined(participants, [index ^ 1 for index in range(len(participants))])


class Peer(Server, Protocol):
    """A forwarder in a process of its own, on a core of its own."""

    async def join(self, rooms: int) -> Joined:
        """Open that many rooms more, of two participants each, who are connected then."""
        ...


Process = TypeVar("Process", bound=Server)


class Running(Generic[Process]):
    """What all peers have: a process, an address to listen at, an SRTP profile."""

    def __init__(self, process: Process, host: str, srtp_profile: str) -> None:
        self._process = process
        self._host, self._srtp_profile = host, srtp_profile

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def cpu_ns(self) -> int:
        """What it has used so far."""
        return self._process.cpu_ns()


class Start(Protocol):
    """Starts a peer on a core, listening at an address, for one SRTP profile."""

    def __call__(
        self, core: int, host: str, srtp_profile: str
    ) -> AbstractAsyncContextManager[Peer]: ...
