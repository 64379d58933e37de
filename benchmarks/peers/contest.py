"""Each forwarder in turn, alone on its core, with more and more rooms until it is saturated."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from benchmarks.measurement import Measured, measure
from benchmarks.peers.peer import Start
from loadtest.arrival_profile import ArrivalProfile
from loadtest.generator import Generator

OURS: Final = "rodrun"
AWAKE: Final = "rodrun awake"
FLOOR: Final = "bare relay"
REPEATS: Final = 2  # more runs at most, in place of spoiled ones


@dataclass(frozen=True)
class Entry:
    """A forwarder at a number of rooms.

    Attributes:
        cpu_us_per_packet: of all its threads, over the packets that arrived.
        p50_ms, p99_ms: one way through it; None where it cannot be told.
        saturated: why this is beyond what it carries; its figures then mean nothing.
        spoiled: why no run was good; its figures then mean little.
        detail: the runs, for the report.
    """

    name: str
    rooms: int
    cpu_us_per_packet: float
    loss_pct: float
    p50_ms: float | None
    p99_ms: float | None
    saturated: str | None = None
    spoiled: str | None = None
    detail: tuple[dict[str, Any], ...] = ()


def entry(name: str, rooms: int, runs: Sequence[Measured]) -> Entry:
    """The median of the good runs; of all, when none was."""
    good = [run for run in runs if not run.spoiled]
    overloads = [run.overload for run in good]
    spoiled = None if good else runs[0].spoiled
    good = good or list(runs)
    return Entry(
        name,
        rooms,
        round(median(run.cpu_us_per_packet for run in good), 2),
        round(median(run.traffic.loss_pct for run in good), 3),
        round(median(run.traffic.latency_ms["p50"] for run in good), 2),
        round(median(run.traffic.latency_ms["p99"] for run in good), 2),
        # a second good run is a second chance; a spoiled one proves nothing
        overloads[0] if overloads and all(overloads) else None,
        spoiled,
        tuple(run.as_json() for run in runs),
    )


async def contend(
    name: str,
    cores: tuple[int, int],
    host: str,
    srtp_profile: str,
    load: ArrivalProfile,
    rooms: Sequence[int],
    seconds: float,
    runs: int,
    *,
    start: Start,
) -> list[Entry]:
    """One forwarder at each number of rooms, up to the one that saturates it."""
    entries: list[Entry] = []
    async with start(cores[0], host, srtp_profile) as peer:
        generator = Generator([], load)
        try:
            for before, count in itertools.pairwise([0, *rooms]):
                joined = await peer.join(count - before)
                generator.add(joined.participants, joined.hears)
                found: list[Measured] = []
                while sum(not run.spoiled for run in found) < runs:
                    if len(found) == runs + REPEATS:
                        break
                    found.append(measure(peer, generator, seconds, cores))
                entries.append(entry(name, count, found))
                if entries[-1].saturated:
                    break
        finally:
            generator.close()
    return entries


def added_ms(one: Entry, floor: Mapping[int, Entry], percentile: str) -> float | None:
    """What the forwarder adds to the generator against itself through the relay."""
    least = floor.get(one.rooms)
    taken = one.p50_ms if percentile == "p50" else one.p99_ms
    if least is None or taken is None:
        return None
    base = least.p50_ms if percentile == "p50" else least.p99_ms
    return None if base is None else round(taken - base, 2)
