"""What stands beside a result is the command that was run, and a miss is its exit code."""

import pytest

from benchmarks.command import as_run, exit_code


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], "python -m benchmarks.x"),
        (["--rooms", "4,8", "--json", "var/a.json"], "python -m benchmarks.x --rooms 4,8"),
        (["--json=a.json", "--limit"], "python -m benchmarks.x --limit"),
        (["--plot", "a.png", "--only", "my own"], "python -m benchmarks.x --only 'my own'"),
    ],
)
def test_the_command_is_told_without_its_files(given: list[str], told: str) -> None:
    assert as_run("benchmarks.x", given) == told


def test_one_miss_is_a_miss() -> None:
    assert exit_code([{"holds": True}, {"holds": True}]) == 0
    assert exit_code([{"holds": True}, {"holds": False}]) == 1
