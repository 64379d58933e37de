"""What the runs of ``forwarding`` amount to: medians, targets, words. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import median
from typing import Any, Final

from benchmarks.measurement import Measured

MOST_ROOMS = 240  # that one worker holds, with some room to spare
PACKETS_A_ROOM = 480  # a second, forwarded

PREFERRED = "aes-128-gcm"  # what browsers and the worker agree on

# The targets. ``spread`` may cost half as much again.
RATIOS = {"aes-128-gcm": 1.0, "aes-256-gcm": 1.0, "aes-cm-sha1-80": 1.25}
SPREAD_FACTOR = 1.5
RATIO_ROOMS = 80
FLAT = 1.05  # "flat" is at most this times the cost with fewer rooms: runs differ by as much
COST_ROOMS = (10, 40, 80, 160)  # of the target; other rooms measured alone are another figure
COMPUTED_ROOMS = 200
MEASURED_ROOMS = 100
ADDED_LATENCY_MS = 2.0
ADDED_LATENCY_ROOMS = 70


@dataclass(frozen=True)
class Pair:
    """The worker's run, the relay's, and the yardstick measured between them."""

    worker: Measured
    relay: Measured
    sendto_us: float

    @property
    def spoiled(self) -> str | None:
        """Why the pair compares nothing: one of its runs says nothing of its server."""
        return self.worker.spoiled or self.relay.spoiled

    @property
    def ratio(self) -> float:
        """The worker's CPU time a packet over the relay's."""
        return self.worker.cpu_us_per_packet / self.relay.cpu_us_per_packet

    def added_ms(self, percentile: str) -> float:
        """End to end, less the generator against itself through the relay."""
        ours, theirs = self.worker.traffic.latency_ms, self.relay.traffic.latency_ms
        return ours[percentile] - theirs[percentile]


@dataclass(frozen=True)
class Point:
    """All pairs at one number of rooms under one pattern, in the order of measuring."""

    pattern: str
    rooms: int
    measured: tuple[Pair, ...]
    wanted: int

    @property
    def pairs(self) -> list[Pair]:
        """Those that count: the unspoiled, or when there are none, all."""
        return [pair for pair in self.measured if not pair.spoiled] or list(self.measured)

    @property
    def valid(self) -> bool:
        """Whether enough pairs were unspoiled."""
        return sum(not pair.spoiled for pair in self.measured) >= self.wanted

    def median(self, figure: Callable[[Pair], float]) -> float:
        """Of the pairs that count."""
        return round(median(figure(pair) for pair in self.pairs), 3)

    @property
    def cpu_us_per_packet(self) -> float:
        """The worker's."""
        return self.median(lambda pair: pair.worker.cpu_us_per_packet)

    @property
    def ratio(self) -> float:
        """To the relay."""
        return self.median(lambda pair: pair.ratio)

    @property
    def computed_rooms(self) -> int:
        """How many rooms one core could pay for at this cost a packet."""
        return int(1e6 / (PACKETS_A_ROOM * self.cpu_us_per_packet))

    def as_json(self) -> dict[str, Any]:
        """For the report. Spoiled pairs are left out, but not their losses."""

        def loss_pct(runs: list[Measured]) -> float:
            sent = sum(run.traffic.sent for run in runs)
            received = sum(run.traffic.received for run in runs)
            return round(100 * (sent - received) / max(sent, 1), 4)

        return {
            "pattern": self.pattern,
            "rooms": self.rooms,
            "cpu_us_per_packet": self.cpu_us_per_packet,
            "relay_cpu_us_per_packet": self.median(lambda pair: pair.relay.cpu_us_per_packet),
            "ratio": self.ratio,
            "ratios": [round(pair.ratio, 3) for pair in self.pairs],
            "sendto_us": self.median(lambda pair: pair.sendto_us),
            "loss_pct": loss_pct([pair.worker for pair in self.measured]),
            "relay_loss_pct": loss_pct([pair.relay for pair in self.measured]),
            "latency_ms": {
                "p50": self.median(lambda pair: pair.worker.traffic.latency_ms["p50"]),
                "p99": self.median(lambda pair: pair.worker.traffic.latency_ms["p99"]),
            },
            "added_latency_ms": {
                "p50": self.median(lambda pair: pair.added_ms("p50")),
                "p99": self.median(lambda pair: pair.added_ms("p99")),
            },
            "computed_rooms": self.computed_rooms,
            "pairs_wanted": self.wanted,
            "pairs_left_out": len(self.measured) - len(self.pairs),
            "spoiled": [pair.spoiled for pair in self.measured if pair.spoiled],
            "pairs": [
                {
                    "ratio": round(pair.ratio, 3),
                    "sendto_us": round(pair.sendto_us, 3),
                    "worker": pair.worker.as_json(),
                    "relay": pair.relay.as_json(),
                }
                for pair in self.pairs
            ],
        }


