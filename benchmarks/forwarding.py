"""What our worker spends on a forwarded packet, beside the least a relay can spend.

``python -m benchmarks.forwarding --rooms 40 --seconds 10 --json``: the worker and the relay
(``relay``) take turns under the same load, five pairs of runs; the server has one core, the load
generator another. CPU time is that of all threads of the server, by the scheduler's own account,
over the packets that arrived. What is printed is the median of the pairs; loss is of all runs. A
pair in which the generator itself could not keep up is measured again (``pairs_left_out``); when
fewer than wanted remain, it says so and exits with 1.

Participants are real to the worker: ICE, DTLS, SRTP, two in a room. Their packets come as a
capture of Chromium says, 50 audio and 190 video packets a second each. To the relay go the same
packets, of other participants with keys agreed beforehand.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from statistics import median
from types import TracebackType
from typing import Any, Self

import numpy as np
from aiortc import RTCCertificate

from benchmarks import processor
from loadtest.arrival_profile import PROFILES, ArrivalProfile, fitted, read_profile
from loadtest.generator import Generator, Traffic
from loadtest.participant import SRTP_PROFILES, Participant

HOST = "127.0.0.1"
PAIRS = 5
ARRIVALS = "chromium-vp8"
JOINING_AT_ONCE = 8
SENDTO_COUNT = 50_000


class ServerProcess:
    """A server on a core of its own, which answers JSON lines."""

    def __init__(self, module: str, core: int, *arguments: str) -> None:
        ours = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {core})  # inherited, from the first thread on
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            )
        finally:
            os.sched_setaffinity(0, ours)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def read(self) -> dict[str, Any]:
        """The next line it prints. Raises RuntimeError when it has ended."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the server process ended: {self._process.wait()}")
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            raise RuntimeError(f"the server refused: {reply['error']}")
        return reply

    def ask(self, **request: Any) -> dict[str, Any]:
        """One request and its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self.read()

    def cpu_ns(self) -> int:
        """What it has used so far."""
        return processor.cpu_ns(self._process.pid)


@dataclass(frozen=True)
class Measured:
    """One run against one server."""

    cpu_us_per_packet: float
    traffic: Traffic

    def as_json(self) -> dict[str, object]:
        """For the report."""
        return {
            "cpu_us_per_packet": round(self.cpu_us_per_packet, 3),
            "packets": self.traffic.sent,
            "loss_pct": round(self.traffic.loss_pct, 4),
            "latency_ms": self.traffic.latency_ms,
            "generator_late_ms": self.traffic.late_ms,
            "generator_cpu_pct": round(self.traffic.cpu_pct, 1),
            "generator_bottleneck": self.traffic.bottleneck,
            "faults": {name: count for name, count in self.traffic.faults.items() if count},
        }


@dataclass(frozen=True)
class Pair:
    """The worker's run, the relay's, and the yardstick measured between them."""

    worker: Measured
    relay: Measured
    sendto_us: float

    @property
    def disturbed(self) -> bool:
        """Whether the generator, not the server, limited one of the two runs."""
        return any(run.traffic.bottleneck for run in (self.worker, self.relay))

    @property
    def ratio(self) -> float:
        """The worker's CPU time a packet over the relay's."""
        return self.worker.cpu_us_per_packet / self.relay.cpu_us_per_packet


async def join_worker(server: ServerProcess, rooms: int, srtp_profile: str) -> list[Participant]:
    """Two connected participants for each room, by ICE and DTLS."""
    certificate = RTCCertificate.generateCertificate()
    participants = [Participant(HOST, certificate, srtp_profile) for _ in range(2 * rooms)]
    limit = asyncio.Semaphore(JOINING_AT_ONCE)

    async def join(index: int) -> None:
        participant = participants[index]
        async with limit:
            room = f"room-{index // 2}"
            reply = server.ask(join=[room, f"participant-{index % 2}", participant.offer()])
            await participant.connect(reply["answer"])

    for room in range(rooms):
        server.ask(open_room=f"room-{room}")
    await asyncio.gather(*(join(index) for index in range(2 * rooms)))
    return participants


def join_relay(server: ServerProcess, rooms: int, srtp_profile: str) -> list[Participant]:
    """Participants in pairs that speak through the relay, under keys of their own."""
    port = server.ask(listen=HOST)["port"]
    certificate = RTCCertificate.generateCertificate()
    participants = []
    routes = []
    for _ in range(rooms):
        pair = [Participant(HOST, certificate, srtp_profile) for _ in range(2)]
        keys = [participant.make_key() for participant in pair]
        pair[0].expect((HOST, port), keys[0], keys[1])
        pair[1].expect((HOST, port), keys[1], keys[0])
        routes.append([list(participant.socket.getsockname()) for participant in pair])
        participants += pair
    server.ask(routes=routes)
    return participants


def measure(server: ServerProcess, generator: Generator, seconds: float) -> Measured:
    """One run: the load, and what the server used meanwhile."""
    run = generator.start(seconds)
    time.sleep(max(0.0, run.from_ns / 1e9 - time.time()))
    before = server.cpu_ns()
    time.sleep(max(0.0, run.until_ns / 1e9 - time.time()))
    used_ns = server.cpu_ns() - before
    traffic = run.finish()
    return Measured(used_ns / 1000 / max(traffic.received, 1), traffic)


async def compare(
    rooms: int, seconds: float, srtp_profile: str, profile: ArrivalProfile, pairs: int
) -> tuple[list[Pair], dict[str, Any]]:
    """Run worker and relay in turns; also returns what the worker counted.

    The pairs come in the order of measuring, the disturbed ones among them.
    """
    server_core, generator_core = processor.cores()
    everywhere = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {generator_core})
    participants: list[Participant] = []
    found: list[Pair] = []
    try:
        with (
            ServerProcess("benchmarks.worker_process", server_core, HOST) as worker,
            ServerProcess("benchmarks.relay", server_core) as relay,
        ):
            worker.read()
            joined = await join_worker(worker, rooms, srtp_profile)
            participants += joined
            through_worker = Generator(joined, profile)
            joined = join_relay(relay, rooms, srtp_profile)
            participants += joined
            through_relay = Generator(joined, profile)
            # A disturbed pair compares nothing: it is measured again, up to as many as asked for.
            for index in range(2 * pairs):
                if sum(not pair.disturbed for pair in found) == pairs:
                    break
                # whoever goes first changes, so that a drift of the machine favours neither
                if index % 2 == 0:
                    ours = measure(worker, through_worker, seconds)
                    sendto_us = relay.ask(sendto=SENDTO_COUNT)["sendto_us"]
                    theirs = measure(relay, through_relay, seconds)
                else:
                    theirs = measure(relay, through_relay, seconds)
                    sendto_us = relay.ask(sendto=SENDTO_COUNT)["sendto_us"]
                    ours = measure(worker, through_worker, seconds)
                found.append(Pair(ours, theirs, sendto_us))
            return found, worker.ask(counts=True)
    finally:
        for participant in participants:
            participant.close()
        os.sched_setaffinity(0, everywhere)


def report(
    measured: list[Pair],
    counts: dict[str, Any],
    rooms: int,
    seconds: float,
    srtp_profile: str,
    captured: ArrivalProfile,
    replayed: ArrivalProfile,
    pairs_wanted: int,
) -> dict[str, Any]:
    """The result, as it is printed with ``--json``.

    The load was ``replayed``, which is ``captured`` as ``fitted`` makes it. Disturbed pairs are
    left out, but not their losses; when there are no others, they have to do.
    """
    pairs = [pair for pair in measured if not pair.disturbed] or measured
    ours = [pair.worker for pair in pairs]
    theirs = [pair.relay for pair in pairs]

    def loss_pct(runs: list[Measured]) -> float:
        sent = sum(run.traffic.sent for run in runs)
        received = sum(run.traffic.received for run in runs)
        return round(100 * (sent - received) / max(sent, 1), 4)

    def latency(runs: list[Measured]) -> dict[str, float]:
        return {
            name: round(median(run.traffic.latency_ms[name] for run in runs), 3)
            for name in ("p50", "p99")
        }

    def frame_gap_us(profile: ArrivalProfile) -> float | None:
        gaps = profile.frame_gaps_us()
        return float(np.median(gaps)) if len(gaps) else None

    return {
        "rooms": rooms,
        "seconds": seconds,
        "cpu_us_per_packet": round(median(each.cpu_us_per_packet for each in ours), 3),
        "relay_cpu_us_per_packet": round(median(each.cpu_us_per_packet for each in theirs), 3),
        "ratio": round(median(pair.ratio for pair in pairs), 3),
        "sendto_us": round(median(pair.sendto_us for pair in pairs), 3),
        "loss_pct": loss_pct([pair.worker for pair in measured]),
        "relay_loss_pct": loss_pct([pair.relay for pair in measured]),
        "latency_ms": latency(ours),
        "relay_latency_ms": latency(theirs),
        "profile": {
            "srtp": srtp_profile,
            "arrivals": replayed.source,
            "audio_pps": round(replayed.rate(False), 1),
            "audio_size": round(replayed.mean_size(False)),
            "video_pps": round(replayed.rate(True), 1),
            "video_size": round(replayed.mean_size(True)),
            # the median, between packets of a frame
            "frame_gap_us": {
                "captured": frame_gap_us(captured),
                "replayed": frame_gap_us(replayed),
            },
        },
        "generator_bottlenecks": [
            run.traffic.bottleneck for run in (*ours, *theirs) if run.traffic.bottleneck
        ],
        "pairs_wanted": pairs_wanted,
        "pairs_left_out": len(measured) - len(pairs),
        "drops": {name: count for name, count in counts["drops"].items() if count},
        "pairs": [
            {
                "ratio": round(pair.ratio, 3),
                "sendto_us": round(pair.sendto_us, 3),
                "worker": pair.worker.as_json(),
                "relay": pair.relay.as_json(),
            }
            for pair in pairs
        ],
        "machine": processor.machine(),
    }


def shortage(measured: list[Pair], pairs_wanted: int) -> str | None:
    """The warning when fewer undisturbed pairs were had than wanted."""
    undisturbed = sum(not pair.disturbed for pair in measured)
    if undisturbed >= pairs_wanted:
        return None
    return (
        f"WARNING: {undisturbed} undisturbed pairs of the {pairs_wanted} wanted. In"
        f" {len(measured) - undisturbed} the load generator itself could not keep up"
        + ("" if undisturbed else ", so the figures are of disturbed pairs")
        + ". Measure again on a machine at rest, or with fewer rooms."
    )


def in_words(result: dict[str, Any]) -> str:
    """The result for people."""
    latency, relay_latency = result["latency_ms"], result["relay_latency_ms"]
    lines = [
        f"{result['rooms']} rooms, {result['seconds']:g} s, {result['profile']['srtp']},"
        f" median of {len(result['pairs'])} pairs",
        f"  worker {result['cpu_us_per_packet']:6.2f} µs CPU a packet,"
        f" latency {latency['p50']} / {latency['p99']} ms (p50 / p99),"
        f" loss {result['loss_pct']} %",
        f"  relay  {result['relay_cpu_us_per_packet']:6.2f} µs CPU a packet,"
        f" latency {relay_latency['p50']} / {relay_latency['p99']} ms,"
        f" loss {result['relay_loss_pct']} %",
        f"  ratio  {result['ratio']:6.2f}",
        f"  a bare sendto of 1.1 kB: {result['sendto_us']} µs;"
        f" {result['pairs_left_out']} disturbed pairs left out",
    ]
    lines += [f"  not the server's limit: {why}" for why in result["generator_bottlenecks"]]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code, 1 when undisturbed pairs are wanting."""
    parser = argparse.ArgumentParser(prog="benchmarks.forwarding", description=__doc__)
    parser.add_argument("--rooms", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each run")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--profile", choices=sorted(SRTP_PROFILES), default="aes-128-gcm")
    parser.add_argument("--arrivals", default=ARRIVALS, help="a capture in loadtest/profiles")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    if options.pairs < 1:
        parser.error("--pairs: at least 1")
    captured = read_profile(PROFILES / f"{options.arrivals}.json")
    replayed = fitted(captured)
    pairs, counts = asyncio.run(
        compare(options.rooms, options.seconds, options.profile, replayed, options.pairs)
    )
    result = report(
        pairs,
        counts,
        options.rooms,
        options.seconds,
        options.profile,
        captured,
        replayed,
        options.pairs,
    )
    sys.stdout.write((json.dumps(result, indent=2) if options.json else in_words(result)) + "\n")
    warning = shortage(pairs, options.pairs)
    if warning is not None:
        sys.stderr.write(warning + "\n")
    return 0 if warning is None else 1


if __name__ == "__main__":
    sys.exit(main())
