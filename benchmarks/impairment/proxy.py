"""The proxy's sockets: between browsers and a node on one port number.

The node listens on a loopback address, announces the proxy's address, and hears each client from a
loopback socket of the client's own. Kernel receive stamps are the arrival times; ``select`` waits
with microseconds, which asyncio's and uvloop's timers (milliseconds) do not.
"""

import json
import os
import select
import socket
import struct
import time
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Self

from benchmarks.impairment import log
from benchmarks.impairment.line import Client, Direction, Fate, Impairment, Jitter, Lines, Passage

Address = tuple[str, int]

SO_TIMESTAMPNS = 35
SO_RXQ_OVFL = 40
MAX_DATAGRAM = 2048
BATCH = 64  # datagrams taken from one socket before what is due leaves
SOCKET_BUFFER = 4 << 20
# Browsers open a socket for each of their addresses; the least recently heard makes way.
MAX_CLIENTS = 256
LATE_BIN_US = 20
LATE_BINS = 5000
# A wait is bounded, so that the end and commands are not missed.
LONGEST_WAIT_S = 0.2


@dataclass
class Lateness:
    """How long after they were due datagrams left."""

    bins: list[int] = field(default_factory=lambda: [0] * LATE_BINS)
    count: int = 0
    max_us: float = 0.0

    def add(self, late_ns: int) -> None:
        """Count one datagram."""
        late_us = max(0, late_ns) / 1000
        self.bins[min(int(late_us / LATE_BIN_US), LATE_BINS - 1)] += 1
        self.count += 1
        self.max_us = max(self.max_us, late_us)

    def percentile_us(self, percent: float) -> float:
        """That percentile, to :data:`LATE_BIN_US` (rounded up)."""
        wanted, seen = self.count * percent / 100, 0
        for index, count in enumerate(self.bins):
            seen += count
            if seen >= wanted and seen:
                return float((index + 1) * LATE_BIN_US)
        return 0.0


