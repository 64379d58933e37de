"""``python -m benchmarks.peers``: what a forwarded packet costs us and other servers.

``--set-up`` installs Janus and rtpengine from the distribution's packages. Each server is alone on
one core, the load generator on the other; all take the same packets over the same path, under the
same SRTP profile. A server is given more and more rooms until it is saturated, under both arrival
patterns unless one is named.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import processor
from benchmarks.command import as_run, exit_code
from benchmarks.forwarding import PATTERNS, generator_core, patterns
from benchmarks.forwarding_report import ADDED
from benchmarks.peers import network, plot
from benchmarks.peers.aiortc_peer import contend_aiortc
from benchmarks.peers.contest import AWAKE, FLOOR, OURS, Entry, contend, medians
from benchmarks.peers.janus import start_janus
from benchmarks.peers.own import start_asyncio_forwarder, start_relay, start_worker
from benchmarks.peers.rtpengine import start_rtpengine
from benchmarks.peers.table import OF_ONE_PATTERN, remarks, results, table
from loadtest.participant import SRTP_PROFILES

Contender = Callable[..., Awaitable[list[Entry]]]
FORWARDERS: dict[str, Contender] = {
    FLOOR: partial(contend, start=start_relay),
    OURS: partial(contend, start=start_worker),
    AWAKE: partial(contend, start=partial(start_worker, plane='{"coalesce_ns": 0}')),
    "rtpengine": partial(contend, start=start_rtpengine),
    "Janus": partial(contend, start=start_janus),
    "asyncio": partial(contend, start=start_asyncio_forwarder),
    "aiortc": contend_aiortc,
}
ROOMS = (2, 10, 40, 80)
SECONDS = 4.0
ROUNDS = 3
PLOT = Path("var/peers.png")
INSTALL = Path(__file__).parent.parent / "install-peers"


async def contest(
    names: Sequence[str],
    srtp_profile: str,
    pattern: str,
    rooms: Sequence[int],
    seconds: float,
    rounds: int,
) -> list[Entry]:
    """All entries of the forwarders named, who take turns."""
    load = patterns([pattern])[pattern]
    entries: list[Entry] = []
    with generator_core() as cores:
        for number in range(rounds):
            for name in names:
                sys.stderr.write(f"{pattern}, round {number + 1} of {rounds}: {name} …\n")
                entries += await FORWARDERS[name](
                    name, cores, network.HOST, srtp_profile, load, rooms, seconds
                )
    return medians(entries)


def main(arguments: list[str]) -> int:
    """The command line; returns the exit code, 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="benchmarks.peers", description=__doc__)
    parser.add_argument("--set-up", action="store_true", help="install what is missing, and end")
    parser.add_argument("--rooms", default=",".join(map(str, ROOMS)), help="one or several")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each run")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="turns that each forwarder has")
    parser.add_argument("--only", default=",".join(FORWARDERS), help="forwarders, by name")
    parser.add_argument("--pattern", choices=PATTERNS, help="only this one, not both")
    parser.add_argument("--profile", choices=sorted(SRTP_PROFILES), default="aes-128-gcm")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument(
        *("--plot",),
        type=Path,
        metavar="FILE",
        default=PLOT,
        help=f"draw them there, not in {PLOT}",
    )
    options = parser.parse_args(arguments)
    if options.set_up:
        return subprocess.run([INSTALL]).returncode
    names = options.only.split(",")
    if unknown := [name for name in names if name not in FORWARDERS]:
        parser.error(f"--only: {', '.join(unknown)}; known are {', '.join(FORWARDERS)}")
    if not network.inside():
        network.enter("benchmarks.peers", arguments)
    rooms = sorted({int(count) for count in options.rooms.split(",")})
    command = as_run("benchmarks.peers", arguments)
    found: list[dict[str, Any]] = []
    parts: list[str] = []
    everything: list[Entry] = []
    for number, pattern in enumerate([options.pattern] if options.pattern else PATTERNS):
        taking_part = [name for name in names if number == 0 or name != OF_ONE_PATTERN]
        entries = asyncio.run(
            contest(taking_part, options.profile, pattern, rooms, options.seconds, options.rounds)
        )
        title = f"{options.profile}, arrivals: {pattern}"
        parts.append(f"{title}\n\n{table(entries)}")
        to = options.plot if number == 0 else _beside(options.plot, pattern)
        plot.draw(entries, to, title)
        # RESULTS.md stands in the folder above
        picture = os.path.relpath(to, Path(__file__).parents[1])
        parts.append(f"![What each forwarder costs and adds, {pattern}]({picture})")
        found += results(entries, command, options.profile, pattern)
        everything += entries
    report = "\n\n".join([*parts, ADDED, *remarks(everything)]) + "\n"
    sys.stdout.write(report)
    for result in found:
        sys.stdout.write(f"{result['name']}: {result['measured']}\n")
        result["machine"] = processor.machine()
        result["report"] = report
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    return exit_code(found)


def _beside(file: Path, pattern: str) -> Path:
    return file.with_stem(f"{file.stem}-{pattern}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
