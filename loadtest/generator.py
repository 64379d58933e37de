"""Runs of many virtual participants, and what they measured; ``loop`` does the moving.

A generator that is itself the bottleneck says so: ``Traffic.bottleneck``.
"""

import ctypes
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from loadtest import loop
from loadtest.arrival_profile import ArrivalProfile, Integers
from loadtest.packets import Octets
from loadtest.participant import Participant
from sfu.native import (
    ADDRESS_SIZE,
    POLLFD,
    POLLIN,
    TIMESPEC,
    Messages,
    Records,
    address_of,
    pack_address,
)

MIDS = 50  # packets that carry a MID, about as long as a browser waits for a report
WARM_UP_S = 1.0
DRAIN_S = 2.0  # at most: what comes later is lost to any conversation
BOTTLENECK_LATE_MS = 5.0
BOTTLENECK_CPU_PCT = 85.0

_PR_SET_TIMERSLACK = 29


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
        if self.overflow:
            return f"{self.overflow} packets were lost in the generator's own sockets"
        if self.late_ms["p99"] > BOTTLENECK_LATE_MS:
            return f"the generator sent {self.late_ms['p99']:.1f} ms late (p99)"
        if self.cpu_pct > BOTTLENECK_CPU_PCT:
            return f"the generator used {self.cpu_pct:.0f} % of its core"
        return None


class Generator:
    """Participants in pairs (0 with 1, 2 with 3, …), all connected; one run after the other.

    Sequence numbers go on from run to run.
    """

    def __init__(self, participants: Sequence[Participant], profile: ArrivalProfile) -> None:
        if len(participants) % 2:
            raise ValueError("participants come in pairs")
        self._participants = participants  # their sockets and SRTP sessions must outlive us
        self._profile = profile
        count = len(participants)
        self._rows: Integers = np.zeros((count, loop.FIELDS), np.int64)
        self._names: Octets = np.zeros(count * ADDRESS_SIZE, np.uint8)
        self._polled: Records = np.zeros(count, POLLFD)
        self._polled["events"] = POLLIN
        for index, participant in enumerate(participants):
            if (
                participant.remote is None
                or participant.inbound is None
                or participant.outbound is None
            ):
                raise ValueError(f"participant {index} is not connected")
            row = self._rows[index]
            row[loop.FD] = participant.socket.fileno()
            row[loop.OUTBOUND] = participant.outbound.pointer
            row[loop.INBOUND] = participant.inbound.pointer
            row[loop.PARTNER] = index ^ 1
            row[loop.AUDIO_SSRC] = participant.local.audio_ssrc
            row[loop.VIDEO_SSRC] = participant.local.video_ssrcs[0]
            row[loop.FRAME_STARTS] = 1
            row[loop.MIDS_LEFT] = MIDS
            self._polled[index]["fd"] = row[loop.FD]
            name = pack_address(participant.remote, socket.AF_INET)
            self._names[index * ADDRESS_SIZE : (index + 1) * ADDRESS_SIZE] = list(name)
        self._messages = Messages(loop.BATCH, 2048, control=True)
        self._packet: Octets = np.random.default_rng(3).integers(0, 256, 2048, np.uint8)
        self._clock: Records = np.zeros(1, TIMESPEC)
        self._length: Integers = np.zeros(1, np.int64)
        # a run that ends before it begins: compiles the loop, which may take half a minute
        nothing: Integers = np.zeros(1, np.int64)
        self._loop(np.zeros(loop.RUN_FIELDS, np.int64), nothing, nothing, nothing)

    def start(self, seconds: float, warm_up_s: float = WARM_UP_S) -> "Run":
        """Send from now on in a thread of its own; measure ``seconds`` after ``warm_up_s``."""
        return Run(self, seconds, warm_up_s)

    def _prepare(self, run: Integers) -> None:
        """Put every participant at a place of its own in the profile."""
        period_ns = int(run[loop.PERIOD_NS])
        for index, row in enumerate(self._rows):
            # the golden ratio spreads any number of phases evenly, and in no step with frames
            phase_ns = int(period_ns * (index * 0.618033988749895 % 1.0))
            place = int(np.searchsorted(self._profile.at_us * 1000, phase_ns))
            row[loop.ROUND_NS] = run[loop.START_NS] - phase_ns
            if place == len(self._profile):
                place = 0
                row[loop.ROUND_NS] += period_ns
            row[loop.PLACE] = place
            row[loop.DUE_NS] = row[loop.ROUND_NS] + self._profile.at_us[place] * 1000
            row[loop.SENT] = row[loop.RECEIVED] = 0

    def _loop(self, run: Integers, late: Integers, latency: Integers, counts: Integers) -> None:
        messages, profile = self._messages, self._profile
        loop.generate(
            self._rows,
            run,
            profile.at_us,
            profile.size,
            profile.video,
            profile.frame_end,
            self._names,
            address_of(self._names),
            self._packet,
            address_of(self._packet),
            messages.headers,
            messages.headers_address,
            messages.data,
            address_of(messages.data),
            messages.stride,
            messages.control,
            self._polled,
            address_of(self._polled),
            self._clock,
            address_of(self._clock),
            self._length,
            address_of(self._length),
            late,
            latency,
            counts,
        )


