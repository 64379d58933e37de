"""A log of the proxy, packet by packet, as the tests of the proof need it."""

import struct

import numpy as np

from benchmarks.impairment import log
from benchmarks.impairment.line import MS, Client, Direction, Fate, Passage

HOST, PORT = "10.99.0.2", 40001
START_NS = 1_700_000_000 * 1_000_000_000
AUDIO, VIDEO, RTX, PARTNER = 11, 12, 13, 21


class Log:
    """Grows by what passes one client's line; times in ms since ``START_NS``."""

    def __init__(self) -> None:
        self._octets = b""

    @property
    def records(self) -> log.Records:
        """All so far."""
        return np.frombuffer(self._octets, log.RECORD)

    def rtp(
        self,
        at_ms: float,
        direction: Direction,
        ssrc: int,
        number: int,
        delay_ms: float = 0.0,
        fate: Fate = Fate.SENT,
        copy: bool = False,
    ) -> None:
        """A packet of 20 ms of Opus."""
        head = struct.pack("!BBHII", 0x80, 111, number % 2**16, 960 * number % 2**32, ssrc)
        self._pass(head + bytes(20), at_ms, direction, delay_ms, fate, copy)

    def rtcp(
        self,
        at_ms: float,
        direction: Direction,
        type_: int,
        ssrc: int,
        blocks: int = 1,
        delay_ms: float = 0.0,
    ) -> None:
        """A compound packet that begins with a report."""
        head = struct.pack("!BBHI", 0x80 | blocks, type_, 12, ssrc)
        self._pass(head + bytes(40), at_ms, direction, delay_ms, Fate.SENT, False)

    def _pass(
        self,
        data: bytes,
        at_ms: float,
        direction: Direction,
        delay_ms: float,
        fate: Fate,
        copy: bool,
    ) -> None:
        arrived_ns = START_NS + round(at_ms * MS)
        due_ns = arrived_ns + round(delay_ms * MS)
        client = Client(0, HOST, PORT)
        passage = Passage(client, direction, data, arrived_ns, due_ns, fate, copy=copy)
        self._octets += log.record(passage, due_ns if fate == Fate.SENT else 0)


def ns(at_ms: float) -> int:
    """That time as the log has it."""
    return START_NS + round(at_ms * MS)
