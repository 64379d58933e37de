"""The relay that the worker is measured against, and the yardstick that the relay is.

The relay is the least a forwarder can do with plain system calls: blocking ``recvmmsg``, look up
where the sender's partner is, ``sendmmsg``. No sleep, no GSO or GRO, no parsing, no cryptography;
compiled like the plane. The yardstick is a bare ``sendto``: when it grows, so did the kernel's
part, and the ratio means something else.

As a process (``python -m benchmarks.relay``) it reads one JSON object a line and answers each with
one: {"listen": host} → {"port": …}; {"routes": [[[host, port], [host, port]], …]} → {"routes": n};
{"sendto": count} → {"sendto_us": …}. It ends with its standard input.
"""

import json
import socket
import sys
import threading
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sfu.compiled import compiled
from sfu.native import (
    ADDRESS_SIZE,
    IOVEC,
    MMSGHDR,
    MSG_DONTWAIT,
    MSG_WAITFORONE,
    TIMESPEC,
    Messages,
    Records,
    address_of,
    pack_address,
    read_clock,
    recvmmsg,
    reset_messages,
    sendmmsg,
    sendto,
)

Octets = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]

BATCH: Final = 64
SLOTS: Final = 4096  # of the table of addresses, a power of two, mostly empty
SOCKET_BUFFER: Final = 8 << 20  # as the plane's
YARDSTICK_SIZE: Final = 1100
YARDSTICK_BATCH: Final = 64
_CLOCK_THREAD_CPUTIME_ID: Final = 3
_SNDBUFFORCE: Final = 32  # linux/socket.h
_RCVBUFFORCE: Final = 33
_IOVEC_SIZE: Final = IOVEC.itemsize
_MMSGHDR_SIZE: Final = MMSGHDR.itemsize


@compiled
def _key(names: Octets, at: int) -> int:
    """Port and IPv4 address of a sockaddr_in as one number, never 0."""
    key = 0
    for index in range(2, 8):
        key = (key << 8) | int(np.int64(names[at + index]))
    return key


@compiled
def _find(table: Integers, key: int) -> int:
    """The slot of ``key``, or the free one where it belongs."""
    slot = ((key * 0x9E3779B1) >> 16) & (SLOTS - 1)
    while table[slot] != 0 and table[slot] != key:
        slot = (slot + 1) & (SLOTS - 1)
    return slot


@compiled
def relay(
    fd: int,
    table: Integers,
    partners: Octets,
    partners_address: int,
    received: Records,
    received_address: int,
    names: Octets,
    sent: Records,
    sent_address: int,
    vectors: Records,
    vectors_address: int,
    size: int,
    stop: Integers,
) -> None:
    """Pass on every datagram to its sender's partner until ``stop[0]`` is set and one comes."""
    while stop[0] == 0:
        reset_messages(received, BATCH)
        count = recvmmsg(fd, received_address, BATCH, MSG_WAITFORONE, 0)
        going = 0
        for index in range(max(count, 0)):
            slot = _find(table, _key(names, index * ADDRESS_SIZE))
            if table[slot] == 0:
                continue
            vectors[index]["length"] = received[index]["length"]
            sent[going]["name"] = partners_address + slot * ADDRESS_SIZE
            sent[going]["vectors"] = vectors_address + index * _IOVEC_SIZE
            going += 1
        done = 0
        while done < going:
            step = sendmmsg(fd, sent_address + done * _MMSGHDR_SIZE, going - done, MSG_DONTWAIT)
            done += max(step, 1)  # one that cannot be sent is lost
        for index in range(max(count, 0)):
            vectors[index]["length"] = size


@compiled
def bare_sendto(
    fd: int,
    data_address: int,
    name_address: int,
    count: int,
    clock: Records,
    clock_address: int,
    drain_fd: int,
    drain_address: int,
    drained: Records,
) -> int:
    """CPU time in ns of ``count`` sends to a socket that is emptied in between, untimed."""
    spent = 0
    done = 0
    while done < count:
        before = read_clock(clock, clock_address, _CLOCK_THREAD_CPUTIME_ID)
        for _ in range(YARDSTICK_BATCH):
            sendto(fd, data_address, YARDSTICK_SIZE, MSG_DONTWAIT, name_address, 16)
        spent += read_clock(clock, clock_address, _CLOCK_THREAD_CPUTIME_ID) - before
        done += YARDSTICK_BATCH
        while recvmmsg(drain_fd, drain_address, BATCH, MSG_DONTWAIT, 0) > 0:
            reset_messages(drained, BATCH)
    return spent


