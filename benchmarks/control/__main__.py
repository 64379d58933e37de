"""What control carries, each figure with a control process of its own on one core.

``python -m benchmarks.control --json FILE``: how many consultations a second go from the request
to the ratings, how long commands take at half of that, what open pages cost in memory, and how late
deadlines are while thousands of consultations are open. The load has the other core.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.control import cycles, deadlines, idle_pages, report
from benchmarks.control.cycles import make_pairs
from benchmarks.control.people import http
from benchmarks.control.run import ControlUnderLoad, database_folder, sync_ms

SECONDS = 30.0
WARM_UP_S = 4.0
PAIRS = 40
# Enough that nobody is asked twice at a time, at half the load.
PACED_PAIRS = 150
PAGES = 5000
CONSULTATIONS = 10_000
DEADLINES_PER_S = 60.0
SEED = 1


def setting_up_s(consultations: int) -> float:
    """How long it takes at most to write them down, start control and open the pages."""
    return 10 + consultations / 300


async def measure_cycles(options: argparse.Namespace) -> dict[str, Any]:
    """As many as go."""
    with database_folder() as folder, ControlUnderLoad.in_folder(folder) as control:
        synced_ms = sync_ms(folder)
        async with http(control.port) as session:
            pairs = await make_pairs(session, options.pairs)
            load = await cycles.saturate(control, pairs, WARM_UP_S, options.seconds)
    return report.of_cycles(load, options.pairs, synced_ms)


async def measure_commands(options: argparse.Namespace) -> dict[str, Any]:
    """At a fixed rate."""
    per_second = options.target / 2
    with database_folder() as folder, ControlUnderLoad.in_folder(folder) as control:
        async with http(control.port) as session:
            pairs = await make_pairs(session, PACED_PAIRS)
            paced = await cycles.pace(
                control, pairs, per_second, WARM_UP_S, options.seconds, random.Random(SEED)
            )
    return report.of_commands(paced, per_second)


async def measure_pages(options: argparse.Namespace) -> dict[str, Any]:
    """Nothing happens on them."""
    settle_s = min(options.seconds, idle_pages.SETTLE_S)
    with database_folder() as folder, ControlUnderLoad.in_folder(folder) as control:
        idle = await idle_pages.open_pages(control, options.pages, settle_s)
    return report.of_pages(idle)


async def measure_deadlines(options: argparse.Namespace) -> dict[str, Any]:
    """Many are open."""
    count = options.consultations
    with database_folder() as folder:
        now = time.time()
        begins_at = now + setting_up_s(count)
        plans = list(
            deadlines.plan(count, DEADLINES_PER_S, begins_at, options.seconds, random.Random(SEED))
        )
        await deadlines.fill(folder, plans, now)
        with ControlUnderLoad.in_folder(folder) as control:
            lateness = await deadlines.follow(control, plans, begins_at, options.seconds)
    return report.of_deadlines(lateness, count)


FIGURES: dict[str, Callable[[argparse.Namespace], Coroutine[Any, Any, dict[str, Any]]]] = {
    "cycles": measure_cycles,
    "commands": measure_commands,
    "pages": measure_pages,
    "deadlines": measure_deadlines,
}


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code, 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="benchmarks.control", description=__doc__)
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help=", ".join(FIGURES))
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each figure")
    parser.add_argument("--pairs", type=int, default=PAIRS, help="who have cycles all the time")
    parser.add_argument("--pages", type=int, default=PAGES)
    parser.add_argument("--consultations", type=int, default=CONSULTATIONS, help="that are open")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    options = parser.parse_args(arguments)
    options.target = report.CYCLES_PER_S
    unknown = set(options.figures) - set(FIGURES)
    if unknown:
        parser.error(f"no such figure: {', '.join(sorted(unknown))}")
    results: list[dict[str, Any]] = []
    for name in options.figures or FIGURES:
        results.append(uvloop.run(FIGURES[name](options)))
        sys.stdout.write(report.in_words(results[-1]) + "\n")
        sys.stdout.flush()
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    return 0 if all(each["holds"] for each in results) else 1


if __name__ == "__main__":
    sys.exit(main())
