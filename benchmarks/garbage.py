"""Strangers who send garbage to a server's media port, as many datagrams a second as asked for.

Every kind that gets some way into a server: nothing at all, random octets, checks for somebody who
is not there, a stranger's ClientHello, and what looks like RTP and RTCP. Compiled and in batches,
so that the flood costs its own core little.
"""

import random
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import numpy as np
from OpenSSL import SSL

from loadtest.arrival_profile import Integers
from sfu.compiled import compiled
from sfu.native import (
    CLOCK_MONOTONIC,
    MSG_DONTWAIT,
    TIMESPEC,
    Messages,
    Records,
    address_of,
    clock_nanosleep,
    pack_address,
    read_clock,
    sendmmsg,
)

STRANGERS: Final = 16  # sockets, and so source addresses
BATCH: Final = 64
LARGEST: Final = 1500
_SOCKADDR_IN: Final = 16

# What a flood counts
SENT: Final = 0
NOT_SENT: Final = 1
STOP: Final = 2  # set from outside
FIELDS: Final = 3


@compiled
def flood(
    sockets: Integers,
    headers_address: int,
    header_size: int,
    batches: int,
    interval_ns: int,
    clock: Records,
    clock_address: int,
    counts: Integers,
) -> None:
    """Send a batch every ``interval_ns``, each from the next socket, until told to stop."""
    due_ns = read_clock(clock, clock_address, CLOCK_MONOTONIC)
    number = 0
    while counts[STOP] == 0:
        now_ns = read_clock(clock, clock_address, CLOCK_MONOTONIC)
        if now_ns < due_ns:
            clock[0]["seconds"] = 0
            clock[0]["nanoseconds"] = min(due_ns - now_ns, 999_999_999)
            clock_nanosleep(CLOCK_MONOTONIC, 0, clock_address, 0)
            continue
        at = headers_address + (number % batches) * BATCH * header_size
        sent = sendmmsg(int(sockets[number % sockets.size]), at, BATCH, MSG_DONTWAIT)
        counts[SENT] += max(sent, 0)
        counts[NOT_SENT] += BATCH - max(sent, 0)
        number += 1
        due_ns += interval_ns


def client_hello() -> bytes:
    """A stranger's first flight, as OpenSSL begins a handshake."""
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_tlsext_use_srtp(b"SRTP_AEAD_AES_128_GCM")
    connection = SSL.Connection(context)
    connection.set_connect_state()
    with suppress(SSL.WantReadError):
        connection.do_handshake()
    return connection.bio_read(LARGEST)


def _check(chance: random.Random, ufrag: str) -> bytes:
    """A binding request for ``ufrag``, signed with nothing that anybody knows."""
    name = f"{ufrag}:stranger".encode()
    attributes = b"\0\6" + len(name).to_bytes(2) + name + bytes(-len(name) % 4)
    attributes += b"\0\x24\0\4" + chance.randbytes(4) + b"\0\x08\0\x14" + chance.randbytes(20)
    head = b"\0\1" + len(attributes).to_bytes(2) + b"\x21\x12\xa4\x42" + chance.randbytes(12)
    return head + attributes


def make_garbage(count: int, chance: random.Random) -> list[bytes]:
    """``count`` datagrams, of each kind about as many."""
    hello = client_hello()
    made: list[bytes] = []
    while len(made) < count:
        size = chance.choice((20, 100, 400, 1200))
        made += [
            b"",
            chance.randbytes(size),
            _check(chance, "zz00" + "".join(chance.choices("abcdefgh", k=4))),
            _check(chance, "0000" + "".join(chance.choices("abcdefgh", k=4))),
            b"\0\1" + chance.randbytes(size),
            hello,
            b"\x80" + bytes([chance.choice((96, 111, 0x80 | 96))]) + chance.randbytes(size),
            b"\x81" + bytes([chance.choice((200, 201, 205, 206))]) + chance.randbytes(size),
        ]
    return made[:count]


@dataclass(frozen=True)
class Flooded:
    """What a flood came to."""

    sent: int
    not_sent: int
    seconds: float

    @property
    def per_second(self) -> float:
        """Datagrams that left, a second."""
        return self.sent / max(self.seconds, 1e-9)


class Flood:
    """Garbage to ``target`` from ``start`` to ``stop``, in a thread of its own."""

    def __init__(self, target: tuple[str, int], per_second: int, seed: int = 5) -> None:
        batches = 32
        garbage = make_garbage(batches * BATCH, random.Random(seed))
        self._messages = Messages(len(garbage), LARGEST)
        name = np.frombuffer(pack_address(target, socket.AF_INET), np.uint8)
        stride = self._messages.stride
        for index, data in enumerate(garbage):
            at = index * stride + self._messages.headroom
            self._messages.data[at : at + len(data)] = np.frombuffer(data, np.uint8)
            self._messages.vectors[index]["length"] = len(data)
        self._messages.names[:] = np.tile(name, len(garbage))
        self._messages.headers["name_length"] = _SOCKADDR_IN
        self._sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(STRANGERS)]
        for each in self._sockets:
            each.bind((target[0], 0))
        self._counts: Integers = np.zeros(FIELDS, np.int64)
        self._clock: Records = np.zeros(1, TIMESPEC)
        self._arguments = (
            np.array([each.fileno() for each in self._sockets], np.int64),
            self._messages.headers_address,
            self._messages.headers.itemsize,
            batches,
            BATCH * 1_000_000_000 // per_second,
            self._clock,
            address_of(self._clock),
            self._counts,
        )
        self._thread = threading.Thread(target=flood, args=self._arguments, name="flood")
        self._began = 0.0
        self._counts[STOP] = 1
        flood(*self._arguments)  # compiles
        self._counts[STOP] = 0

    def start(self) -> None:
        """Begin to send."""
        self._began = time.monotonic()
        self._thread.start()

    def stop(self) -> Flooded:
        """End it; says how much it was."""
        seconds = time.monotonic() - self._began
        self._counts[STOP] = 1
        self._thread.join()
        for each in self._sockets:
            each.close()
        return Flooded(int(self._counts[SENT]), int(self._counts[NOT_SENT]), seconds)
