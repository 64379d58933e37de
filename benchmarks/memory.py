"""What a participant costs in memory.

``python -m benchmarks.memory --json FILE``: the resident set of a worker with 80 rooms less that of
a worker with one, over the participants that it has more. Both have carried the load for long
enough that every history of sent packets is full; the workers are asked whether that is so, and
if not there is no figure.
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
from benchmarks.server_process import ServerProcess
from loadtest.generator import Generator
from sfu.plane import PlaneSettings

ROOMS = 80
SECONDS = 6.0
"""A history of 384 KiB takes two at this load."""

HISTORY_OCTETS = PlaneSettings().history_octets

TARGET_KB = 1024
SETTLE_S = 1.0


@dataclass(frozen=True)
class Footprint:
    """A worker with some rooms.

    Attributes:
        empty_kb, joined_kb, loaded_kb: resident sets in KiB: before the first, joined, after the
            load.
        sent, received: packets of the load.
        history_octets: what all histories hold after it.
    """

    rooms: int
    empty_kb: int
    joined_kb: int
    loaded_kb: int
    sent: int
    received: int
    history_octets: int

    @property
    def is_full(self) -> bool:
        """Whether every participant has a history, and each is full."""
        return self.history_octets >= 2 * self.rooms * HISTORY_OCTETS


async def footprint(rooms: int, seconds: float) -> Footprint:
    """Start a worker, fill it, and look."""
    load = patterns(["browser"])["browser"]
    with (
        generator_core() as cores,
        ServerProcess("benchmarks.worker_process", cores[0], HOST) as worker,
    ):
        worker.read()
        empty_kb = worker.ask(memory=True)["rss_kb"]
        generator = Generator(await join_worker(worker, rooms, "aes-128-gcm"), load)
        try:
            joined_kb = worker.ask(memory=True)["rss_kb"]
            traffic = generator.start(seconds, profile=load).finish()
            await asyncio.sleep(SETTLE_S)
            loaded_kb = worker.ask(memory=True)["rss_kb"]
            history_octets = worker.ask(counts=True)["history_octets"]
        finally:
            generator.close()
    return Footprint(
        *(rooms, empty_kb, joined_kb, loaded_kb, traffic.sent, traffic.received, history_octets)
    )


def per_participant_kb(one: Footprint, many: Footprint) -> float:
    """KiB for each participant that ``many`` has more than ``one``."""
    return (many.loaded_kb - one.loaded_kb) / (2 * (many.rooms - one.rooms))


def result(one: Footprint, many: Footprint, command: str) -> dict[str, Any]:
    """For the report."""
    kb = per_participant_kb(one, many)
    joined_kb = (many.joined_kb - one.joined_kb) / (2 * (many.rooms - one.rooms))
    found: dict[str, Any] = {
        "name": f"memory per participant, {many.rooms} rooms, history full",
        "command": command,
        "target": "≤ 1 MiB",
        "measured": f"{kb / 1024:.2f} MiB",
        "holds": kb <= TARGET_KB,
    }
    if not (one.is_full and many.is_full):
        shares = ", ".join(
            f"{each.history_octets / (2 * each.rooms * HISTORY_OCTETS):.0%} at {each.rooms} rooms"
            for each in (one, many)
        )
        found["measured"] = "no figure"
        found["holds"] = False
        found["reason"] = f"the histories were not full: {shares}"
    return {
        **found,
        "details": {
            "per_participant_kb": round(kb, 1),
            "per_participant_joined_kb": round(joined_kb, 1),
            "footprints": [vars(one), vars(many)],
        },
        "machine": processor.machine(),
    }


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code, 1 when the target is missed."""
    parser = argparse.ArgumentParser(prog="benchmarks.memory", description=__doc__)
    parser.add_argument("--rooms", type=int, default=ROOMS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of load")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    given = sys.argv[1:] if arguments is None else arguments
    options = parser.parse_args(given)
    if options.rooms < 2:
        parser.error("--rooms: at least 2")
    one = asyncio.run(footprint(1, options.seconds))
    many = asyncio.run(footprint(options.rooms, options.seconds))
    found = result(one, many, as_run("benchmarks.memory", given))
    if options.json:
        options.json.write_text(json.dumps([found], indent=1) + "\n")
    for each in (one, many):
        sys.stdout.write(
            f"{each.rooms} rooms: {each.empty_kb / 1024:.1f} MiB empty,"
            f" {each.joined_kb / 1024:.1f} joined, {each.loaded_kb / 1024:.1f} after the load\n"
        )
    sys.stdout.write(f"{per_participant_kb(one, many):.0f} KiB a participant\n")
    if "reason" in found:
        sys.stdout.write(f"No figure: {found['reason']}\n")
    return exit_code([found])


if __name__ == "__main__":
    sys.exit(main())
