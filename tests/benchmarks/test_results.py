import json
from datetime import date
from pathlib import Path

import pytest

from benchmarks import results

MACHINE = {"processor": "EPYC", "cores": 2, "kernel": "6.18", "python": "3.11.7"}
HELD = {
    "name": "join",
    "command": "python -m benchmarks.calls join",
    "target": "≤ 500 ms",
    "measured": {"p95_ms": 310.0, "joins": 20},
    "holds": True,
    "details": {},
    "machine": MACHINE,
    "report": "    a table\n",
}
MISSED = {**HELD, "name": "rooms, measured: all", "holds": False, "measured": "90 | few"}
REASONS = """
[[miss]]
name = "rooms, measured: all"
measured = "90 | few"
reason = "one core only"
"""


@pytest.fixture(autouse=True)
def _wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "WANTED", ("join", "rooms, measured: all"))


def written(folder: Path, reasons: str = "miss = []") -> tuple[int, str]:
    (folder / "b.json").write_text(json.dumps(MISSED))
    (folder / "a.json").write_text(json.dumps([HELD]))
    (folder / "reasons.toml").write_text(reasons)
    to = folder / "RESULTS.md"
    code = results.main(
        f"{folder} --to {to} --reasons {folder / 'reasons.toml'} --date 2026-11-22".split()
    )
    return code, to.read_text()


def test_the_page_has_all_results_and_commands(tmp_path: Path) -> None:
    code, text = written(tmp_path, REASONS)
    assert code == 0
    assert "22 November 2026; 2 cores of EPYC, Linux 6.18, Python 3.11.7" in text
    assert "| join | ≤ 500 ms | p95_ms 310, joins 20 | yes |" in text
    assert "| rooms, measured: all | ≤ 500 ms | 90 \\| few | **no** |" in text
    assert "- rooms, measured: all: one core only" in text
    assert text.count("\n- `python -m benchmarks.calls join`") == 1
    assert text.count("a table") == 1


def test_a_figure_that_was_not_measured_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "WANTED", ("join", "memory"))
    code, text = written(tmp_path, REASONS)
    assert code == 1
    assert "not measured: memory" in capsys.readouterr().err
    assert "| memory | | not measured | **no** |" in text


def test_what_was_measured_at_other_rooms_is_another_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "WANTED", ("join", "rooms, measured"))
    _, text = written(tmp_path)
    assert "| rooms, measured | | not measured | **no** |" in text


def test_commit_and_time_stand_at_each_section_and_command() -> None:
    first = {**HELD, "machine": {**MACHINE, "commit": "abc1234+", "at": "2026-11-22 10:30 UTC"}}
    later = {**HELD, "machine": {**MACHINE, "commit": "abc1234+", "at": "2026-11-22 10:45 UTC"}}
    old = {**MISSED, "command": "python -m benchmarks.memory"}
    text, _ = results.as_markdown([first, later, old], {}, date(2026, 11, 22))
    both = "commit abc1234+, 2026-11-22 10:30 UTC, 2026-11-22 10:45 UTC"
    assert f"## `python -m benchmarks.calls join`\n\n{both}\n\n    a table\n" in text
    assert f"- `python -m benchmarks.calls join`: {both}\n" in text
    assert "- `python -m benchmarks.memory`: commit not noted, time not noted\n" in text


def test_a_result_without_a_machine_is_on_the_page() -> None:
    bare = {"name": "x", "holds": True}
    text, _ = results.as_markdown([bare], {}, date(2026, 11, 22))
    assert "| x |  |  | yes |" in text


def test_the_reason_of_another_figure_explains_nothing(tmp_path: Path) -> None:
    code, text = written(tmp_path, REASONS.replace("90 | few", "80 | few"))
    assert code == 1
    assert "- rooms, measured: all: not explained yet" in text


def test_each_machine_is_named_once(tmp_path: Path) -> None:
    other = {**HELD, "machine": {**MACHINE, "cores": 8}}
    text, _ = results.as_markdown([HELD, other, HELD], {}, date(2026, 11, 22))
    assert text.count("2 cores of EPYC") == text.count("8 cores of EPYC") == 1


def test_a_miss_without_a_reason_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, text = written(tmp_path)
    assert code == 1
    assert "no reason given, or not measured: rooms, measured: all" in capsys.readouterr().err
    assert "not explained yet" in text
