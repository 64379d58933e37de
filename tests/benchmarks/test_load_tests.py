"""The load tests of the documents, a few seconds of one."""

import json
from pathlib import Path

import pytest

from benchmarks import load_tests


def test_a_report_and_its_picture_are_kept(tmp_path: Path) -> None:
    given = ["steady", "--folder", str(tmp_path / "reports"), "--pictures", str(tmp_path)]
    assert load_tests.main([*given, "--", "--calls", "2", "--duration", "3"]) == 0
    report = json.loads((tmp_path / "reports" / "steady.json").read_text())
    assert report["measures"]["calls"]["ended"] == 2
    assert (tmp_path / "loadtest-steady.png").read_bytes().startswith(b"\x89PNG")


def test_a_load_test_that_fails_fails_the_whole(tmp_path: Path) -> None:
    given = ["steady", "--folder", str(tmp_path), "--", "--calls", "1", "--duration", "2"]
    assert load_tests.main([*given, "--fail-on", "loss_pct<1"]) == 1


def test_an_unknown_one_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        load_tests.main(["steadily"])
    assert "steadily" in capsys.readouterr().err
