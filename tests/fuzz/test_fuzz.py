"""A bounded run of the fuzzer, from the corpus on: the plane under arbitrary datagrams."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.fuzz.steps import AFTER_MS, Act, Step, read_steps

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).with_name("corpus")
RUNS = 400
LEAST_RUNS = 150
MAX_S = 90
"""Of both bounds the first ends the run: on a machine that is slow or busy this one."""
SEED = 3
"""Always the same, so that a run of this test finds what the one before it did; what is new is for
long runs, which seed themselves."""
MAX_CORPUS_OCTETS = 200 << 10


def test_a_run_of_the_fuzzer_finds_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.fuzz", str(tmp_path), str(CORPUS)),
            *(f"-runs={RUNS}", f"-max_total_time={MAX_S}"),
            *(f"-seed={SEED}", "-max_len=4096", "-timeout=30"),
            # its own measure is a peak that a process inherits: that of the test run
            *("-rss_limit_mb=0", "-malloc_limit_mb=1024"),
            f"-artifact_prefix={tmp_path}/",
        ],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"seed {SEED}: {done.stderr[-6000:]}"
    assert f"INFO: Seed: {SEED}\n" in done.stderr
    [runs] = re.findall(r"Done (\d+) runs", done.stderr)
    assert len(list(CORPUS.glob("call-*"))) * 5 <= LEAST_RUNS, "most inputs are made from these"
    assert int(runs) >= LEAST_RUNS, f"seed {SEED}: {done.stderr[-2000:]}"


def test_the_corpus_is_small_and_has_every_kind_that_a_browser_sends() -> None:
    files = sorted(CORPUS.glob("call-*"))
    assert sum(each.stat().st_size for each in CORPUS.iterdir()) <= MAX_CORPUS_OCTETS
    steps = [step for each in files for step in read_steps(each.read_bytes())]
    assert {(step.act, step.who) for step in steps} >= {
        (act, who) for act in (Act.RAW, Act.RTP, Act.RTCP, Act.STUN) for who in (0, 1)
    }


def test_steps_are_read_as_they_were_packed() -> None:
    steps = [
        Step(act, who, after_ms, bytes(act))
        for act in Act
        for who in (0, 1)
        for after_ms in AFTER_MS
    ]
    assert list(read_steps(b"".join(each.pack() for each in steps))) == steps
    assert list(read_steps(b"\xff" * 3)) == []
