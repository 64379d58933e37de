"""What our worker spends on a forwarded packet, beside the least a relay can spend.

``python -m benchmarks.forwarding --rooms 10,40,70,80,160 --json FILE``: the worker and the relay
(``relay``) take turns under the same load, in pairs of runs; the server has one core, the load
generator another. CPU time is that of all threads of the server, by the scheduler's own account,
over the packets that arrived. What is printed is the median of the pairs; loss is of all runs. A
pair that the generator or another process spoiled is measured again (``pairs_left_out``); when
fewer than wanted remain, it says so and exits with 1. ``--limit`` looks for the number of rooms
that the worker carries, as far as the generator drives it, under each pattern.

Participants are real to the worker: ICE, DTLS, SRTP, two in a room, 50 audio and 190 video packets
a second each, which come as a capture of Chromium says (``browser``), or one by one and evenly in
time (``spread``). To the relay go the same packets, of other participants with keys agreed
beforehand.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiortc import RTCCertificate

from benchmarks import forwarding_report, processor
from benchmarks.command import as_run, exit_code
from benchmarks.forwarding_report import Pair, Point
from benchmarks.measurement import Measured, measure
from benchmarks.server_process import ServerProcess
from loadtest.arrival_profile import PROFILES, ArrivalProfile, fitted, read_profile, spread
from loadtest.generator import Generator
from loadtest.participant import SRTP_PROFILES, Participant

HOST = "127.0.0.1"
ROOMS = (10, 40, 70, 80, 160)
PAIRS = 3
SECONDS = 4.0
ARRIVALS = "chromium-vp8"
PATTERNS = ("browser", "spread")
JOINING_AT_ONCE = 8
SENDTO_COUNT = 50_000
MORE_PAIRS = 3  # at most, in place of spoiled ones
LIMIT_FROM = 80
LIMIT_STEP = 20


def patterns(
    names: Sequence[str] = PATTERNS, arrivals: str = ARRIVALS
) -> dict[str, ArrivalProfile]:
    """The load of one participant, in each of the arrival patterns."""
    browser = fitted(read_profile(PROFILES / f"{arrivals}.json"))
    known = {"browser": browser, "spread": spread(browser)}
    return {name: known[name] for name in names}


@contextmanager
def generator_core() -> Iterator[tuple[int, int]]:
    """Keep this process, the generator, on its core; gives that of the server and this one."""
    cores = processor.cores()
    everywhere = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cores[1]})
    try:
        yield cores
    finally:
        os.sched_setaffinity(0, everywhere)


async def join_worker(
    server: ServerProcess, rooms: int, srtp_profile: str, first_room: int = 0, host: str = HOST
) -> list[Participant]:
    """Two connected participants for each room, by ICE and DTLS."""
    certificate = RTCCertificate.generateCertificate()
    participants = [Participant(host, certificate, srtp_profile) for _ in range(2 * rooms)]
    limit = asyncio.Semaphore(JOINING_AT_ONCE)

    async def join(index: int) -> None:
        participant = participants[index]
        async with limit:
            room = f"room-{first_room + index // 2}"
            reply = server.ask(join=[room, f"participant-{index % 2}", participant.offer()])
            await participant.connect(reply["answer"])

    for room in range(first_room, first_room + rooms):
        server.ask(open_room=f"room-{room}")
    await asyncio.gather(*(join(index) for index in range(2 * rooms)))
    return participants


def join_relay(
    server: ServerProcess, port: int, rooms: int, srtp_profile: str, host: str = HOST
) -> list[Participant]:
    """Participants in pairs that speak through the relay, under keys of their own."""
    certificate = RTCCertificate.generateCertificate()
    participants = []
    routes = []
    for _ in range(rooms):
        pair = [Participant(host, certificate, srtp_profile) for _ in range(2)]
        keys = [participant.make_key() for participant in pair]
        pair[0].expect((host, port), keys[0], keys[1])
        pair[1].expect((host, port), keys[1], keys[0])
        routes.append([list(participant.socket.getsockname()) for participant in pair])
        participants += pair
    server.ask(routes=routes)
    return participants


class Comparison:
    """Worker and relay, each with the same number of rooms, which grows."""

    def __init__(
        self,
        worker: ServerProcess,
        relay: ServerProcess,
        cores: tuple[int, int],
        srtp_profile: str,
        load: ArrivalProfile,
    ) -> None:
        self._worker, self._relay = worker, relay
        self._cores = cores
        self._srtp_profile = srtp_profile
        self._relay_port = int(relay.ask(listen=HOST)["port"])
        self._rooms = 0
        self._through_worker = Generator([], load)
        self._through_relay = Generator([], load)

    async def grow(self, rooms: int, *, with_relay: bool = True) -> None:
        """Have ``rooms`` rooms, not fewer than before."""
        more = rooms - self._rooms
        joined = await join_worker(self._worker, more, self._srtp_profile, self._rooms)
        self._through_worker.add(joined)
        if with_relay:
            joined = join_relay(self._relay, self._relay_port, more, self._srtp_profile)
            self._through_relay.add(joined)
        self._rooms = rooms

    def worker_run(self, seconds: float, load: ArrivalProfile) -> Measured:
        """One run through the worker."""
        return measure(self._worker, self._through_worker, seconds, self._cores, load)

    def point(self, pattern: str, load: ArrivalProfile, seconds: float, wanted: int) -> Point:
        """As many pairs of runs as wanted, and some more in place of spoiled ones."""
        found: list[Pair] = []
        for index in range(wanted + MORE_PAIRS):
            # whoever goes first changes, so that a drift of the machine favours neither
            if index % 2 == 0:
                ours = self.worker_run(seconds, load)
            sendto_us = self._relay.ask(sendto=SENDTO_COUNT)["sendto_us"]
            theirs = measure(self._relay, self._through_relay, seconds, self._cores, load)
            if index % 2 == 1:
                ours = self.worker_run(seconds, load)
            found.append(Pair(ours, theirs, sendto_us))
            if sum(not pair.spoiled for pair in found) == wanted:
                break
        return Point(pattern, self._rooms, tuple(found), wanted)

    def close(self) -> None:
        """Let the participants go."""
        self._through_worker.close()
        self._through_relay.close()


async def compare(
    rooms: Sequence[int],
    loads: Mapping[str, ArrivalProfile],
    seconds: float,
    srtp_profile: str,
    pairs: int,
) -> tuple[list[Point], dict[str, Any]]:
    """Each pattern at each number of rooms; also returns what the worker counted."""
    points: list[Point] = []
    with (
        generator_core() as cores,
        ServerProcess("benchmarks.worker_process", cores[0], HOST) as worker,
        ServerProcess("benchmarks.relay", cores[0]) as relay,
    ):
        worker.read()
        comparison = Comparison(worker, relay, cores, srtp_profile, next(iter(loads.values())))
        try:
            for count in sorted(set(rooms)):
                await comparison.grow(count)
                for pattern, load in loads.items():
                    points.append(comparison.point(pattern, load, seconds, pairs))
            return points, worker.ask(counts=True)
        finally:
            comparison.close()


async def find_limit(
    load: ArrivalProfile, seconds: float, srtp_profile: str
) -> tuple[list[tuple[int, Measured]], str]:
    """The worker's runs at more and more rooms, until one fails; and why the last one did.

    A run that something spoiled is repeated once: the second time it is the generator's limit.
    """
    runs: list[tuple[int, Measured]] = []
    with (
        generator_core() as cores,
        ServerProcess("benchmarks.worker_process", cores[0], HOST) as worker,
        ServerProcess("benchmarks.relay", cores[0]) as relay,
    ):
        worker.read()
        comparison = Comparison(worker, relay, cores, srtp_profile, load)
        try:
            for count in range(LIMIT_FROM, forwarding_report.MOST_ROOMS + 1, LIMIT_STEP):
                await comparison.grow(count, with_relay=False)
                run = comparison.worker_run(seconds, load)
                if run.spoiled or run.overload:
                    run = comparison.worker_run(seconds, load)
                runs.append((count, run))
                if run.spoiled or run.overload:
                    return runs, f"{count} rooms: {run.spoiled or run.overload}"
            return runs, "no more participants fit into one worker"
        finally:
            comparison.close()


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code, 1 when a target is missed or unspoiled
    pairs are wanting."""
    parser = argparse.ArgumentParser(prog="benchmarks.forwarding", description=__doc__)
    parser.add_argument("--rooms", default=",".join(map(str, ROOMS)), help="one or several")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each run")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--pattern", choices=PATTERNS, help="only this one, not both")
    parser.add_argument("--profile", choices=sorted(SRTP_PROFILES), default="aes-128-gcm")
    parser.add_argument("--arrivals", default=ARRIVALS, help="a capture in loadtest/profiles")
    parser.add_argument("--limit", action="store_true", help="look for the most rooms")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    given = sys.argv[1:] if arguments is None else arguments
    options = parser.parse_args(given)
    if options.pairs < 1:
        parser.error("--pairs: at least 1")
    rooms = [int(count) for count in options.rooms.split(",")]
    loads = patterns([options.pattern] if options.pattern else PATTERNS, options.arrivals)
    command = as_run("benchmarks.forwarding", given)
    if options.limit:
        results, said = [], []
        for pattern, load in loads.items():
            runs, reason = asyncio.run(find_limit(load, options.seconds, options.profile))
            results.append(
                forwarding_report.limit_result(runs, reason, pattern, options.profile, command)
            )
            said.append(f"{pattern}\n{forwarding_report.limit_in_words(runs, reason)}")
        words, warning = "\n".join(said), None
    else:
        points, counts = asyncio.run(
            compare(rooms, loads, options.seconds, options.profile, options.pairs)
        )
        results = forwarding_report.results(points, counts, options.profile, command)
        words = "\n".join(forwarding_report.in_words(point) for point in points)
        warning = forwarding_report.shortage(points)
    for result in results:
        result["machine"] = processor.machine()
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    sys.stdout.write(words + "\n")
    if warning is not None:
        sys.stderr.write(f"WARNING: {warning}\n")
    return exit_code(results) if warning is None else 1


if __name__ == "__main__":
    sys.exit(main())
