"""Each forwarder in turn, alone on its core, with more and more rooms until it is saturated.

All have several turns, in rounds: what disturbs a machine for a minute is then in one turn of each
and not in all turns of one.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any, Final

from benchmarks.measurement import Measured, measure
from benchmarks.peers.peer import Start
from loadtest.arrival_profile import ArrivalProfile
from loadtest.generator import Generator

OURS: Final = "rodrun"
AWAKE: Final = "rodrun awake"
FLOOR: Final = "bare relay"
REPEATS: Final = 2  # more runs of a turn at most, in place of spoiled ones


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
    """Of the runs of a turn at that number of rooms: the last one counts, only that can be good."""
    last = runs[-1]
    return Entry(
        name,
        rooms,
        round(last.cpu_us_per_packet, 2),
        round(last.traffic.loss_pct, 3),
        round(last.traffic.latency_ms["p50"], 2),
        round(last.traffic.latency_ms["p99"], 2),
        None if last.spoiled else last.overload,  # a spoiled one proves nothing
        last.spoiled,
        tuple(run.as_json() for run in runs),
    )


def medians(entries: Iterable[Entry]) -> list[Entry]:
    """One entry of all turns of a forwarder at a number of rooms: the median of the good ones.

    Who was saturated in at least half of the good turns is.
    """
    turns: dict[tuple[str, int], list[Entry]] = {}
    for each in entries:
        turns.setdefault((each.name, each.rooms), []).append(each)
    found: list[Entry] = []
    for of_rooms in turns.values():
        good = [each for each in of_rooms if each.spoiled is None]
        saturated = [each for each in good if each.saturated]
        if 2 * len(saturated) < len(good):
            good = [each for each in good if not each.saturated]
        else:
            good = saturated
        counted = good or of_rooms
        p50s = [each.p50_ms for each in counted if each.p50_ms is not None]
        p99s = [each.p99_ms for each in counted if each.p99_ms is not None]
        found.append(
            replace(
                counted[0],
                cpu_us_per_packet=round(median(each.cpu_us_per_packet for each in counted), 2),
                loss_pct=round(median(each.loss_pct for each in counted), 3),
                p50_ms=round(median(p50s), 2) if p50s else None,
                p99_ms=round(median(p99s), 2) if p99s else None,
                detail=tuple(run for each in of_rooms for run in each.detail),
            )
        )
    return found


async def contend(
    name: str,
    cores: tuple[int, int],
    host: str,
    srtp_profile: str,
    load: ArrivalProfile,
    rooms: Sequence[int],
    seconds: float,
    *,
    start: Start,
) -> list[Entry]:
    """A turn of one forwarder: each number of rooms, up to the one that saturates it."""
    entries: list[Entry] = []
    async with start(cores[0], host, srtp_profile) as peer:
        generator = Generator([], load)
        try:
            for before, count in itertools.pairwise([0, *rooms]):
                joined = await peer.join(count - before)
                generator.add(joined.participants, joined.hears)
                found = [measure(peer, generator, seconds, cores)]
                while found[-1].spoiled and len(found) <= REPEATS:
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