def results(
    points: Sequence[Point], counts: dict[str, Any], srtp_profile: str, command: str
) -> list[dict[str, Any]]:
    """One object a target that these points say something of; the first carries all details."""
    found: list[dict[str, Any]] = []

    def add(name: str, target: str, measured: str, holds: bool, *of: Point) -> None:
        spoiled = shortage(of)
        result = {
            "name": f"{name}, {srtp_profile}",
            "command": command,
            "target": target,
            "measured": measured + (" (spoiled)" if spoiled else ""),
            "holds": holds and not spoiled,
            "details": {},
        }
        found.append(result | ({"reason": spoiled} if spoiled else {}))

    for pattern in dict.fromkeys(point.pattern for point in points):
        series = [point for point in points if point.pattern == pattern]
        browser = pattern == "browser"
        for point in series:
            if point.rooms == RATIO_ROOMS:
                limit = RATIOS[srtp_profile] * (1.0 if browser else SPREAD_FACTOR)
                add(
                    f"CPU per packet ÷ relay, {point.rooms} rooms, {pattern}",
                    f"≤ {limit:g}",
                    f"{point.ratio:.2f} ({point.cpu_us_per_packet:.1f} µs)",
                    point.ratio <= limit,
                    point,
                )
            if point.rooms == RATIO_ROOMS and srtp_profile == PREFERRED:
                rooms = _rooms_wanted(COMPUTED_ROOMS, pattern)
                add(
                    f"rooms on one core, computed at {point.rooms}, {pattern}",
                    f"≥ {rooms}",
                    str(point.computed_rooms),
                    point.computed_rooms >= rooms
                    and not any(pair.worker.overload for pair in point.pairs),
                    point,
                )
            if point.rooms == ADDED_LATENCY_ROOMS:
                added_ms = point.as_json()["added_latency_ms"]["p99"]
                limit = ADDED_LATENCY_MS * (1.0 if browser else SPREAD_FACTOR)
                add(
                    f"added latency p99, {point.rooms} rooms, {pattern}",
                    f"≤ {limit:g} ms",
                    f"{added_ms:.2f} ms",
                    added_ms <= limit,
                    point,
                )
        if {point.rooms for point in series} >= set(COST_ROOMS):
            series = [point for point in series if point.rooms in COST_ROOMS]
        if len(series) > 1:
            costs = [point.cpu_us_per_packet for point in series]
            add(
                f"cost per packet at {', '.join(str(point.rooms) for point in series)} rooms,"
                f" {pattern}",
                "falls, or within 5 % of the least with fewer rooms",
                ", ".join(f"{cost:.1f}" for cost in costs) + " µs",
                all(
                    later <= FLAT * least
                    for least, later in zip(accumulate(costs, min), costs[1:], strict=False)
                ),
                *series,
            )
    if not found:
        add("CPU per packet ÷ relay", "", in_words(points[0]), True, *points)
    found[0]["details"] = {
        "points": [point.as_json() for point in points],
        "drops": {name: count for name, count in counts["drops"].items() if count},
    }
    for each in found:
        each["report"] = table(points)
    return found


ADDED: Final = (
    "Added latency is a percentile through the forwarder less the same one through the relay,"
    " not a percentile of differences: p99 may be below p50."
)