class Proxy:
    """A running proxy. Clients come by themselves.

    Args:
        listen: address and port for clients; port 0 takes a free one, see :attr:`address`.
        node: where the node listens.
        lines: what happens to datagrams.
        journal: takes the log (see :mod:`benchmarks.impairment.log`), or None.
    """

    def __init__(
        self, listen: Address, node: Address, lines: Lines, journal: IO[bytes] | None = None
    ) -> None:
        self.lines = lines
        self._node = node
        self._journal = journal
        self._outside = _open(listen)
        self.address: Address = self._outside.getsockname()[:2]
        # By address, the least recently heard first.
        self._clients: OrderedDict[Address, Client] = OrderedDict()
        self._sockets: dict[Client, socket.socket] = {}
        self._client_of: dict[socket.socket, Client] = {}
        self._counted: Counter[tuple[Client, Direction, str]] = Counter()
        self._late = Lateness()
        self._newcomers = 0
        # Datagrams that the kernel could not queue for us, by socket: a fault of ours, not a loss
        # that was asked for. The kernel tells a running total.
        self._unread: dict[socket.socket, int] = {}
        self._too_long = 0
        self._unread_command = b""  # its end is still to come

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the sockets; what is on its way is logged as such."""
        for passage in self.lines.end():
            self._ended(passage, 0)
        for each in (self._outside, *self._client_of):
            each.close()

    def run(self, until_ns: int, commands: int | None = None) -> None:
        """Carry datagrams until that Unix time.

        Args:
            commands: descriptor of a stream of lines, each as :func:`carry_out` takes it; its end
                ends the run.
        """
        more: list[int | socket.socket] = [commands] if commands is not None else []
        while (now_ns := time.time_ns()) < until_ns:
            wait_s = min(LONGEST_WAIT_S, (until_ns - now_ns) / 1e9)
            due_ns = self.lines.next_due_ns
            if due_ns is not None:
                wait_s = min(wait_s, max(0.0, (due_ns - now_ns) / 1e9))
            ready, _, _ = select.select(
                [*more, self._outside, *self._client_of], [], [], max(0.0, wait_s)
            )
            self._send_due()
            for each in ready:
                if isinstance(each, int):
                    if not (read := os.read(each, 1 << 16)):
                        return
                    *lines, self._unread_command = (self._unread_command + read).split(b"\n")
                    for line in lines:
                        carry_out(self.lines, line)
                elif each is self._outside:
                    for data, address, at_ns in self._drain(each):
                        self._take(self._client(address), Direction.UP, data, at_ns)
                elif (client := self._client_of.get(each)) is not None:
                    for data, _, at_ns in self._drain(each):
                        self._take(client, Direction.DOWN, data, at_ns)
                self._send_due()

    def summary(self) -> dict[str, object]:
        """What it did, for people and programs."""
        return {
            "clients": [
                {
                    "client": client.number,
                    "host": client.host,
                    "port": client.port,
                    **{
                        direction.name.lower(): {
                            name: count
                            for (who, way, name), count in self._counted.items()
                            if (who, way) == (client, direction)
                        }
                        for direction in Direction
                    },
                }
                for client in sorted({who for who, _, _ in self._counted}, key=_number)
            ],
            "late_us": {
                "p50": self._late.percentile_us(50),
                "p99": self._late.percentile_us(99),
                "max": round(self._late.max_us),
            },
            "not_read_in_time": sum(self._unread.values()),
            "too_long": self._too_long,
        }

    def _drain(self, source: socket.socket) -> Iterator[tuple[bytes, Address, int]]:
        """What is there to be read, with its source and the time when it came."""
        for _ in range(BATCH):
            try:
                data, extra, flags, address = source.recvmsg(MAX_DATAGRAM, 128)
            except BlockingIOError:
                return
            except ConnectionRefusedError:  # the node is not there: as silent as a real network
                continue
            at_ns = time.time_ns()
            for level, kind, value in extra:
                if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
                    seconds, nanoseconds = struct.unpack("qq", value)
                    at_ns = seconds * 1_000_000_000 + nanoseconds
                elif (level, kind) == (socket.SOL_SOCKET, SO_RXQ_OVFL):
                    self._unread[source] = struct.unpack("I", value)[0]
            if flags & socket.MSG_TRUNC:
                self._too_long += 1
            else:
                yield data, address[:2] if address else self._node, at_ns

    def _client(self, address: Address) -> Client:
        client = self._clients.get(address)
        if client is None:
            client = self._adopt(address)
        self._clients.move_to_end(address)
        return client

    def _adopt(self, address: Address) -> Client:
        if len(self._clients) >= MAX_CLIENTS:
            _, gone = self._clients.popitem(last=False)
            self.lines.forget(gone)
            inside = self._sockets.pop(gone)
            del self._client_of[inside]
            inside.close()
        client = Client(self._newcomers, *address)
        self._newcomers += 1
        loopback = "::1" if ":" in self._node[0] else "127.0.0.1"
        inside = _open((loopback, 0))
        inside.connect(self._node)
        self._clients[address] = client
        self._sockets[client] = inside
        self._client_of[inside] = client
        return client

    def _take(self, client: Client, direction: Direction, data: bytes, at_ns: int) -> None:
        ended = self.lines.receive(client, direction, data, at_ns)
        if ended is not None:
            self._ended(ended, 0)

    def _send_due(self) -> None:
        due_ns = self.lines.next_due_ns
        if due_ns is None or due_ns > (now_ns := time.time_ns()):
            return
        for passage in self.lines.due(now_ns):
            client = passage.client
            sent_ns = time.time_ns()
            try:
                if passage.direction == Direction.DOWN:
                    self._outside.sendto(passage.data, (client.host, client.port))
                else:
                    self._sockets[client].send(passage.data)
            except (OSError, KeyError):  # no room, nobody there, or the client was given up
                passage.fate = Fate.REFUSED
                sent_ns = 0
            else:
                self._late.add(sent_ns - passage.due_ns)
            self._ended(passage, sent_ns)

    def _ended(self, passage: Passage, sent_ns: int) -> None:
        names = [passage.fate.name.lower()]
        names += ["held"] if passage.held else []
        names += ["copies"] if passage.copy else []
        for name in names:
            self._counted[passage.client, passage.direction, name] += 1
        if self._journal is not None:
            self._journal.write(log.record(passage, sent_ns))


def carry_out(lines: Lines, line: str | bytes) -> None:
    """Change impairments by a line of JSON.

    {"up": {"loss_pct": 5}, "down": {"delay_ms": 25, "jitter": "normal"}, "host": "10.99.0.2"}:
    fields of :class:`Impairment`; a direction left out stays as it is, without ``host`` everyone
    is meant, with ``port`` beside it one client of that host.

    Raises ValueError or TypeError when it makes no sense.
    """
    command = json.loads(line)
    for direction in Direction:
        wanted = command.get(direction.name.lower())
        if wanted is not None:
            if "jitter" in wanted:
                wanted = {**wanted, "jitter": Jitter(wanted["jitter"])}
            lines.impair(direction, Impairment(**wanted), command.get("host"), command.get("port"))


def _open(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_DGRAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        opened.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            opened.setsockopt(socket.SOL_SOCKET, option, SOCKET_BUFFER)
        # Only the superuser may go beyond the system's limit.
        with suppress(OSError):
            opened.setsockopt(socket.SOL_SOCKET, 33, SOCKET_BUFFER)  # SO_RCVBUFFORCE
        opened.setblocking(False)
        opened.bind(address)
    except BaseException:
        opened.close()
        raise
    return opened


def _number(client: Client) -> int:
    return client.number
