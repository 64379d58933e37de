"""``rodrun warm-up`` leaves the plane's machine code where a start finds it."""

import os
import subprocess
import sys
from pathlib import Path


def warm_up(**environment: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "rodrun", "warm-up"],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "200", **environment},
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout or done.stderr


def test_it_says_where_the_code_is() -> None:
    status, said = warm_up()
    assert status == 0
    directory = Path(said.split()[-1])
    assert any(directory.rglob("loop.run-*.nbi"))
    status, said = warm_up()
    assert said.startswith("nothing to compile for ")


def test_code_that_cannot_be_kept_is_a_failure() -> None:
    status, said = warm_up(NUMBA_DISABLE_JIT="1")
    assert status == 1
    assert "RODRUN_CACHE_DIR" in said
