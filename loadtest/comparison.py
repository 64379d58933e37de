"""Two reports beside each other."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from loadtest.report import Report

SHOWN = ("loss_pct", "recovered_pct", "failed_pct", "setup_ms", "phase_ms", "latency_ms")
ALSO_SHOWN = ("jitter_ms", "api_ms", "rejoin_ms", "drops", "ramp", "server")
WORTH_A_COLOUR_PCT = 10.0
BETTER_WHEN_MORE = ("ramp.capacity", "drops.right", "drops.verdicts")


def flatten(measures: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Every figure by its dotted name, as ``--fail-on`` names it."""
    for name, value in measures.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{name}.")
        elif isinstance(value, int | float):
            yield f"{prefix}{name}", float(value)


def compare(before: Report, after: Report, console: Console) -> None:
    """Print what they measured, and by how much it changed where both did."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("")
    for label, report in (("A", before), ("B", after)):
        heading = f"{label}: {report['scenario']['name']}\n{report['begun_at'][:16]}"
        table.add_column(heading, justify="right")
    table.add_column("change", justify="right")
    shown = (*SHOWN, *ALSO_SHOWN)
    old, new = (
        dict(flatten({name: each["measures"].get(name) for name in shown}))
        for each in (before, after)
    )
    for name in dict.fromkeys((*old, *new)):
        if ".by_operation." in name:
            continue
        if name in old and name in new:
            table.add_row(name, f"{old[name]:g}", f"{new[name]:g}", _change(name, old, new))
        else:
            values = (f"{each[name]:g}" if name in each else "–" for each in (old, new))
            table.add_row(name, *values, "")
    console.print(table)
    if before["scenario"] != after["scenario"]:
        console.print("[yellow]They are of different scenarios or settings.[/]")
    for label, report in (("A", before), ("B", after)):
        for reason in report["invalid_because"]:
            console.print(f"[bold red]{label} is invalid:[/] {reason}")


def _change(name: str, old: Mapping[str, float], new: Mapping[str, float]) -> str:
    if old[name] == new[name]:
        return "="
    if old[name] == 0:
        return "[red]new[/]" if name not in BETTER_WHEN_MORE else "[green]new[/]"
    percent = 100.0 * (new[name] - old[name]) / abs(old[name])
    text = f"{percent:+.1f} %"
    if abs(percent) < WORTH_A_COLOUR_PCT:
        return text
    is_better = (percent > 0) == (name in BETTER_WHEN_MORE)
    return f"[{'green' if is_better else 'red'}]{text}[/]"
