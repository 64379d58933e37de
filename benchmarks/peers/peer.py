"""What the contest asks of a forwarder."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from loadtest.participant import Participant


@dataclass(frozen=True)
class Joined:
    """Connected participants, and which hears which: see ``Generator``."""

    participants: Sequence[Participant]
    hears: Sequence[int]


def pairs(participants: Sequence[Participant]) -> Joined:
    """Participants of whom 0 and 1 hear each other, 2 and 3, …"""
    return Joined(participants, [index ^ 1 for index in range(len(participants))])


class Peer(Protocol):
    """A forwarder in a process of its own, on a core of its own."""

    @property
    def pid(self) -> int: ...

    def cpu_ns(self) -> int: ...

    async def join(self, rooms: int) -> Joined:
        """Open that many rooms more, of two participants each, who are connected then."""
        ...


class Start(Protocol):
    """Starts a peer on a core, listening at an address, for one SRTP profile."""

    def __call__(
        self, core: int, host: str, srtp_profile: str
    ) -> AbstractAsyncContextManager[Peer]: ...
