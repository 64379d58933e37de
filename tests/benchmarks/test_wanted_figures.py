"""The names that RESULTS.md wants are those that the benchmarks write, with the options of
docs/benchmarks.md."""

from typing import Any

from benchmarks import forwarding, forwarding_report, memory, variants
from benchmarks.calls import bottleneck
from benchmarks.control import report as control_report
from benchmarks.control.__main__ import CONSULTATIONS, PAGES
from benchmarks.control.cycles import Latencies, Paced, Saturated
from benchmarks.control.deadlines import Lateness
from benchmarks.control.idle_pages import IdlePages
from benchmarks.disturbance import Disturbance
from benchmarks.flood import PER_SECOND, Outcome
from benchmarks.flood import ROOMS as FLOODED_ROOMS
from benchmarks.forwarding_report import Pair, Point
from benchmarks.garbage import Flooded
from benchmarks.measurement import Measured
from benchmarks.peers import table
from benchmarks.peers.contest import OURS, Entry
from benchmarks.results import WANTED
from benchmarks.variants import VARIANTS
from loadtest.generator import Traffic
from tests.benchmarks.calls.test_bottleneck import PHASES, run
from tests.benchmarks.test_control import QUIET

TIMES = {"p50": 0.1, "p99": 0.2}
FINE = Measured(
    10.0, Traffic(1.0, 1000, 1000, TIMES, TIMES, 10.0, 0, {}, 0), Disturbance(0.0, 0.0, 0.0)
)
PAIR = Pair(FINE, FINE, 3.0)
OF_THE_COMMAND_LINE = {"calls loss", "calls join"}


def of_forwarding() -> list[dict[str, Any]]:
    found = []
    for pattern in forwarding.PATTERNS:
        points = {rooms: Point(pattern, rooms, (PAIR,), 1) for rooms in forwarding.ROOMS}
        for profile, chosen in (
            ("aes-128-gcm", list(points.values())),
            ("aes-cm-sha1-80", [points[80]]),
        ):
            found += forwarding_report.results(chosen, {"drops": {}}, profile, "")
        found.append(forwarding_report.limit_result([(100, FINE)], "", pattern, "aes-128-gcm", ""))
        entries = [Entry(OURS, rooms, 1.0, 0.0, 0.1, 0.2) for rooms in (40, 80)]
        found += table.results(entries, "", "aes-128-gcm", pattern)
    for name, rooms in (("bounds-checks", 80), ("runs", 80), ("coalescing", 40)):
        found.append(variants.result(VARIANTS[name], [(FINE, FINE)], 1, rooms, "browser", ""))
    one, many = (memory.Footprint(rooms, 1, 1, 1, 1, 1, 1) for rooms in (1, memory.ROOMS))
    lag = {"p50": 0.1, "p99": 0.1, "worst": 0.1}
    flooded = Outcome(FLOODED_ROOMS, FINE, FINE, Flooded(500_000, 0, 10.0), lag, lag, {})
    return [*found, memory.result(one, many, ""), flooded.result("", PER_SECOND)]


def of_control() -> list[dict[str, Any]]:
    latencies = Latencies()
    latencies.seconds["join"] = [0.01]
    return [
        control_report.of_cycles(Saturated(1, latencies, QUIET), 40, 0.2),
        control_report.of_commands(
            Paced(latencies, {"p99": 1.0}, {}, QUIET), control_report.CYCLES_PER_S / 2
        ),
        control_report.of_pages(IdlePages(PAGES, PAGES, 1, 1, QUIET)),
        control_report.of_deadlines(
            Lateness(QUIET, 1, 1, {"request": [0.0]}, {"request": [0.1]}), CONSULTATIONS
        ),
    ]


def test_what_is_wanted_is_what_the_benchmarks_write() -> None:
    runs = [run("node", 1.0), run("direct", 1.0)]
    of_calls = [bottleneck.report(runs, PHASES, feedback) for feedback in bottleneck.Feedback]
    found = {str(each["name"]) for each in [*of_forwarding(), *of_control(), *of_calls]}
    assert found | OF_THE_COMMAND_LINE >= set(WANTED)
    assert len(set(WANTED)) == len(WANTED)
