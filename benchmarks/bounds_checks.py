"""What the compiler's bounds checks cost in production: one worker with, one without.

``python -m benchmarks.bounds_checks --rooms 40 --pairs 5 --json FILE``: the two workers take turns
under the same load, in changing order, each alone on its core while it is measured. What is
printed is the median of the pairs' ratios of CPU time per packet. Below 1.05 the checks stay on.
The worker without checks compiles once for itself.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks import processor
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

SETTING: Final = "RODRUN_BOUNDS_CHECK"
MOST: Final = 1.05
Pair = tuple[Measured, Measured]
"""A run with checks and one without."""


@contextmanager
def bounds_checks(on: bool) -> Iterator[None]:
    """Let processes that start now be compiled with or without checks."""
    before = os.environ.get(SETTING)
    os.environ[SETTING] = "1" if on else "0"
    try:
        yield
    finally:
        if before is None:
            del os.environ[SETTING]
        else:
            os.environ[SETTING] = before


def start_worker(core: int, checked: bool) -> ServerProcess:
    """A worker that is compiled and listens."""
    with bounds_checks(checked):
        worker = ServerProcess("benchmarks.worker_process", core, HOST)
    worker.read()
    return worker


async def compare(
    rooms: int, load: ArrivalProfile, seconds: float, srtp_profile: str, wanted: int
) -> list[Pair]:
    """Pairs of runs; some more than wanted when something spoiled some."""
    found: list[Pair] = []
    with (
        generator_core() as cores,
        start_worker(cores[0], True) as checked,
        start_worker(cores[0], False) as unchecked,
    ):
        workers = (checked, unchecked)
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
    pairs: Sequence[Pair], wanted: int, rooms: int, pattern: str, command: str
) -> dict[str, Any]:
    """For the report. When no pair is good all are taken, and ``disturbed`` says so."""
    good = [pair for pair in pairs if is_good(pair)]
    taken = good or pairs
    ratios = [with_.cpu_us_per_packet / without.cpu_us_per_packet for with_, without in taken]
    ratio = median(ratios)
    return {
        "name": f"bounds checks: CPU with ÷ without, {rooms} rooms, {pattern}",
        "command": command,
        "target": f"below {MOST:g}, or they are off in production",
        "measured": round(ratio, 3),
        "holds": ratio < MOST,
        "disturbed": len(good) < wanted,
        "ratios": [round(each, 3) for each in ratios],
        "runs": [[run.as_json() for run in pair] for pair in pairs],
    }


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code, 1 when fewer good pairs were had than wanted."""
    parser = argparse.ArgumentParser(prog="benchmarks.bounds_checks", description=__doc__)
    parser.add_argument("--rooms", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--pattern", choices=PATTERNS, default="browser")
    parser.add_argument("--profile", choices=sorted(SRTP_PROFILES), default="aes-128-gcm")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result there")
    options = parser.parse_args(arguments)
    if options.pairs < 1 or options.rooms < 1:
        parser.error("--pairs and --rooms: at least 1")
    load = patterns([options.pattern])[options.pattern]
    pairs = asyncio.run(
        compare(options.rooms, load, options.seconds, options.profile, options.pairs)
    )
    command = f"python -m benchmarks.bounds_checks --rooms {options.rooms}"
    found = result(pairs, options.pairs, options.rooms, options.pattern, command)
    found["machine"] = processor.machine()
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    sys.stdout.write(f"{found['name']}: {found['measured']} (pairs: {found['ratios']})\n")
    if found["disturbed"]:
        sys.stderr.write("fewer undisturbed pairs of runs than wanted\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
