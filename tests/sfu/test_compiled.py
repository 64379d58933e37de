"""Where machine code is kept, and when it is made anew."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import sfu.compiled
from sfu.compiled import forget_old_code

PROGRAM = """
from sfu.compiled import cache_directory
from pathlib import Path
import sys
print(cache_directory(Path(sys.argv[1])))
"""


def directory_for(folder: Path, package: Path, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder)],
        cwd=package.parent,
        env=os.environ | {"PYTHONPATH": str(package.parent)} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_a_change_in_any_compiled_source_gives_another_directory(tmp_path: Path) -> None:
    package = tmp_path / "sfu"
    shutil.copytree(Path(sfu.compiled.__file__).parent, package)
    plane = package / "plane"
    first = directory_for(plane, package)
    assert directory_for(plane, package) == first
    (package / "server.py").write_text("# not compiled\n")
    assert directory_for(plane, package) == first
    with (plane / "packet.py").open("a") as source:
        source.write("# changed\n")
    second = directory_for(plane, package)
    assert second != first
    assert directory_for(plane, package, RODRUN_BOUNDS_CHECK="0") != second
    assert directory_for(plane, package, NUMBA_CPU_NAME="generic") != second


def test_the_environment_says_where(tmp_path: Path) -> None:
    package = Path(sfu.compiled.__file__).parent
    named = directory_for(package / "plane", package, RODRUN_CACHE_DIR=str(tmp_path / "here"))
    assert Path(named).parent == tmp_path / "here"
    named = directory_for(
        package / "plane", package, RODRUN_CACHE_DIR="", XDG_CACHE_HOME=str(tmp_path)
    )
    assert Path(named).parent == tmp_path / "rodrun"


def test_code_that_nobody_runs_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RODRUN_CACHE_DIR", str(tmp_path))
    for name in ("code-old", "code-new", "other-old"):
        (tmp_path / name / "inner").mkdir(parents=True)
        if name.endswith("old"):
            os.utime(tmp_path / name, (1, 1))
    forget_old_code(time.time())
    assert {each.name for each in tmp_path.iterdir()} == {"code-new", "other-old"}
