"""What becomes of each datagram between a client and the node. Pure: time is an argument.

Directions are the node's: ``UP`` comes from a client, ``DOWN`` goes to it. Times are nanoseconds of
one clock, whichever the caller reads.
"""

import heapq
import math
import random
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from statistics import NormalDist

MS = 1_000_000
# Draws are kept off 0 and 1, where the normal and the exponential distribution have no value.
_EDGE = 1e-9


class Direction(IntEnum):
    """Which way a datagram goes."""

    UP = 0
    DOWN = 1


class Fate(IntEnum):
    """What became of a datagram. Only ``SENT`` left the proxy."""

    SENT = 0
    LOST = 1
    """By the loss that was asked for."""
    OVERFLOWED = 2
    """The line's queue was full."""
    REFUSED = 3
    """The kernel did not take it."""
    UNDERWAY = 4
    """It was still on its way when the proxy ended."""


class Jitter(StrEnum):
    """How the delay varies; ``jitter_ms`` is the parameter."""

    UNIFORM = "uniform"
    """From −jitter_ms to +jitter_ms."""
    NORMAL = "normal"
    """With a standard deviation of jitter_ms."""
    EXPONENTIAL = "exponential"
    """Added to the delay, with a mean of jitter_ms."""


@dataclass(frozen=True)
class Impairment:
    """What one direction of a client's line does to datagrams.

    Attributes:
        loss_pct: of datagrams, each independently.
        delay_ms: of each.
        jitter_ms: parameter of ``jitter``; the sum with ``delay_ms`` is never below 0.
        jitter: distribution of the variation.
        jitter_hold_ms: how long a variation stays, as that of a queue does; 0: each datagram has
            its own. With many datagrams in order, one's own is hidden by those before it.
        in_order: a datagram waits for the one before it, as in the queue of a router; otherwise
            jitter reorders.
        reorder_pct: of datagrams that are held back and let others pass.
        reorder_by_ms: how long they are held.
        duplicate_pct: of datagrams that arrive twice, one copy right behind the other.
        queue: datagrams that may be on their way at once; one more is dropped.
    """

    loss_pct: float = 0.0
    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    jitter: Jitter = Jitter.UNIFORM
    jitter_hold_ms: float = 0.0
    in_order: bool = True
    reorder_pct: float = 0.0
    reorder_by_ms: float = 20.0
    duplicate_pct: float = 0.0
    queue: int = 5000

    def __post_init__(self) -> None:
        """Raises ValueError for what is out of range."""
        for name in ("loss_pct", "reorder_pct", "duplicate_pct"):
            if not 0 <= getattr(self, name) <= 100:
                raise ValueError(f"{name}: {getattr(self, name)} is not between 0 and 100")
        for name in ("delay_ms", "jitter_ms", "jitter_hold_ms", "reorder_by_ms"):
            if not 0 <= getattr(self, name) <= 10_000:
                raise ValueError(f"{name}: {getattr(self, name)} is not between 0 and 10000")
        if self.queue < 1:
            raise ValueError(f"queue: {self.queue} is less than 1")


UNIMPAIRED = Impairment()


@dataclass(frozen=True)
class Client:
    """A browser's socket as the proxy sees it.

    Attributes:
        number: counts the clients from 0 on.
        host, port: where it sends from. A browser has several, one machine has one ``host``.
    """

    number: int
    host: str
    port: int


@dataclass(slots=True, eq=False)
class Passage:
    """One datagram on its way, or one copy of it.

    Attributes:
        arrived_ns: at the proxy.
        due_ns: when it is to leave; ``arrived_ns`` for one that does not.
        fate: SENT, from the moment it was taken, unless something else becomes of it.
        held: it was chosen to be passed by others.
        copy: it is the second of a datagram that was to arrive twice.
    """

    client: Client
    direction: Direction
    data: bytes
    arrived_ns: int
    due_ns: int
    fate: Fate = Fate.SENT
    held: bool = False
    copy: bool = False


@dataclass
class _Line:
    """One direction of one client."""

    random: random.Random
    underway: int = 0
    last_due_ns: int = 0
    varied: float = 0.5  # drawn, and held until then
    varies_at_ns: int = 0


def variation_ms(jitter: Jitter, jitter_ms: float, drawn: float) -> float:
    """The variation of the delay for a number drawn evenly from 0 to 1."""
    drawn = min(max(drawn, _EDGE), 1 - _EDGE)
    match jitter:
        case Jitter.UNIFORM:
            return jitter_ms * (2 * drawn - 1)
        case Jitter.NORMAL:
            return jitter_ms * _NORMAL.inv_cdf(drawn)
        case Jitter.EXPONENTIAL:
            return -jitter_ms * math.log1p(-drawn)


