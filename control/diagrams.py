"""The state diagrams of docs/consultation.md, drawn from the tables of the rules.

``python -m control.diagrams`` writes them into the page.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from control.consultations.early_end import EARLY_END_TRANSITIONS
from control.consultations.extension import EXTENSION_TRANSITIONS
from control.consultations.leaving import LEAVING_TRANSITIONS
from control.consultations.liveness import LINK_TRANSITIONS
from control.consultations.paid_time import FLOW_TRANSITIONS
from control.consultations.states import COMMANDED_BY, END_REASONS, TRANSITIONS

PAGE = Path(__file__).parents[1] / "docs" / "consultation.md"

Table = Mapping[tuple[Any, Any], StrEnum]

TABLES: dict[str, Table] = {
    "consultation": TRANSITIONS,
    "early-end": EARLY_END_TRANSITIONS,
    "extension": EXTENSION_TRANSITIONS,
    "leaving": LEAVING_TRANSITIONS,
    "link": LINK_TRANSITIONS,
    "paid-time": FLOW_TRANSITIONS,
}


def diagram(table: Table) -> str:
    """A Mermaid state diagram; it begins in the first state of the enumeration."""
    first = next(iter(type(next(iter(table.values())))))
    lines = ["stateDiagram-v2", f"    [*] --> {first.value}"]
    arrows: dict[tuple[str, str], list[str]] = {}
    for (state, trigger), to in table.items():
        arrows.setdefault((state.value, to.value), []).append(_words(trigger))
    for (before, after), triggers in arrows.items():
        lines.append(f"    {before} --> {after}: {'<br>'.join(triggers)}")
    for last in dict.fromkeys(table.values()):
        if not any(state is last for state, _ in table):
            lines.append(f"    {last.value} --> [*]")
    return "\n".join(lines)


def ends() -> str:
    """A Markdown table: what ends a session, by whom, and the reason on record."""
    lines = ["| what ends it | by command of | reason |", "| --- | --- | --- |"]
    for trigger, reason in END_REASONS.items():
        by = COMMANDED_BY.get(trigger)
        lines.append(f"| {_words(trigger)} | {by.value if by else ''} | `{reason.value}` |")
    return "\n".join(lines)


def drawn(page: str) -> str:
    """``page`` with everything between its marks drawn anew; ValueError when a mark is missing."""
    for name, content in _contents():
        begin, end = (
            f"<!-- {name}: drawn by python -m control.diagrams -->",
            f"<!-- {name}: end -->",
        )
        before, found, rest = page.partition(begin)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise ValueError(f"{name} has no place between {begin} and {end}")
        page = f"{before}{begin}\n{content}\n{end}{after}"
    return page


def _contents() -> Iterator[tuple[str, str]]:
    for name, table in TABLES.items():
        yield name, f"```mermaid\n{diagram(table)}\n```"
    yield "ends", ends()


def _words(trigger: StrEnum) -> str:
    return trigger.value.replace("_", " ")


if __name__ == "__main__":
    PAGE.write_text(drawn(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
