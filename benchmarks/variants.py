"""What one choice of ours is worth: two workers that differ in it alone.

``python -m benchmarks.variants bounds-checks --rooms 40 --pairs 5 --json FILE``: the two take turns
under the same load, in changing order, each alone on its core while it is measured. What is
printed is the median of the pairs' ratios of CPU time per packet, and both latencies.
``bounds-checks``: the compiler's index checks, which stay on when they cost less than 5 %; the
worker without them compiles once for itself. ``runs``: packets that leave and come together
(``UDP_SEGMENT``, ``UDP_GRO``). ``coalescing``: the sleep after a small batch.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks import processor
from benchmarks.command import as_run, exit_code
from benchmarks.forwarding import (
    HOST,
    MORE_PAIRS,
    PATTERNS,
    generator_core,
    join_worker,
    patterns,
)
from benchmarks.measurement import Measured, measure
from benchmarks.server_process import ServerProcess
from loadtest.arrival_profile import ArrivalProfile
from loadtest.generator import Generator
from loadtest.participant import SRTP_PROFILES

Pair = tuple[Measured, Measured]
"""A run with, and one without."""


@dataclass(frozen=True)
class Variant:
    """How the second worker differs from the first, which is as it starts by default.

    Attributes:
        title: of the result.
        most: what the ratio of CPU times, with over without, should stay below.
        target: that in words.
        environment: of the second worker's process.
        plane: its ``PlaneSettings``.
    """

    title: str
    most: float
    target: str
    environment: Mapping[str, str] = field(default_factory=dict)
    plane: Mapping[str, Any] = field(default_factory=dict)


VARIANTS: Final = {
    "bounds-checks": Variant(
        "bounds checks",
        1.05,
        "below 1.05, or they are off in production",
        environment={"RODRUN_BOUNDS_CHECK": "0"},
    ),
    "runs": Variant(
        "UDP_SEGMENT and UDP_GRO",
        1.0,
        "below 1",
        plane={"send_runs": False, "receive_runs": False},
    ),
    "coalescing": Variant("coalescing", 1.0, "below 1", plane={"coalesce_ns": 0}),
}


@contextmanager
def environment(changes: Mapping[str, str]) -> Iterator[None]:
    """Let processes that start now have these variables."""
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def start_worker(core: int, variant: Variant | None) -> ServerProcess:
    """A worker that is compiled and listens; None: as it starts by default."""
    with environment(variant.environment if variant else {}):
        plane = json.dumps(dict(variant.plane) if variant else {})
        worker = ServerProcess("benchmarks.worker_process", core, HOST, plane)
    worker.read()
    return worker


async def compare(
    variant: Variant,
    rooms: int,
    load: ArrivalProfile,
    seconds: float,
    srtp_profile: str,
    wanted: int,
) -> list[Pair]:
    """Pairs of runs; some more than wanted when something spoiled some."""
    found: list[Pair] = []
    with (
        generator_core() as cores,
        start_worker(cores[0], None) as with_,
        start_worker(cores[0], variant) as without,
    ):
        workers = (with_, without)
        generators = []
        try:
            for worker in workers:
                joined = await join_worker(worker, rooms, srtp_profile)
                generators.append(Generator(joined, load))
            for index in range(wanted + MORE_PAIRS):
                runs: dict[int, Measured] = {}
                for each in (0, 1) if index % 2 == 0 else (1, 0):
                    runs[each] = measure(workers[each], generators[each], seconds, cores, load)
                found.append((runs[0], runs[1]))
                if sum(is_good(pair) for pair in found) == wanted:
                    break
        finally:
            for generator in generators:
                generator.close()
    return found


def is_good(pair: Pair) -> bool:
    """Whether both runs say something of their worker."""
    return not any(run.spoiled for run in pair)


def result(
    variant: Variant, pairs: Sequence[Pair], wanted: int, rooms: int, pattern: str, command: str
) -> dict[str, Any]:
    """For the report. When no pair is good all are taken, and ``disturbed`` says so."""
    good = [pair for pair in pairs if is_good(pair)]
    taken = good or pairs
    ratios = [with_.cpu_us_per_packet / without.cpu_us_per_packet for with_, without in taken]
    ratio = median(ratios)
    cpu_us = [median(pair[side].cpu_us_per_packet for pair in taken) for side in (0, 1)]
    p99_ms = [median(pair[side].traffic.latency_ms["p99"] for pair in taken) for side in (0, 1)]
    disturbed = len(good) < wanted
    return {
        "name": f"{variant.title}: CPU with ÷ without, {rooms} rooms, {pattern}",
        "command": command,
        "target": variant.target,
        "measured": f"{ratio:.2f} ({cpu_us[0]:.1f} against {cpu_us[1]:.1f} µs a packet;"
        f" p99 {p99_ms[0]:.2f} against {p99_ms[1]:.2f} ms)" + (" (spoiled)" if disturbed else ""),
        "holds": ratio < variant.most and not disturbed,
        "disturbed": disturbed,
        "ratio": round(ratio, 3),
        "ratios": [round(each, 3) for each in ratios],
        "runs": [[run.as_json() for run in pair] for pair in pairs],
    }


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code, 1 when the target is missed, or fewer
    good pairs were had than wanted."""
    parser = argparse.ArgumentParser(prog="benchmarks.variants", description=__doc__)
    parser.add_argument("variant", choices=VARIANTS)
    parser.add_argument("--rooms", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--pattern", choices=PATTERNS, default="browser")
    parser.add_argument("--profile", choices=sorted(SRTP_PROFILES), default="aes-128-gcm")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result there")
    given = sys.argv[1:] if arguments is None else arguments
    options = parser.parse_args(given)
    if options.pairs < 1 or options.rooms < 1:
        parser.error("--pairs and --rooms: at least 1")
    variant = VARIANTS[options.variant]
    load = patterns([options.pattern])[options.pattern]
    pairs = asyncio.run(
        compare(variant, options.rooms, load, options.seconds, options.profile, options.pairs)
    )
    command = as_run("benchmarks.variants", given)
    found = result(variant, pairs, options.pairs, options.rooms, options.pattern, command)
    found["machine"] = processor.machine()
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    sys.stdout.write(f"{found['name']}: {found['measured']}; pairs: {found['ratios']}\n")
    if found["disturbed"]:
        sys.stderr.write("fewer undisturbed pairs of runs than wanted\n")
    return exit_code([found])


if __name__ == "__main__":
    sys.exit(main())
