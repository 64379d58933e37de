"""What is held to be true, and what is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.proof import plot
from benchmarks.proof.conditions import CONDITIONS, LEGS, NONE, Condition, loss
from benchmarks.proof.judgement import Case, Finding, findings, verdict
from benchmarks.proof.report import result, table
from benchmarks.proof.testimony import Figures, Told

TRUE = Figures(5.0, 20.0, 100.0)
QUIET = Figures(0.0, 0.5, 1.0)
CLIENT_UP, SPECIALIST_DOWN = LEGS[0], LEGS[3]


def periods(worst: str | None = "client_up", level: str = "good") -> list[dict[str, Any]]:
    def score(name: str) -> dict[str, Any]:
        is_worst = name == worst
        return {
            "mos": 3.9 if is_worst else 4.4,
            "level": level if is_worst else "excellent",
            "reasons": [{"code": "loss", "value": 5.0}] if is_worst else [],
            "expected": 100,
            "lost": 5 * is_worst,
        }

    legs = {name: score(name) for name in (*(leg.name for leg in LEGS), "node")}
    return [{"at": 0.0, "duration_s": 5.0, "legs": legs}]


def case(
    condition: Condition = CONDITIONS[9], said: Figures = TRUE, worst: str | None = "client_up"
) -> Case:
    quiet = {leg.name: Told(QUIET, QUIET) for leg in LEGS}
    told = {**quiet, CLIENT_UP.name: Told(said, TRUE)}
    return Case(condition, CLIENT_UP, 1, told, quiet, verdict(periods(worst), condition, CLIENT_UP))


@pytest.mark.parametrize(
    ("figure", "true", "right", "wrong"),
    [
        ("loss_pct", 0.5, 0.69, 0.71),
        ("loss_pct", 10.0, 9.81, 9.79),
        ("jitter_ms", 3.0, 3.99, 4.01),  # 1 ms is more than a tenth
        ("jitter_ms", 30.0, 27.01, 26.99),  # and here it is less
        ("rtt_ms", 300.0, 304.9, 305.1),
        ("rtt_ms", 0.2, 5.1, 5.3),
    ],
)
def test_a_figure_out_of_its_bounds_is_refused(
    figure: str, true: float, right: float, wrong: float
) -> None:
    assert Finding(figure, right, true).holds
    assert not Finding(figure, wrong, true).holds


def test_nothing_said_is_refused_and_so_is_what_nothing_can_be_held_against() -> None:
    assert not Finding("rtt_ms", None, 10.0).holds
    assert not Finding("rtt_ms", 10.0, None).holds
    assert all(each.holds for each in findings(Told(TRUE, TRUE)))


def test_a_case_holds_when_all_is_true_and_the_verdict_names_the_leg() -> None:
    assert case().misses == []
    assert case().holds


def test_a_wrong_measurement_of_any_leg_is_refused() -> None:
    assert case(said=TRUE._replace(loss_pct=5.3)).misses == [
        "node, client_up: loss_pct 5.30, truly 5.00"
    ]
    wrong = {**case().by_browser, SPECIALIST_DOWN.name: Told(QUIET, TRUE)}
    misses = replace(case(), by_browser=wrong).misses
    assert misses == [
        "Chromium, specialist_down: loss_pct 0.00, truly 5.00",
        "Chromium, specialist_down: rtt_ms 1.00, truly 100.00",
    ]
    shaken = {**case().by_browser, CLIENT_UP.name: Told(QUIET, QUIET._replace(jitter_ms=3))}
    assert replace(case(), by_browser=shaken).misses == [
        "Chromium, client_up: jitter_ms 0.50, truly 3.00"
    ]


def test_a_verdict_on_another_leg_is_refused() -> None:
    (miss,) = case(worst="specialist_up").misses
    assert miss.startswith("verdict: specialist_up (")


def test_without_an_impairment_nothing_may_be_said_of_any_leg() -> None:
    assert verdict(periods(None), NONE, CLIENT_UP).holds
    assert not verdict(periods("client_up"), NONE, CLIENT_UP).holds
    assert not verdict(periods("node", "excellent"), NONE, CLIENT_UP).holds
    shaken = {**case().by_browser, SPECIALIST_DOWN.name: Told(QUIET, QUIET._replace(jitter_ms=3))}
    quiet = {leg.name: Told(QUIET, QUIET) for leg in LEGS}
    without = replace(case(NONE, worst=None), by_node=quiet)
    assert without.holds
    assert replace(without, by_browser=shaken).misses == [
        "Chromium, specialist_down: jitter_ms 0.50, truly 3.00"
    ]


def test_a_result_holds_by_the_last_attempt_and_has_all_of_them() -> None:
    missed = case(said=TRUE._replace(rtt_ms=120.0))
    found = result([missed, replace(case(), attempt=2)], {"client_up": "client_up"})
    assert found["holds"]
    assert len(found["cases"]) == 2
    assert found["cases"][0]["legs"]["client_up"]["node"]["rtt_ms"] == {
        "said": 120.0,
        "true": 100.0,
        "holds": False,
    }
    assert list(found["misses"]) == ["loss 5 %, client_up, attempt 1"]
    assert not found["complete"]  # there are more conditions and legs
    assert not result([missed], {})["holds"]
    assert not result([case()], {"client_up": "client_down"})["holds"]


def test_the_table_has_the_impaired_leg_or_all_and_marks_a_miss() -> None:
    told = table([case(), replace(case(NONE, worst=None), leg=SPECIALIST_DOWN)])
    *without, last = told.splitlines()[2:]
    assert len(without) == 4
    assert without[1].startswith("| none | client_down | 0.00 (0.00) · 0.00 (0.00) |")
    assert without[1].endswith("| nothing amiss |")
    assert last.startswith("| loss 5 % | client_up | 5.00 (5.00) · 0.00 (0.00) |")
    assert "missed" in table([case(said=QUIET)])


def test_every_loss_is_injected_by_its_name() -> None:
    assert CONDITIONS[9] == loss(5)
    assert CONDITIONS[9].impairment.loss_pct == 5
    assert len({each.name for each in CONDITIONS}) == len(CONDITIONS) == 14


def test_the_picture_is_drawn_also_of_what_nothing_was_said_of(tmp_path: Path) -> None:
    file = tmp_path / "images" / "proof.png"
    silent = case(loss(10), TRUE._replace(rtt_ms=None))
    plot.draw([case(), silent, case(NONE, worst=None)], file)
    assert file.read_bytes().startswith(b"\x89PNG")
