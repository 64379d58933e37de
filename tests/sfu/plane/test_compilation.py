"""What is said while the plane compiles, and what a warm-up finds."""

import logging
import time
from pathlib import Path

import pytest

from sfu.compiled import JIT_DISABLED
from sfu.machine_code import Place
from sfu.plane import compilation, warm_up


def test_a_compilation_tells_where_its_code_goes_and_how_far_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compilation, "_TELL_EVERY_S", 0.01)
    caplog.set_level(logging.INFO)
    with compilation._telling(Place(tmp_path, True), time.monotonic()):
        while not any("functions" in each for each in caplog.messages):
            time.sleep(0.005)
    assert caplog.messages[1] == f"its machine code will be kept in {tmp_path}"
    assert caplog.messages[2].startswith("compiling: ")


def test_a_place_that_keeps_nothing_is_told_and_code_that_is_there_is_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with compilation._telling(None, 0.0):
        assert "RODRUN_CACHE_DIR" in caplog.text
    caplog.clear()
    (tmp_path / "loop.run-1.py311.nbi").touch()
    with compilation._telling(Place(tmp_path, False), 0.0):
        assert not caplog.messages


def test_a_second_warm_up_in_a_process_has_nothing_to_do() -> None:
    warm_up()
    again = warm_up()
    assert again.compiled == 0
    assert (again.directory is None) == JIT_DISABLED
