"""Where a process runs and what it used: cores, scheduler statistics, the machine."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
_NOT_CODE: Final = (":(exclude)docs", ":(exclude)benchmarks/RESULTS.md")  # written by measuring


def cores() -> tuple[int, int]:
    """The core for the server and the one for the generator.

    Raises:
        RuntimeError: this process may use one core only, so nothing can be told apart.
    """
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise RuntimeError("the benchmark needs two cores: one for the server, one for its load")
    return allowed[0], allowed[1]


def cpu_ns(pid: int) -> int:
    """What all threads of a process have run, by ``schedstat``'s first number.

    A thread that ended takes its time with it: measure while none ends.
    """
    total = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        total += int((thread / "schedstat").read_text().split()[0])
    return total


def commit(folder: Path = ROOT) -> str:
    """The commit that is checked out, short, with ``+`` when files differ from it, documents and
    results aside; ``unknown`` where git does not say."""
    hash_ = _git(folder, "rev-parse", "--short", "HEAD")
    changes = _git(folder, "status", "--porcelain", "--", ".", *_NOT_CODE)
    if hash_ is None or changes is None:
        return "unknown"
    return f"{hash_}+" if changes else hash_


def _git(folder: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", "-C", str(folder), *words],
            capture_output=True,
            text=True,
        )
    except OSError:  # there is none
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def machine() -> dict[str, object]:
    """What the numbers were measured on, how busy it was besides, the code that was measured, and
    when: called at the end of a measurement."""
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_1min": os.getloadavg()[0],
        "commit": commit(),
        "at": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    }
