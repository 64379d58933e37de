"""The compiled plane and the interpreted one send the same octets."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[3]


def lines_of(disable_jit: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.sfu.plane.script"],
        env=os.environ | {"NUMBA_DISABLE_JIT": disable_jit},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_one_script_of_datagrams_gives_the_same_octets_both_ways() -> None:
    with ThreadPoolExecutor() as pool:
        compiled, interpreted = pool.map(lines_of, ("0", "1"))
    assert (compiled.pop(0), interpreted.pop(0)) == ("compiled", "interpreted")
    assert len(compiled) > 1000
    assert '"fault": 0' in compiled[-2]
    assert '"resends": 0,' not in compiled[-3], "loss repair is at work"
    assert compiled == interpreted
