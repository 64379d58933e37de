"""One run of the load against one server, and what to think of it."""

import os
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from benchmarks import disturbance
from benchmarks.disturbance import Disturbance
from loadtest.arrival_profile import ArrivalProfile
from loadtest.generator import Generator, Traffic

QUIET = Disturbance(0.0, 0.0, 0.0)
LOSS_PCT = 0.1
LATENCY_P99_MS = 20.0
"""What a server may do to a conversation at most; beyond it has reached its limit."""


class Server(Protocol):
    """What has a process and says what it has used."""

    @property
    def pid(self) -> int: ...

    def cpu_ns(self) -> int: ...


@dataclass(frozen=True)
class Measured:
    """One run against one server."""

    cpu_us_per_packet: float
    traffic: Traffic
    disturbance: Disturbance = QUIET

    @property
    def spoiled(self) -> str | None:
        """Why the run says nothing of the server: generator or machine; None when it does."""
        return self.traffic.bottleneck or self.disturbance.reason

    @property
    def overload(self) -> str | None:
        """Why the server could not carry this load; None when it could."""
        if self.traffic.loss_pct > LOSS_PCT:
            return f"{self.traffic.loss_pct:.2f} % of the packets were lost"
        if self.traffic.latency_ms["p99"] > LATENCY_P99_MS:
            return f"p99 was {self.traffic.latency_ms['p99']:.0f} ms"
        return None

    def as_json(self) -> dict[str, object]:
        """For the report."""
        return {
            "cpu_us_per_packet": round(self.cpu_us_per_packet, 3),
            "packets": self.traffic.sent,
            "loss_pct": round(self.traffic.loss_pct, 4),
            "latency_ms": self.traffic.latency_ms,
            "generator_late_ms": self.traffic.late_ms,
            "generator_cpu_pct": round(self.traffic.cpu_pct, 1),
            "foreign_pct": self.disturbance.foreign_pct,
            "steal_pct": self.disturbance.steal_pct,
            "waited_pct": self.disturbance.waited_pct,
            "spoiled": self.spoiled,
            "faults": {name: count for name, count in self.traffic.faults.items() if count},
        }


def measure(
    server: Server,
    generator: Generator,
    seconds: float,
    cores: Collection[int],
    profile: ArrivalProfile | None = None,
) -> Measured:
    """One run: the load, and what the server used meanwhile; ``cores`` are those of the two."""
    before = disturbance.take_account(cores)
    run = generator.start(seconds, profile=profile)
    time.sleep(max(0.0, run.from_ns / 1e9 - time.time()))
    used_before = server.cpu_ns()
    time.sleep(max(0.0, run.until_ns / 1e9 - time.time()))
    used_ns = server.cpu_ns() - used_before
    after = disturbance.take_account(cores)
    traffic = run.finish()
    return Measured(
        used_ns / 1000 / max(traffic.received, 1),
        traffic,
        disturbance.between(before, after, (server.pid, os.getpid())),
    )
