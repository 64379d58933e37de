"""Runs of many virtual participants, and what they measured; ``loop`` does the moving.

A generator that is itself the bottleneck says so: ``Traffic.bottleneck``.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from loadtest import table
from loadtest.arrival_profile import ArrivalProfile, Integers
from loadtest.bottleneck import find_bottlenecks
from loadtest.crowd import NEVER_NS, NOBODY, Crowd
from loadtest.participant import Participant
from loadtest.percentiles import of_histogram
from sfu.punctual import be_punctual

WARM_UP_S = 1.0
DRAIN_S = 2.0  # at most: what comes later is lost to any conversation


@dataclass(frozen=True)
class Traffic:
    """What a run measured.

    Attributes:
        sent, received: packets within the measured time.
        latency_ms: one way, from the sender's system call to the receiver's kernel, by percentile.
        late_ms: how late the generator itself was, by percentile.
        cpu_pct: of one core, what the generator's own loop used.
        overflow: packets lost in the generator's own sockets.
        faults: packets that could not be sent, or came broken or to the wrong participant.
        control_packets: RTCP, STUN and DTLS received.
    """

    seconds: float
    sent: int
    received: int
    latency_ms: dict[str, float]
    late_ms: dict[str, float]
    cpu_pct: float
    overflow: int
    faults: dict[str, int]
    control_packets: int

    @property
    def loss_pct(self) -> float:
        """Of the packets sent, those that never came."""
        return 100.0 * (self.sent - self.received) / max(self.sent, 1)

    @property
    def bottleneck(self) -> str | None:
        """Why the generator and not the server may have limited this run; None when not."""
        unsent = self.faults.get("send_failed", 0) + self.faults.get("protect_failed", 0)
        found = find_bottlenecks(self.late_ms, {}, [self.cpu_pct], self.overflow, unsent)
        return found[0] if found else None


class Generator:
    """Connected participants and their load; one run after the other.

    Sequence numbers go on from run to run.

    Args:
        participants: they come in pairs (0 with 1, 2 with 3, …) that hear each other, unless
            ``hears`` says otherwise.
        profile: the load of one participant, unless a run has its own.
        hears: for each participant the index of the one whose media it gets, or NOBODY. Who is
            heard by nobody sends nothing.
    """

    def __init__(
        self,
        participants: Sequence[Participant],
        profile: ArrivalProfile,
        hears: Sequence[int] | None = None,
    ) -> None:
        self._participants: list[Participant] = []  # their sockets must outlive us
        self._profile = profile
        self._crowd = Crowd()
        self.add(participants, hears)
        # a run that ends before it begins: compiles the loop, which may take half a minute
        nothing: Integers = np.zeros(1, np.int64)
        never: Integers = np.zeros(table.RUN_FIELDS, np.int64)
        self._crowd.run(never, profile, nothing, nothing, nothing)

    @property
    def trailer(self) -> int:
        """Octets that SRTP adds to a packet."""
        return self._participants[0].trailer

    def add(self, participants: Sequence[Participant], hears: Sequence[int] | None = None) -> None:
        """More participants for the next run; ``hears`` counts from the first of these."""
        if hears is None:
            if len(participants) % 2:
                raise ValueError("participants come in pairs")
            hears = [index ^ 1 for index in range(len(participants))]
        for index, participant in enumerate(participants):
            if (
                participant.remote is None
                or participant.inbound is None
                or participant.outbound is None
            ):
                raise ValueError(f"participant {index} is not connected")
        before = len(self._participants)
        heard = set(hears)
        self._crowd.grow(len(participants))
        for index, participant in enumerate(participants):
            partner = NOBODY if hears[index] == NOBODY else before + hears[index]
            self._crowd.connect(before + index, participant, partner, index in heard)
        self._participants += participants

    def close(self) -> None:
        """Let the participants go, between runs."""
        for participant in self._participants:
            participant.close()
        self._participants = []

    def start(
        self, seconds: float, warm_up_s: float = WARM_UP_S, profile: ArrivalProfile | None = None
    ) -> "Run":
        """Send from now on in a thread of its own; measure ``seconds`` after ``warm_up_s``."""
        return Run(self, seconds, warm_up_s, profile or self._profile)

    def _prepare(self, profile: ArrivalProfile, run: Integers) -> None:
        """Put every participant at a place of its own in the profile."""
        rows = self._crowd.rows
        rows[:, [table.SENT, table.RECEIVED]] = 0
        senders = rows[:, table.SENDS] != 0
        rows[~senders, table.DUE_NS] = NEVER_NS
        phases_ns = profile.phases_ns(int(senders.sum()))
        for row, phase_ns in zip(np.flatnonzero(senders), phases_ns, strict=True):
            self._crowd.enter(int(row), profile, int(phase_ns), int(run[table.START_NS]))


class Run:
    """A run under way.

    Attributes:
        from_ns, until_ns: the measured time, CLOCK_REALTIME.
    """

    def __init__(
        self, generator: Generator, seconds: float, warm_up_s: float, profile: ArrivalProfile
    ) -> None:
        self._generator = generator
        self._profile = profile
        self._seconds = seconds
        self._late: Integers = np.zeros(table.BINS, np.int64)
        self._latency: Integers = np.zeros(table.BINS, np.int64)
        self._counts: Integers = np.zeros(table.COUNTS, np.int64)
        self._cpu_pct = 0.0
        self._overflow_before = int(generator._crowd.rows[:, table.OVERFLOW].sum())
        start_ns = time.time_ns() + 50_000_000
        self.from_ns = start_ns + int(warm_up_s * 1e9)
        self.until_ns = self.from_ns + int(seconds * 1e9)
        stop_ns = self.until_ns + int(DRAIN_S * 1e9)
        # No turns, no bursts on request, no reports: the load of a benchmark is the same each time.
        self._run: Integers = np.zeros(table.RUN_FIELDS, np.int64)
        self._run[table.START_NS] = start_ns
        self._run[table.FROM_NS] = self.from_ns
        self._run[table.UNTIL_NS] = self.until_ns
        self._run[table.STOP_NS] = stop_ns
        self._run[table.TRAILER] = generator.trailer
        self._run[table.PERIOD_NS] = profile.period_us * 1000
        generator._prepare(profile, self._run)
        self._thread = threading.Thread(target=self._work, name="generator")
        self._thread.start()

    def _work(self) -> None:
        be_punctual()
        before, began = time.thread_time(), time.monotonic()
        crowd = self._generator._crowd
        crowd.run(self._run, self._profile, self._late, self._latency, self._counts)
        self._cpu_pct = 100.0 * (time.thread_time() - before) / (time.monotonic() - began)

    def finish(self) -> Traffic:
        """Wait for the end and say what was measured."""
        self._thread.join()
        rows, counts = self._generator._crowd.rows, self._counts
        return Traffic(
            seconds=self._seconds,
            sent=int(rows[:, table.SENT].sum()),
            received=int(rows[:, table.RECEIVED].sum()),
            latency_ms=_percentiles(self._latency),
            late_ms=_percentiles(self._late),
            cpu_pct=self._cpu_pct,
            overflow=int(rows[:, table.OVERFLOW].sum()) - self._overflow_before,
            faults={
                "send_failed": int(counts[table.SEND_FAILED]),
                "protect_failed": int(counts[table.PROTECT_FAILED]),
                "unprotect_failed": int(counts[table.UNPROTECT_FAILED]),
                "mixed_up": int(counts[table.MIXED_UP]),
            },
            control_packets=int(counts[table.CONTROL_PACKETS]),
        )


def _percentiles(histogram: Integers) -> dict[str, float]:
    """p50 and p99 in ms, to a hundredth; 0 when nothing was counted."""
    found = of_histogram(histogram, table.BIN_NS)
    return {name: found.get(name, 0.0) for name in ("p50", "p99")}
