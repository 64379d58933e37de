"""What a flood of garbage from strangers costs the calls that are running.

``python -m benchmarks.flood --json FILE``: 20 calls through a worker on one core, first in peace,
then with 50 000 garbage datagrams a second from strangers (``garbage``) for ten seconds; generator
and flood have the other core, on loopback. Told are the calls' loss and latency, and how late the
worker's event loop was, measured in its own process. It ends by itself.
"""

import argparse
import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import processor
from benchmarks.command import as_run, exit_code
from benchmarks.forwarding import HOST, generator_core, join_worker, patterns
from benchmarks.garbage import Flood, Flooded
from benchmarks.measurement import Measured, measure
from benchmarks.server_process import ServerProcess
from loadtest.generator import Generator

ROOMS = 20
TRIES = 3  # at most: what something else spoiled is measured again
PER_SECOND = 50_000
SECONDS = 10.0
LOSS_PCT = 0.1
LAG_P99_MS = 20.0
LEAST_OF_WANTED = 0.98  # of the flood asked for, or it was none


@dataclass(frozen=True)
class Outcome:
    """Both runs, and what the worker says of itself."""

    rooms: int
    peace: Measured
    flooded: Measured
    flood: Flooded
    lag_in_peace_ms: dict[str, float]
    lag_ms: dict[str, float]
    drops: dict[str, int]

    def result(self, command: str, per_second: int) -> dict[str, Any]:
        """For the report."""
        loss_pct = self.flooded.traffic.loss_pct
        wanting = []
        if self.flood.per_second < LEAST_OF_WANTED * per_second:
            wanting.append(f"the flood was {self.flood.per_second:.0f} a second only")
        if self.flooded.spoiled:
            wanting.append(self.flooded.spoiled)
        said = f"loss {loss_pct:.4f} %, lag p99 {self.lag_ms['p99']:.1f} ms"
        return {
            "name": f"garbage flood at {per_second // 1000} kpps, {self.rooms} calls",
            "command": command,
            "target": f"call loss < {LOSS_PCT} %, asyncio lag p99 < {LAG_P99_MS:.0f} ms",
            "measured": "; ".join([said, *wanting]),
            "holds": loss_pct < LOSS_PCT and self.lag_ms["p99"] < LAG_P99_MS and not wanting,
            "details": {
                "flood": {
                    "sent": self.flood.sent,
                    "not_sent": self.flood.not_sent,
                    "per_second": round(self.flood.per_second),
                },
                "in_peace": self.peace.as_json() | {"lag_ms": self.lag_in_peace_ms},
                "flooded": self.flooded.as_json() | {"lag_ms": self.lag_ms},
                "drops": self.drops,
            },
            "machine": processor.machine(),
        }


async def run(rooms: int, per_second: int, seconds: float) -> Outcome:
    """Both runs through one worker."""
    load = patterns(["browser"])["browser"]
    with (
        generator_core() as cores,
        ServerProcess("benchmarks.worker_process", cores[0], HOST) as worker,
    ):
        port = int(worker.read()["port"])
        generator = Generator(await join_worker(worker, rooms, "aes-128-gcm"), load)
        worker.ask(lag=True)
        try:
            for _ in range(TRIES):
                flood = Flood((HOST, port), per_second)
                worker.ask(lag=True)
                peace = measure(worker, generator, seconds, cores, load)
                lag_in_peace = worker.ask(lag=True)
                before = worker.ask(counts=True)["drops"]
                flood.start()
                try:
                    flooded = measure(worker, generator, seconds, cores, load)
                finally:
                    stopped = flood.stop()
                lag = worker.ask(lag=True)
                after = worker.ask(counts=True)["drops"]
                drops = {name: after[name] - before[name] for name in after}
                drops = {name: count for name, count in drops.items() if count}
                outcome = Outcome(rooms, peace, flooded, stopped, lag_in_peace, lag, drops)
                if not flooded.spoiled:
                    break
        finally:
            generator.close()
    return outcome


def in_words(outcome: Outcome) -> str:
    """For people."""
    lines = [f"flood: {outcome.flood.per_second:.0f} datagrams a second"]
    for name, measured, lag in (
        ("in peace", outcome.peace, outcome.lag_in_peace_ms),
        ("flooded", outcome.flooded, outcome.lag_ms),
    ):
        latency = measured.traffic.latency_ms
        lines.append(
            f"{name:9} loss {measured.traffic.loss_pct:.4f} %, latency {latency['p50']} /"
            f" {latency['p99']} ms, loop late {lag['p50']} / {lag['p99']} / {lag['worst']} ms"
            f" (p50 / p99 / worst), generator {measured.traffic.cpu_pct:.0f} % of its core"
        )
        if measured.spoiled:
            lines.append(f"{'':9} spoiled: {measured.spoiled}")
    drops = ", ".join(f"{name} {count}" for name, count in outcome.drops.items())
    return "\n".join([*lines, f"dropped: {drops}"])


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code, 1 when the target is missed."""
    parser = argparse.ArgumentParser(prog="benchmarks.flood", description=__doc__)
    parser.add_argument("--rooms", type=int, default=ROOMS)
    parser.add_argument("--per-second", type=int, default=PER_SECOND)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each of the two runs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    given = sys.argv[1:] if arguments is None else arguments
    options = parser.parse_args(given)
    outcome = asyncio.run(run(options.rooms, options.per_second, options.seconds))
    result = outcome.result(as_run("benchmarks.flood", given), options.per_second)
    if options.json:
        options.json.write_text(json.dumps([result], indent=1) + "\n")
    sys.stdout.write(in_words(outcome) + "\n")
    return exit_code([result])


if __name__ == "__main__":
    sys.exit(main())
