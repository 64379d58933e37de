"""Where machine code is kept, when it is made anew, and how it is found in read-only places."""

import ctypes
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import sfu.machine_code
from sfu.machine_code import forget_old_code

ROOT = Path(__file__).parents[2]
CAP_DAC_OVERRIDE, PR_CAPBSET_DROP = 1, 24

FUNCTION = """
from sfu.compiled import compiled


@compiled
def double(number: int) -> int:
    return 2 * number
"""

START = """
import json
from pathlib import Path
from sfu.compiled import code_place
from sfu.machine_code import progress
import doubling
assert doubling.double(21) == 42
place = code_place(Path(doubling.__file__).resolve().parent)
print(json.dumps({
    "functions": progress.functions, "loaded": progress.loaded,
    "compiled": progress.compiled, "place": place and str(place.directory),
}))
"""


def run(program: str, *, path: Path, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=path,
        env=os.environ | {"PYTHONPATH": f"{path}:{ROOT}"} | environment,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=obey_permissions,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def obey_permissions() -> None:
    """Let root be refused what the modes of files refuse to others."""
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one compiled function, an empty one for its code, and one for temporaries."""
    for name in ("cache", "temporary", "sources"):
        (tmp_path / name).mkdir()
    (tmp_path / "sources" / "doubling.py").write_text(FUNCTION)
    return tmp_path


def start(folder: Path) -> dict[str, Any]:
    """What one start of the function compiled and loaded, and where its code is."""
    printed = run(
        START,
        path=folder / "sources",
        RODRUN_CACHE_DIR=str(folder / "cache"),
        TMPDIR=str(folder / "temporary"),
        NUMBA_DISABLE_JIT="0",
        PYTHONDONTWRITEBYTECODE="1",
    )
    found: dict[str, Any] = json.loads(printed)
    return found


def make_read_only(top: Path) -> None:
    for each in (top, *top.rglob("*")):
        each.chmod(0o555 if each.is_dir() else 0o444)


def test_code_in_a_read_only_folder_is_used_and_nothing_is_written(folder: Path) -> None:
    first = start(folder)
    assert (first["functions"], first["compiled"], first["loaded"]) == (1, ["double"], 0)
    make_read_only(folder / "cache")
    second = start(folder)
    assert (second["compiled"], second["loaded"]) == ([], 1)
    assert second["place"] == first["place"]
    assert not list((folder / "temporary").iterdir())
    assert [each.name for each in (folder / "sources").iterdir()] == ["doubling.py"]


def test_a_read_only_folder_without_the_code_gives_way_to_a_temporary_one(folder: Path) -> None:
    make_read_only(folder / "cache")
    first, second = start(folder), start(folder)
    assert (first["compiled"], second["compiled"], second["loaded"]) == (["double"], [], 1)
    assert str(first["place"]).startswith(str(folder / "temporary"))
    (kept,) = (folder / "temporary").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o700


def test_a_temporary_folder_that_others_may_write_to_is_not_trusted(folder: Path) -> None:
    make_read_only(folder / "cache")
    others = folder / "temporary" / f"rodrun-{os.getuid()}"
    others.mkdir()
    others.chmod(0o777)
    assert start(folder)["place"] is None
    assert not list(others.iterdir())


def test_damaged_code_is_compiled_anew(folder: Path) -> None:
    start(folder)
    for each in (folder / "cache").rglob("*.nbc"):
        each.write_bytes(each.read_bytes()[:100])
    assert start(folder)["compiled"] == ["double"]
    assert start(folder)["loaded"] == 1


def test_a_change_in_any_compiled_source_gives_another_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "sfu"
    shutil.copytree(Path(sfu.machine_code.__file__).parent, package)
    monkeypatch.setattr(sfu.machine_code, "_PACKAGE", package)

    def name(options: str = "") -> str:
        return sfu.machine_code.code_name.__wrapped__(package / "plane", options)

    first = name()
    (package / "server.py").write_text("# not compiled\n")
    assert name() == first
    with (package / "plane" / "packet.py").open("a") as source:
        source.write("# changed\n")
    second = name()
    assert second != first
    assert name("without checks") != second
    monkeypatch.setattr(sfu.machine_code._config, "CPU_NAME", "generic")
    assert name() != second


def test_code_for_a_named_processor_is_the_same_on_every_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sfu.machine_code._config, "CPU_NAME", "x86-64-v3")
    monkeypatch.setattr(sfu.machine_code._config, "CPU_FEATURES", "")
    assert sfu.machine_code.processor() == ("x86-64-v3", "")


@pytest.mark.parametrize(
    ("environment", "root"),
    [
        ({"RODRUN_CACHE_DIR": "/here"}, "/here"),
        ({"XDG_CACHE_HOME": "/there"}, "/there/rodrun"),
        ({"HOME": "/home/me"}, "/home/me/.cache/rodrun"),
    ],
)
def test_the_environment_says_where(
    environment: dict[str, str], root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RODRUN_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert sfu.machine_code.cache_roots()[0] == Path(root)


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
