"""Where a process runs and what it used: cores, scheduler statistics, the machine."""

import os
import platform
from pathlib import Path


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


def machine() -> dict[str, object]:
    """What the numbers were measured on, and how busy it was besides."""
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
    }
