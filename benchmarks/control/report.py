"""What was measured, against its targets."""

from collections.abc import Mapping
from typing import Any

from benchmarks import processor
from benchmarks.control.cycles import COMMANDS, Paced, Saturated
from benchmarks.control.deadlines import Lateness
from benchmarks.control.idle_pages import IdlePages
from benchmarks.control.run import Load, percentile

CYCLES_PER_S = 50.0
COMMAND_P99_MS = 50.0
PAGES_MIB = 300.0
DEADLINE_P99_MS = 250.0
# A load that was itself later than this would be measured in place of control.
GENERATOR_LATE_P99_MS = 5.0


def of_cycles(saturated: Saturated, pairs: int, synced_ms: float) -> dict[str, Any]:
    """Cycles a second on one core."""
    load = saturated.load
    per_second = saturated.cycles / load.seconds
    ms = 1000 * load.control_s / max(saturated.cycles, 1)
    return _result(
        "cycles of a consultation on one core, request to ratings",
        f"≥ {CYCLES_PER_S:g} cycles/s",
        f"{per_second:.1f} cycles/s, {ms:.1f} ms CPU each",
        per_second >= CYCLES_PER_S,
        load,
        load.spoiled,
        {
            "pairs": pairs,
            "cycles": saturated.cycles,
            "commands_per_cycle": COMMANDS,
            "cpu_ms_per_cycle": round(ms, 2),
            "durable_write_of_4_kb_ms": round(synced_ms, 2),
            "latency_ms": _by_command(saturated.latencies.seconds),
        },
    )


def of_commands(paced: Paced, per_second: float) -> dict[str, Any]:
    """The slowest kind of command at that rate."""
    by_command = _by_command(paced.latencies.seconds)
    worst = max(by_command, key=lambda name: by_command[name]["p99"])
    p99 = by_command[worst]["p99"]
    spoiled = paced.load.spoiled
    if spoiled is None and paced.late_ms["p99"] > GENERATOR_LATE_P99_MS:
        spoiled = f"the load itself was late: p99 {paced.late_ms['p99']:.1f} ms"
    return _result(
        f"p99 of any command at {per_second:g} cycles/s",
        f"≤ {COMMAND_P99_MS:g} ms",
        f"{p99:.1f} ms ({worst})",
        p99 <= COMMAND_P99_MS,
        paced.load,
        spoiled,
        {
            "latency_ms": by_command,
            "generator_late_ms": paced.late_ms,
            "control_late_ms": paced.control_late_ms,
        },
    )


def of_pages(idle: IdlePages) -> dict[str, Any]:
    """What all of them cost. Others do not change that, but may change whether pings come."""
    measured = f"{idle.growth_mib:.0f} MiB"
    if idle.still_open < idle.count:
        measured += f", only {idle.still_open} stayed open"
    return _result(
        f"memory of {idle.count} idle pages",
        f"≤ {PAGES_MIB:g} MiB",
        measured,
        idle.growth_mib <= PAGES_MIB and idle.still_open == idle.count,
        idle.load,
        None,
        {
            "before_kb": idle.before_kb,
            "after_kb": idle.after_kb,
            "kb_per_page": round((idle.after_kb - idle.before_kb) / idle.count, 1),
        },
    )


def of_deadlines(lateness: Lateness, count: int) -> dict[str, Any]:
    """From the deadline until a page had read of it; all kinds together, and each."""
    told = [late for each in lateness.told_s.values() for late in each]
    recorded = [abs(late) for each in lateness.recorded_s.values() for late in each]
    p99_ms = 1000 * percentile(told, 99)
    early = sum(late < 0 for late in told)
    wanting = []
    if lateness.missing:
        wanting.append(f"{lateness.missing} were not told of")
    if early:
        wanting.append(f"{early} were told of too early")
    if lateness.open_at_least < count:
        wanting.append(f"only {lateness.open_at_least} stayed open")
    measured = f"{p99_ms:.0f} ms of {len(told)}"
    return _result(
        f"deadline error p99, {count} consultations open",
        f"≤ {DEADLINE_P99_MS:g} ms",
        "; ".join([measured, *wanting]),
        p99_ms <= DEADLINE_P99_MS and bool(told) and not wanting,
        lateness.load,
        lateness.load.spoiled,
        {
            "sessions_that_are_heard_each_second": lateness.sessions,
            "open_at_the_end": lateness.open_at_least,
            "recorded_error_worst_ms": round(1000 * max(recorded, default=0.0), 3),
            "told_ms": _by_command(lateness.told_s),
        },
    )


def in_words(result: Mapping[str, Any]) -> str:
    """For people."""
    verdict = "holds" if result["holds"] else "MISSED"
    load = result["details"]["load"]
    lines = [
        f"{result['name']}: {result['measured']} (target {result['target']}): {verdict}",
        f"  control {load['control_cpu_pct']} % of its core, load {load['generator_cpu_pct']} %,"
        f" others {load['foreign_pct']} %",
    ]
    for name in ("generator_late_ms", "control_late_ms"):
        if name in result["details"]:
            lines.append(f"  {name} {result['details'][name]}")
    for kind in ("latency_ms", "told_ms"):
        for name, each in result["details"].get(kind, {}).items():
            figures = ", ".join(f"{key} {value}" for key, value in each.items())
            lines.append(f"  {name:12} {figures}")
    return "\n".join(lines)


def _by_command(seconds: Mapping[str, list[float]]) -> dict[str, dict[str, float]]:
    return {
        name: {
            "count": len(each),
            "p50": round(1000 * percentile(each, 50), 2),
            "p99": round(1000 * percentile(each, 99), 2),
            "worst": round(1000 * max(each), 2),
        }
        for name, each in seconds.items()
    }


def _result(
    name: str,
    target: str,
    measured: str,
    holds: bool,
    load: Load,
    spoiled: str | None,
    details: dict[str, Any],
) -> dict[str, Any]:
    return {
        "name": name,
        "command": "python -m benchmarks.control --json var/results/control.json",
        "target": target,
        "measured": measured + (f"; {spoiled}" if spoiled else ""),
        "holds": holds and spoiled is None,
        "details": {**details, "load": load.as_json()},
        "machine": processor.machine(),
    }
