"""The cases as a result and as a table. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.proof.conditions import CONDITIONS, LEGS, NONE
from benchmarks.proof.judgement import TARGET, Case, findings
from benchmarks.proof.testimony import Told

UNITS = {"loss_pct": "loss, %", "jitter_ms": "jitter, ms", "rtt_ms": "round trip, ms"}


def result(cases: Sequence[Case], verdicts: Mapping[str, str]) -> dict[str, Any]:
    """The result, without name and machine.

    Args:
        cases: all, those that were repeated too.
        verdicts: the leg that was impaired in a call → what the API's verdict on the whole of it
            names.
    """
    last = last_of(cases)
    missed = [case for case in last if not case.holds]
    blamed = {leg: said for leg, said in verdicts.items() if said != leg}
    wanted = {(leg, each.name) for leg in LEGS for each in CONDITIONS if each != NONE}
    done = {(case.leg, case.condition.name) for case in cases}
    complete = wanted <= done and any(name == NONE.name for _, name in done)
    return {
        "target": TARGET,
        "measured": {
            "cases": f"{len(last) - len(missed)} of {len(last)} hold",
            "repeated": sum(case.attempt > 1 for case in cases),
            "largest error": ", ".join(worst_errors(last)),
            "verdicts on whole calls": f"{len(verdicts) - len(blamed)} of {len(verdicts)} right",
        },
        "holds": not missed and not blamed,
        "complete": complete,
        "misses": {
            f"{case.condition.name}, {case.leg.name}, attempt {case.attempt}": case.misses
            for case in cases
            if not case.holds
        },
        "verdicts": dict(verdicts),
        "cases": [case.to_json() for case in cases],
        "report": table(last),
    }


def last_of(cases: Iterable[Case]) -> list[Case]:
    """Of those that were repeated, the last alone."""
    return list({(case.leg, case.condition.name): case for case in cases}.values())


def worst_errors(cases: Iterable[Case]) -> list[str]:
    """Of each figure and witness, on the legs that the cases are of."""
    found: dict[tuple[str, str], float] = {}
    for case in cases:
        for witness, told in (("node", case.by_node), ("Chromium", case.by_browser)):
            for finding in findings(told[case.leg.name]):
                if finding.said is not None and finding.true is not None:
                    key = finding.figure, witness
                    error = abs(finding.said - finding.true)
                    found[key] = max(found.get(key, 0.0), error)
    return [
        f"{figure} {found[figure, witness]:.2f} ({witness})"
        for figure in UNITS
        for witness in ("node", "Chromium")
        if (figure, witness) in found
    ]


def table(cases: Sequence[Case]) -> str:
    """The impaired leg of each case, and all legs where there is none; in Markdown."""
    lines = [
        "| injected | leg | " + " | ".join(UNITS.values()) + " | verdict |",
        "| --- | --- | " + "--- | " * len(UNITS) + "--- |",
    ]
    order = [condition.name for condition in CONDITIONS]
    for case in sorted(
        cases, key=lambda each: (order.index(each.condition.name), LEGS.index(each.leg))
    ):
        for leg in LEGS if case.condition == NONE else (case.leg,):
            cells = [case.condition.name, leg.name]
            told = case.by_node[leg.name], case.by_browser[leg.name]
            cells += [_cell(*told, place) for place in range(len(UNITS))]
            cells.append(_verdict(case))
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def line(case: Case) -> str:
    """A case for somebody who watches."""
    state = "holds" if case.holds else "MISSED"
    told = case.by_node[case.leg.name]
    figures = ", ".join(
        f"{each.figure} {_number(each.said)} ({_number(each.true)})" for each in findings(told)
    )
    misses = "".join(f"\n    {each}" for each in case.misses)
    busy = case.noise.get("machine_busy_pct")
    return f"{case.condition.name}, {case.leg.name}: {state}; {figures}; busy {busy} %{misses}"


def _cell(node: Told, browser: Told, place: int) -> str:
    """What both said, and in brackets the truth of each."""
    return " · ".join(
        f"{_number(told.said[place])} ({_number(told.true[place])})" for told in (node, browser)
    )


def _verdict(case: Case) -> str:
    words = case.verdict.named if case.verdict.wanted else "nothing amiss"
    if case.verdict.wanted is None and case.verdict.complaints:
        words = f"amiss: {', '.join(case.verdict.complaints)}"
    return words if case.holds else f"{words} **missed**"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