def table(points: Sequence[Point]) -> str:
    """All points, in Markdown."""
    lines = [
        "| rooms | arrivals | worker, µs CPU a packet | relay | ratio | loss"
        " | added latency p50 / p99 | rooms computed | pairs |",
        "| ---: | --- | ---: | ---: | --- | ---: | ---: | ---: | --- |",
    ]
    for point in points:
        each = point.as_json()
        added = each["added_latency_ms"]
        valid = "" if point.valid else ", spoiled"
        lines.append(
            f"| {point.rooms} | {point.pattern} | {point.cpu_us_per_packet:.1f}"
            f" | {each['relay_cpu_us_per_packet']:.1f}"
            f" | {point.ratio:.2f} ({min(each['ratios']):.2f}–{max(each['ratios']):.2f})"
            f" | {each['loss_pct']:g} % | {added['p50']:.2f} / {added['p99']:.2f} ms"
            f" | {point.computed_rooms} | {len(point.pairs)}{valid} |"
        )
    return "\n".join([*lines, "", ADDED])


def _rooms_wanted(of_browser: int, pattern: str) -> int:
    return of_browser if pattern == "browser" else round(of_browser / SPREAD_FACTOR)


def limit_result(
    runs: Sequence[tuple[int, Measured]],
    reason: str,
    pattern: str,
    srtp_profile: str,
    command: str,
) -> dict[str, Any]:
    """What ``--limit`` found under a pattern: the most rooms of a good run."""
    good = [rooms for rooms, run in runs if not run.spoiled and not run.overload]
    most = max(good, default=0)
    target = _rooms_wanted(MEASURED_ROOMS, pattern)
    return {
        "name": f"rooms on one core, measured, {pattern}, {srtp_profile}",
        "command": command,
        "target": f"≥ {target}",
        "measured": f"{most}; stopped at {reason}",
        "holds": most >= target,
        "details": {"runs": [{"rooms": rooms, **run.as_json()} for rooms, run in runs]},
    }


def limit_in_words(runs: Sequence[tuple[int, Measured]], reason: str) -> str:
    """The runs of ``--limit`` for people."""
    lines = [
        f"{rooms:4} rooms {run.cpu_us_per_packet:6.2f} µs a packet,"
        f" p99 {run.traffic.latency_ms['p99']} ms, loss {run.traffic.loss_pct:.3f} %,"
        f" generator {run.traffic.cpu_pct:.0f} % of its core"
        for rooms, run in runs
    ]
    return "\n".join([*lines, f"stopped at {reason}"])


def shortage(points: Sequence[Point]) -> str | None:
    """The warning when fewer unspoiled pairs were had than wanted."""
    wanting = [point for point in points if not point.valid]
    if not wanting:
        return None
    where = ", ".join(f"{point.rooms} rooms ({point.pattern})" for point in wanting)
    reasons = dict.fromkeys(
        pair.spoiled for point in wanting for pair in point.measured if pair.spoiled
    )
    return (
        f"fewer unspoiled pairs than wanted at {where}: {'; '.join(map(str, list(reasons)[:3]))}."
        " Measure again on a machine at rest, or with fewer rooms."
    )


def in_words(point: Point) -> str:
    """One point for people."""
    result = point.as_json()
    latency, added = result["latency_ms"], result["added_latency_ms"]
    return "\n".join(
        [
            f"{point.rooms} rooms, {point.pattern}, median of {len(point.pairs)} pairs"
            f" ({result['pairs_left_out']} spoiled ones left out)",
            f"  worker {point.cpu_us_per_packet:6.2f} µs CPU a packet,"
            f" latency {latency['p50']} / {latency['p99']} ms (p50 / p99),"
            f" added {added['p50']} / {added['p99']} ms, loss {result['loss_pct']} %",
            f"  relay  {result['relay_cpu_us_per_packet']:6.2f} µs CPU a packet,"
            f" loss {result['relay_loss_pct']} %; a bare sendto of 1.1 kB {result['sendto_us']} µs",
            f"  ratio  {point.ratio:6.2f}; {point.computed_rooms} rooms on one core, computed",
            *(f"  spoiled: {reason}" for reason in result["spoiled"]),
        ]
    )