_NORMAL = NormalDist()


@dataclass
class Lines:
    """The lines of all clients.

    Args:
        seed: the same seed and the same order of datagrams of a line give the same fates.
        everyone: the impairment of each direction for hosts that have none of their own.
            A host's socket may have one, too, that goes before its host's.
    """

    seed: int
    everyone: dict[Direction, Impairment] = field(
        default_factory=lambda: dict.fromkeys(Direction, UNIMPAIRED)
    )
    _own: dict[tuple[str, int | None, Direction], Impairment] = field(default_factory=dict)
    _lines: dict[tuple[int, Direction], _Line] = field(default_factory=dict)
    _heap: list[tuple[int, int, Passage]] = field(default_factory=list)
    _count: int = 0

    def impair(
        self,
        direction: Direction,
        impairment: Impairment,
        host: str | None = None,
        port: int | None = None,
    ) -> None:
        """Change what happens to datagrams that arrive from now on.

        Args:
            host: of the clients meant; None means every host without an impairment of its own.
            port: of the one client of that host that is meant; None means all.
        """
        if host is None:
            self.everyone[direction] = impairment
        else:
            self._own[host, port, direction] = impairment

    def impairment(self, client: Client, direction: Direction) -> Impairment:
        """What happens to datagrams of a client."""
        host, port = client.host, client.port
        of_host = self._own.get((host, None, direction), self.everyone[direction])
        return self._own.get((host, port, direction), of_host)

    def receive(
        self, client: Client, direction: Direction, data: bytes, now_ns: int
    ) -> Passage | None:
        """Take a datagram. Returns its passage if that ends here, None if it is on its way."""
        how = self.impairment(client, direction)
        key = client.number, direction
        line = self._lines.get(key)
        if line is None:
            line = _Line(random.Random(f"{self.seed} {client.number} {direction}"))
            self._lines[key] = line
        # As many draws for each datagram, so that one setting does not change another's choices.
        lost, varied, held, repeated = (line.random.random() for _ in range(4))
        passage = Passage(client, direction, data, now_ns, now_ns)
        if lost * 100 < how.loss_pct:
            passage.fate = Fate.LOST
            return passage
        if line.underway >= how.queue:
            passage.fate = Fate.OVERFLOWED
            return passage
        if now_ns >= line.varies_at_ns:
            line.varied = varied
            line.varies_at_ns = now_ns + round(how.jitter_hold_ms * MS)
        delay_ms = how.delay_ms + variation_ms(how.jitter, how.jitter_ms, line.varied)
        due_ns = now_ns + max(0, round(delay_ms * MS))
        if how.in_order:
            due_ns = max(due_ns, line.last_due_ns)
        if held * 100 < how.reorder_pct:
            passage.held = True
            passage.due_ns = due_ns + round(how.reorder_by_ms * MS)
        else:
            passage.due_ns = line.last_due_ns = due_ns
        self._put(line, passage)
        if repeated * 100 < how.duplicate_pct and line.underway < how.queue:
            self._put(
                line,
                Passage(
                    *(client, direction, data, now_ns, passage.due_ns),
                    held=passage.held,
                    copy=True,
                ),
            )
        return None

    def due(self, now_ns: int) -> list[Passage]:
        """The datagrams that have to leave by now, in order."""
        found = []
        while self._heap and self._heap[0][0] <= now_ns:
            found.append(self._take())
        return found

    @property
    def next_due_ns(self) -> int | None:
        """When the next datagram has to leave; None when none is on its way."""
        return self._heap[0][0] if self._heap else None

    def end(self) -> list[Passage]:
        """What is still on its way, which will not leave any more."""
        found = []
        while self._heap:
            passage = self._take()
            passage.fate = Fate.UNDERWAY
            found.append(passage)
        return found

    def forget(self, client: Client) -> None:
        """Drop the state of a client that is gone; what is on its way still leaves."""
        for direction in Direction:
            self._lines.pop((client.number, direction), None)

    def _put(self, line: _Line, passage: Passage) -> None:
        line.underway += 1
        self._count += 1
        heapq.heappush(self._heap, (passage.due_ns, self._count, passage))

    def _take(self) -> Passage:
        passage = heapq.heappop(self._heap)[2]
        line = self._lines.get((passage.client.number, passage.direction))
        if line is not None:
            line.underway -= 1
        return passage
