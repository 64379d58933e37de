"""``python -m benchmarks.results FOLDER``: all that was measured, in benchmarks/RESULTS.md.

FOLDER holds the JSON files that the benchmarks wrote, each one object or a list of objects with
``name``, ``command``, ``target``, ``measured``, ``holds``, ``machine`` and, if there is more to
say, ``reason`` (of a miss) and ``report`` (Markdown). Reasons may also stand in
benchmarks/reasons.toml, each with the name and with what was measured, as the page has it: another
figure wants another look. A miss without a reason is written, named, and makes it exit with 1; so
does a figure that is wanted (``WANTED``) and was not measured. Beside each command stands of which
commit its results are and when they were measured, as ``machine`` says.
"""

import argparse
import json
import sys
import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PATTERNS = ("browser", "spread")
WANTED = (
    *(
        f"{figure}, {pattern}, aes-128-gcm"
        for figure in (
            "CPU per packet ÷ relay, 80 rooms",
            "cost per packet at 10, 40, 80, 160 rooms",
            "rooms on one core, computed at 80",
            "rooms on one core, measured",
            "added latency p99, 70 rooms",
        )
        for pattern in PATTERNS
    ),
    *(f"CPU per packet ÷ relay, 80 rooms, {pattern}, aes-cm-sha1-80" for pattern in PATTERNS),
    *(
        f"CPU per packet ÷ cheapest peer that runs, {rooms} rooms, aes-128-gcm, {pattern}"
        for rooms in (40, 80)
        for pattern in PATTERNS
    ),
    "bounds checks: CPU with ÷ without, 80 rooms, browser",
    "UDP_SEGMENT and UDP_GRO: CPU with ÷ without, 80 rooms, browser",
    "coalescing: CPU with ÷ without, 40 rooms, browser",
    "calls loss",
    "calls bottleneck",
    "calls by REMB, bottleneck",
    "calls join",
    "memory per participant, 80 rooms, history full",
    "garbage flood at 50 kpps, 20 calls",
    "cycles of a consultation on one core, request to ratings",
    "p99 of any command at 25 cycles/s",
    "deadline error p99, 10000 consultations open",
    "memory of 5000 idle pages",
)
"""The names of the figures, whole: what was measured at other rooms is another figure."""


def read_results(folder: Path) -> list[dict[str, Any]]:
    """All objects of all files, in the order of their names."""
    found: list[dict[str, Any]] = []
    for file in sorted(folder.glob("*.json")):
        content = json.loads(file.read_text())
        found += content if isinstance(content, list) else [content]
    return found


def read_reasons(file: Path) -> dict[tuple[str, str], str]:
    """The reasons kept by hand, by name and what was measured."""
    if not file.exists():
        return {}
    misses = tomllib.loads(file.read_text())["miss"]
    return {(each["name"], each["measured"]): each["reason"] for each in misses}


def as_markdown(
    results: Sequence[Mapping[str, Any]], reasons: Mapping[tuple[str, str], str], on: date
) -> tuple[str, list[str]]:
    """The page, and the misses that nobody has explained."""
    machines = [result["machine"] for result in results if result.get("machine")]
    lines = [
        "# Measured",
        "",
        "Written by `python -m benchmarks.results` from what the commands below wrote;"
        " [docs/benchmarks.md](../docs/benchmarks.md) says what they do.",
        "",
        "; ".join([f"{on.day} {on:%B %Y}", *dict.fromkeys(map(_in_words, machines))]),
        "",
        "| what | target | measured | holds |",
        "| --- | --- | --- | --- |",
    ]
    missed: list[str] = []
    unexplained: list[str] = []
    for result in results:
        name = str(result["name"])
        holds = "yes" if result["holds"] else "**no**"
        measured_text = _text(result.get("measured", ""))
        cells = [name, _text(result.get("target", "")), measured_text, holds]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        if not result["holds"]:
            reason = result.get("reason") or reasons.get((name, measured_text))
            missed.append(f"- {name}: {reason or 'not explained yet'}")
            if not reason:
                unexplained.append(name)
    measured = {str(each["name"]) for each in results}
    absent = [wanted for wanted in WANTED if wanted not in measured]
    lines += [f"| {wanted} | | not measured | **no** |" for wanted in absent]
    unexplained += absent
    if missed:
        lines += ["", "## Missed, and why", "", *missed]
    reports: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    commands: dict[str, list[Mapping[str, Any]]] = {}
    for result in results:
        command = str(result.get("command", result["name"]))
        if result.get("command"):
            commands.setdefault(command, []).append(result)
        if result.get("report"):
            reports.setdefault((command, str(result["report"]).strip("\n")), []).append(result)
    for (command, report), of in reports.items():
        lines += ["", f"## `{command}`", "", _origin(of), "", report]
    lines += ["", "## Commands", ""]
    lines += [f"- `{command}`: {_origin(of)}" for command, of in commands.items()]
    return "\n".join(lines) + "\n", unexplained


def _origin(results: Sequence[Mapping[str, Any]]) -> str:
    """Of which commit they are and when they were measured, as far as they say."""
    machines = [result.get("machine") or {} for result in results]
    times: dict[str, list[str]] = {}
    for machine in machines:
        commit = f"commit {machine['commit']}" if "commit" in machine else "commit not noted"
        at = str(machine.get("at", "time not noted"))
        if at not in times.setdefault(commit, []):
            times[commit].append(at)
    return "; ".join(f"{commit}, {', '.join(at)}" for commit, at in times.items())


def _in_words(machine: Mapping[str, Any]) -> str:
    return (
        f"{machine['cores']} cores of {machine['processor']}, Linux {machine['kernel']},"
        f" Python {machine['python']}"
    )


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code, 1 when a miss has no reason."""
    parser = argparse.ArgumentParser(prog="benchmarks.results", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--to", type=Path, default=HERE / "RESULTS.md")
    parser.add_argument("--reasons", type=Path, default=HERE / "reasons.toml")
    parser.add_argument("--date", type=date.fromisoformat, default=None)
    options = parser.parse_args(arguments)
    on = options.date or datetime.now(UTC).date()
    text, unexplained = as_markdown(read_results(options.folder), read_reasons(options.reasons), on)
    options.to.write_text(text)
    for name in unexplained:
        sys.stderr.write(f"no reason given, or not measured: {name}\n")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
