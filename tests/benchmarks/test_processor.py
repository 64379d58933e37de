"""What stands beside a figure: the commit and when."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from benchmarks import processor


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    done = subprocess.run(["git", "-C", folder, *who, *words], capture_output=True, check=True)
    return done.stdout.decode().strip()


def test_a_commit_is_told_with_whether_files_differ_from_it(tmp_path: Path) -> None:
    git(tmp_path, "init")
    (tmp_path / "a.py").write_text("1\n")
    git(tmp_path, "add", "a.py")
    git(tmp_path, "commit", "--message", "one")
    short = git(tmp_path, "rev-parse", "--short", "HEAD")
    assert processor.commit(tmp_path) == short
    for written in ("docs/images/a.png", "benchmarks/RESULTS.md"):
        (tmp_path / written).parent.mkdir(parents=True)
        (tmp_path / written).write_text("written by a benchmark\n")
    assert processor.commit(tmp_path) == short
    (tmp_path / "a.py").write_text("2\n")
    assert processor.commit(tmp_path) == f"{short}+"
    git(tmp_path, "checkout", "a.py")
    (tmp_path / "new.py").write_text("")
    assert processor.commit(tmp_path) == f"{short}+"


def test_where_git_does_not_say_the_commit_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", os.fspath(tmp_path.parent))
    assert processor.commit(tmp_path) == "unknown"
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    assert processor.commit() == "unknown"


def test_a_figure_has_its_commit_and_its_minute() -> None:
    machine = processor.machine()
    assert machine["commit"] == processor.commit()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", str(machine["at"]))
