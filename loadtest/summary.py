"""A load test on a terminal: while it runs, and what came of it."""

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from loadtest.record import Record
from loadtest.report import PHASES, Report
from loadtest.scenario import Scenario

COLUMNS = ("p50", "p95", "p99", "max")


def progress(scenario: Scenario, record: Record) -> Table:
    """How it stands now."""
    table = Table.grid(padding=(0, 2))
    tick = record.ticks[-1] if record.ticks else None
    table.add_row(Text(scenario.name, style="bold"), f"{tick.t if tick else 0:.0f} s")
    if tick is None:
        return table
    failed = Text(str(tick.failed), style="bold red" if tick.failed else "")
    table.add_row("calls up", f"{tick.calls} of {scenario.calls}", "failed", failed)
    table.add_row(
        "loss",
        f"{tick.loss_pct:.2f} %",
        "latency p50 / p99",
        f"{_figure(tick.latency_ms.get('p50'))} / {_figure(tick.latency_ms.get('p99'))} ms",
    )
    table.add_row(
        "packets/s",
        f"{tick.sent}",
        "API p95",
        f"{_figure(tick.api_ms.get('p95'))} ms",
    )
    if tick.cpu_pct is not None:
        memory = f"{tick.memory_mib:.0f} MiB" if tick.memory_mib is not None else "–"
        table.add_row("server CPU", f"{tick.cpu_pct:.0f} %", "memory", memory)
    table.add_row(
        "generator CPU", f"{tick.generator_cpu_pct:.0f} %", "its lag", f"{tick.lag_ms} ms"
    )
    if record.verdicts:
        right = sum(each.is_right for each in record.verdicts)
        table.add_row("verdicts", f"{len(record.verdicts)}", "right", f"{right}")
    held = [step.calls for step in record.steps if step.is_held]
    if held:
        table.add_row("held", f"{held[-1]} calls")
    return table


def summarise(report: Report, console: Console) -> None:
    """What came of it."""
    measures, calls = report["measures"], report["measures"]["calls"]
    console.print()
    console.print(
        f"[bold]{report['scenario']['name']}[/] against {report['url']}:"
        f" {calls['most_at_once']} calls at once, {calls['started']} in all,"
        f" {report['seconds']:.0f} s"
    )
    if report["stopped"]:
        console.print(f"[bold yellow]Broken off:[/] {report['stopped']}")
    for reason in report["invalid_because"]:
        console.print(f"[bold red]Invalid:[/] {reason}")
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("")
    for name in COLUMNS:
        table.add_column(name, justify="right")
    for label, figures in _rows(measures):
        if figures:
            table.add_row(label, *(_figure(figures.get(name)) for name in COLUMNS))
    console.print(table)
    for line in _lines(measures):
        console.print(line)
    for failure in report["failures"][:8]:
        console.print(f"[red]{failure['count']} ×[/] {failure['stage']}: {failure['reason']}")
    for each in report["expectations"]:
        mark = "[bold red]FAILED[/]" if each["failed"] else "[green]held[/]"
        value = "not measured" if each["value"] is None else f"{each['value']:g}"
        console.print(f"{mark}  {each['fail_on']} ({value})")


def _rows(measures: Report) -> list[tuple[str, dict[str, float]]]:
    phases = measures["phase_ms"]
    return [
        ("set-up, ms", measures["setup_ms"]),
        *((f"  {name.replace('_', ' ')}", phases[name]) for name in PHASES),
        ("one-way latency, ms", measures["latency_ms"]),
        ("jitter, ms", measures["jitter_ms"]),
        ("API, ms", measures["api_ms"]),
        ("rejoin, ms", measures["rejoin_ms"]),
        ("drop verdict's error, ms", measures["drops"]["ended_error_ms"]),
        ("line back told after, ms", measures["drops"]["back_error_ms"]),
        ("generator's lateness, ms", measures["generator"]["late_ms"]),
    ]


def _lines(measures: Report) -> list[str]:
    calls, drops, server = measures["calls"], measures["drops"], measures["server"]
    found = []
    if measures["loss_pct"] is not None:
        found.append(
            f"loss {measures['loss_pct']:.4f} % of {calls['packets_sent']:,} packets,"
            f" recovered {measures['recovered_pct']:.4f} %; {measures['failed']} calls failed"
        )
    else:
        found.append(f"no media; {measures['failed']} calls failed")
    if drops["verdicts"]:
        found.append(f"drop verdicts: {drops['right']} of {drops['verdicts']} right")
    if any(value is not None for value in measures["ramp"].values()):
        broken = measures["ramp"]["broken"]
        bottleneck = measures["ramp"]["bottleneck"]
        why = f"then {broken}" if broken else bottleneck or "no limit broke"
        least = "" if broken else "at least "
        found.append(f"capacity: {least}{measures['ramp']['capacity'] or 0} calls ({why})")
    if measures["attacks"]:
        counted = ", ".join(f"{count:,} {name}" for name, count in measures["attacks"].items())
        found.append(f"attacks beside it: {counted}")
    if server["cpu_pct"]:
        found.append(
            f"server: CPU {server['cpu_pct']['mean']} % of a core (at most"
            f" {server['cpu_pct']['max']} %), memory {server['memory_mib']['max']:.0f} MiB"
        )
    cpu = measures["generator"]["cpu_pct"]
    if cpu:
        found.append(f"generator: CPU {cpu['mean']} % of a core (at most {cpu['max']} %)")
    return found


def _figure(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