class Run:
    """A run under way.

    Attributes:
        from_ns, until_ns: the measured time, CLOCK_REALTIME.
    """

    def __init__(self, generator: Generator, seconds: float, warm_up_s: float) -> None:
        self._generator = generator
        self._seconds = seconds
        self._late: Integers = np.zeros(loop.BINS, np.int64)
        self._latency: Integers = np.zeros(loop.BINS, np.int64)
        self._counts: Integers = np.zeros(loop.COUNTS, np.int64)
        self._cpu_pct = 0.0
        self._overflow_before = int(generator._rows[:, loop.OVERFLOW].sum())
        start_ns = time.time_ns() + 50_000_000
        self.from_ns = start_ns + int(warm_up_s * 1e9)
        self.until_ns = self.from_ns + int(seconds * 1e9)
        stop_ns = self.until_ns + int(DRAIN_S * 1e9)
        participant = generator._participants[0]
        self._run: Integers = np.array(
            [
                start_ns,
                self.from_ns,
                self.until_ns,
                stop_ns,
                participant.trailer,
                generator._profile.period_us * 1000,
            ],
            np.int64,
        )
        generator._prepare(self._run)
        self._thread = threading.Thread(target=self._work, name="generator")
        self._thread.start()

    def _work(self) -> None:
        # the default slack of 50 µs is a good part of the gap between two packets
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
        before, began = time.thread_time(), time.monotonic()
        self._generator._loop(self._run, self._late, self._latency, self._counts)
        self._cpu_pct = 100.0 * (time.thread_time() - before) / (time.monotonic() - began)

    def finish(self) -> Traffic:
        """Wait for the end and say what was measured."""
        self._thread.join()
        rows, counts = self._generator._rows, self._counts
        return Traffic(
            seconds=self._seconds,
            sent=int(rows[:, loop.SENT].sum()),
            received=int(rows[:, loop.RECEIVED].sum()),
            latency_ms=_percentiles(self._latency),
            late_ms=_percentiles(self._late),
            cpu_pct=self._cpu_pct,
            overflow=int(rows[:, loop.OVERFLOW].sum()) - self._overflow_before,
            faults={
                "send_failed": int(counts[loop.SEND_FAILED]),
                "protect_failed": int(counts[loop.PROTECT_FAILED]),
                "unprotect_failed": int(counts[loop.UNPROTECT_FAILED]),
                "mixed_up": int(counts[loop.MIXED_UP]),
            },
            control_packets=int(counts[loop.CONTROL_PACKETS]),
        )


def _percentiles(histogram: Integers) -> dict[str, float]:
    """p50 and p99 in ms, to a hundredth; 0 when nothing was counted."""
    total = int(histogram.sum())
    places = np.searchsorted(np.cumsum(histogram), [total * 0.5, total * 0.99])
    p50, p99 = (round(int(place) * loop.BIN_NS / 1e6, 3) if total else 0.0 for place in places)
    return {"p50": p50, "p99": p99}