def _bound(host: str) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for forced, plain in ((_RCVBUFFORCE, socket.SO_RCVBUF), (_SNDBUFFORCE, socket.SO_SNDBUF)):
        try:
            sock.setsockopt(socket.SOL_SOCKET, forced, SOCKET_BUFFER)
        except OSError:  # not permitted: as much as the system gives
            sock.setsockopt(socket.SOL_SOCKET, plain, SOCKET_BUFFER)
    sock.bind((host, 0))
    return sock


class Relay:
    """The relay on a socket of its own, in a thread of its own."""

    def __init__(self, host: str) -> None:
        self._socket = _bound(host)
        self._table: Integers = np.zeros(SLOTS, np.int64)
        self._partners: Octets = np.zeros(SLOTS * ADDRESS_SIZE, np.uint8)
        self._received = Messages(BATCH, 2048)
        self._sent: Records = np.zeros(BATCH, self._received.headers.dtype)
        self._sent["name_length"] = 16  # of a sockaddr_in
        self._sent["vector_count"] = 1
        self._stop: Integers = np.ones(1, np.int64)
        self._loop()  # ends at once: compiles
        self._stop[0] = 0
        self._thread = threading.Thread(target=self._loop, name="relay", daemon=True)
        self._thread.start()

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        host, port = self._socket.getsockname()
        return host, port

    def add_route(self, one: tuple[str, int], other: tuple[str, int]) -> None:
        """Pass what comes from either on to the other. Do it before they send."""
        for source, target in ((one, other), (other, one)):
            name = np.frombuffer(pack_address(source, socket.AF_INET), np.uint8)
            key = _key(name, 0)
            slot = _find(self._table, key)
            destination = np.frombuffer(pack_address(target, socket.AF_INET), np.uint8)
            self._partners[slot * ADDRESS_SIZE : (slot + 1) * ADDRESS_SIZE] = destination
            self._table[slot] = key

    def close(self) -> None:
        """End the thread."""
        self._stop[0] = 1
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", self.address)
        self._thread.join()
        self._socket.close()

    def _loop(self) -> None:
        messages = self._received
        relay(
            self._socket.fileno(),
            self._table,
            self._partners,
            address_of(self._partners),
            messages.headers,
            messages.headers_address,
            messages.names,
            self._sent,
            address_of(self._sent),
            messages.vectors,
            address_of(messages.vectors),
            messages.size,
            self._stop,
        )


def measure_sendto(host: str, count: int) -> float:
    """CPU time in µs of one bare ``sendto`` of 1.1 kB."""
    with _bound(host) as sender, _bound(host) as sink:
        data: Octets = np.zeros(YARDSTICK_SIZE, np.uint8)
        name = np.frombuffer(pack_address(sink.getsockname(), socket.AF_INET), np.uint8)
        drained = Messages(BATCH, 2048)
        clock: Records = np.zeros(1, TIMESPEC)
        spent = 0
        for rounds in (0, count):  # the first compiles
            spent = bare_sendto(
                sender.fileno(),
                address_of(data),
                address_of(name),
                rounds,
                clock,
                address_of(clock),
                sink.fileno(),
                drained.headers_address,
                drained.headers,
            )
    batches = -(-count // YARDSTICK_BATCH)
    return spent / 1000 / (batches * YARDSTICK_BATCH)


def main() -> None:
    """The relay as a process."""
    host = "127.0.0.1"
    running: Relay | None = None
    for line in sys.stdin:
        request: dict[str, Any] = json.loads(line)
        reply: dict[str, Any] = {}
        if "listen" in request:
            host = request["listen"]
            running = Relay(host)
            reply["port"] = running.address[1]
        elif "routes" in request and running is not None:
            for one, other in request["routes"]:
                running.add_route((one[0], one[1]), (other[0], other[1]))
            reply["routes"] = len(request["routes"])
        elif "sendto" in request:
            reply["sendto_us"] = measure_sendto(host, request["sendto"])
        else:
            reply["error"] = "unknown request"
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()
    if running is not None:
        running.close()


if __name__ == "__main__":
    main()
