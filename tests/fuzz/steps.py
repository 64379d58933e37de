"""What an input of the fuzzer means: steps, one after the other, each four octets and a payload.

Whatever octets there are, they are some steps, so that mutations stay meaningful.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

MAX_STEPS: Final = 200


class Act(IntEnum):
    """What happens in a step."""

    RAW = 0  # the payload, from the address of a browser
    RTP = 1  # the same, protected with its keys when libsrtp can
    RTP_NEXT = 2  # the same, with an SSRC that it has and the number that is due
    RTCP = 3
    STRANGER = 4  # the payload, from an address that nobody has validated
    STUN = (
        5  # attributes, behind a true header and a username that names the browser's slot, or none
    )
    AGAIN = 6  # the last datagram, several times
    COMMAND = 7  # of the shell: pair, part, rejoin, restart, another address


AFTER_MS: Final = (0, 1, 20, 1500)
"""How long after the last one a step comes; with 0 it is in the same batch."""


@dataclass(frozen=True)
class Step:
    """One step of ``who`` (0 or 1: the two browsers of the room)."""

    act: Act
    who: int
    after_ms: int
    payload: bytes

    def pack(self) -> bytes:
        """As octets."""
        times = AFTER_MS.index(self.after_ms)
        return struct.pack("!BBH", self.act, self.who | times << 1, len(self.payload)) + (
            self.payload
        )


def read_steps(data: bytes) -> Iterator[Step]:
    """The steps in ``data``, as many as are looked at."""
    at = 0
    for _ in range(MAX_STEPS):
        if at + 4 > len(data):
            return
        act, flags, length = struct.unpack_from("!BBH", data, at)
        payload = data[at + 4 : at + 4 + length]
        at += 4 + length
        yield Step(Act(act % len(Act)), flags & 1, AFTER_MS[flags >> 1 & 3], payload)
