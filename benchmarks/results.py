"""``python -m benchmarks.results FOLDER``: all that was measured, in benchmarks/RESULTS.md.

FOLDER holds the JSON files that the benchmarks wrote, each one object or a list of objects with
``name``, ``command``, ``target``, ``measured``, ``holds``, ``machine`` and, if there is more to
say, ``reason`` (of a miss) and ``report`` (Markdown). Reasons may also stand in benchmarks/reasons,
one a line, ``name: reason``. A miss without a reason is written, named, and makes it exit with
1; so does a figure that is wanted (``WANTED``) and was not measured.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
WANTED = (
    "CPU per packet ÷ relay, 80 rooms, browser, aes-128-gcm",
    "CPU per packet ÷ relay, 80 rooms, spread, aes-128-gcm",
    "CPU per packet ÷ relay, 80 rooms, browser, aes-cm-sha1-80",
    "CPU per packet ÷ relay, 80 rooms, spread, aes-cm-sha1-80",
    "cost per packet at",
    "CPU per packet ÷ cheapest peer that runs, 40 rooms",
    "CPU per packet ÷ cheapest peer that runs, 80 rooms",
    "rooms on one core, computed at 80, browser",
    "rooms on one core, measured",
    "added latency p99, 70 rooms, browser",
    "calls loss",
    "calls bottleneck",
    "calls join",
    "memory per participant",
    "garbage flood",
    "bounds checks",
    "cycles of a consultation",
    "p99 of any command",
    "deadline error",
    "memory of ",
)
"""What the names of the figures begin with."""


def read_results(folder: Path) -> list[dict[str, Any]]:
    """All objects of all files, in the order of their names."""
    found: list[dict[str, Any]] = []
    for file in sorted(folder.glob("*.json")):
        content = json.loads(file.read_text())
        found += content if isinstance(content, list) else [content]
    return found


def read_reasons(file: Path) -> dict[str, str]:
    """The reasons kept by hand; the name is all before the last ``: ``."""
    if not file.exists():
        return {}
    pairs = [line.rpartition(": ") for line in file.read_text().splitlines() if ": " in line]
    return {name.strip(): reason.strip() for name, _, reason in pairs}


def as_markdown(
    results: Sequence[Mapping[str, Any]], reasons: Mapping[str, str], on: date
) -> tuple[str, list[str]]:
    """The page, and the misses that nobody has explained."""
    machines = [result["machine"] for result in results if result.get("machine")]
    lines = [
        "# Measured",
        "",
        "Written by `python -m benchmarks.results` from what the commands below wrote;"
        " [docs/benchmarks.md](../docs/benchmarks.md) says what they do.",
        "",
        f"{on.day} {on:%B %Y}" + (f", {_in_words(machines[0])}" if machines else ""),
        "",
        "| what | target | measured | holds |",
        "| --- | --- | --- | --- |",
    ]
    missed: list[str] = []
    unexplained: list[str] = []
    for result in results:
        name = str(result["name"])
        holds = "yes" if result["holds"] else "**no**"
        cells = [name, _text(result.get("target", "")), _text(result.get("measured", "")), holds]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        if not result["holds"]:
            reason = result.get("reason") or reasons.get(name)
            missed.append(f"- {name}: {reason or 'not explained yet'}")
            if not reason:
                unexplained.append(name)
    absent = [
        wanted
        for wanted in WANTED
        if not any(str(each["name"]).startswith(wanted) for each in results)
    ]
    lines += [f"| {wanted} | | not measured | **no** |" for wanted in absent]
    unexplained += absent
    if missed:
        lines += ["", "## Missed, and why", "", *missed]
    reports = dict.fromkeys(
        (str(result.get("command", result["name"])), str(result["report"]).strip())
        for result in results
        if result.get("report")
    )
    for command, report in reports:
        lines += ["", f"## `{command}`", "", report]
    lines += ["", "## Commands", ""]
    commands = dict.fromkeys(str(each["command"]) for each in results if each.get("command"))
    lines += [f"    {command}" for command in commands]
    return "\n".join(lines) + "\n", unexplained


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
    parser.add_argument("--reasons", type=Path, default=HERE / "reasons")
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
