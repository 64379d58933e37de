"""A control on its core, its load on the other, and what disturbed the two."""

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from benchmarks import disturbance
from benchmarks.disturbance import Disturbance
from benchmarks.forwarding import generator_core
from benchmarks.server_process import ServerProcess

MODULE = "benchmarks.control.control_process"
GENERATOR_CPU_PCT = 97.0
FOLDER = Path("var")


@dataclass(frozen=True)
class Load:
    """Of a window of time.

    Attributes:
        seconds: how long it was.
        control_s: CPU time of all of control's threads.
        generator_pct: of its core, what the load's process used.
        disturbance: what others did on both cores.
    """

    seconds: float
    control_s: float
    generator_pct: float
    disturbance: Disturbance

    @property
    def spoiled(self) -> str | None:
        """Why the window says nothing of control; None when it does."""
        if self.generator_pct > GENERATOR_CPU_PCT:
            return f"the load's own process used {self.generator_pct:.0f} % of its core"
        return self.disturbance.reason

    def as_json(self) -> dict[str, Any]:
        """For the report."""
        return {
            "seconds": round(self.seconds, 2),
            "control_cpu_pct": round(100 * self.control_s / self.seconds, 1),
            "generator_cpu_pct": round(self.generator_pct, 1),
            "foreign_pct": self.disturbance.foreign_pct,
            "steal_pct": self.disturbance.steal_pct,
            "waited_pct": self.disturbance.waited_pct,
            "spoiled": self.spoiled,
        }


class Window:
    """From its making until ``end``."""

    def __init__(self, control: ServerProcess, cores: tuple[int, int]) -> None:
        self._control = control
        self._cores = cores
        self._before = disturbance.take_account(cores)
        self.began = time.monotonic()
        self._control_ns, self._own_s = control.cpu_ns(), time.process_time()

    def end(self) -> Load:
        """What happened in it."""
        control_ns = self._control.cpu_ns() - self._control_ns
        own_s = time.process_time() - self._own_s
        seconds = time.monotonic() - self.began
        after = disturbance.take_account(self._cores)
        ours = (self._control.pid, os.getpid())
        return Load(
            seconds,
            control_ns / 1e9,
            100 * own_s / seconds,
            disturbance.between(self._before, after, ours),
        )


class ControlUnderLoad:
    """A control process over a database file of its own."""

    def __init__(self, folder: Path, process: ServerProcess, cores: tuple[int, int]) -> None:
        self.folder = folder
        self.process = process
        self.cores = cores
        self.port = int(process.read()["port"])

    def window(self) -> Window:
        """One that begins now."""
        return Window(self.process, self.cores)

    def resident_kb(self) -> int:
        """Its resident set (proc(5))."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        fields = dict(line.split(":", 1) for line in status.splitlines())
        return int(fields["VmRSS"].split()[0])

    @classmethod
    @contextmanager
    def in_folder(cls, folder: Path) -> Iterator[Self]:
        """One whose database is in ``folder``; this process has the other core meanwhile."""
        with generator_core() as cores, ServerProcess(MODULE, cores[0], str(folder)) as process:
            yield cls(folder, process, cores)


@contextmanager
def database_folder() -> Iterator[Path]:
    """A folder on the disk that holds this one: /tmp may be memory, which is durable in no way."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="benchmark-", dir=FOLDER) as folder:
        yield Path(folder).resolve()


def sync_ms(folder: Path, count: int = 50) -> float:
    """The median of writing 4 kB to a file there and waiting until they are durable."""
    took = []
    with (folder / "sync").open("wb", buffering=0) as file:
        for _ in range(count):
            began = time.perf_counter()
            file.write(bytes(4096))
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - began)
    return 1000 * statistics.median(took)


def percentile(values: list[float], share: int) -> float:
    """That of ``share`` percent; the only value when there is one."""
    if len(values) < 2:
        return values[0] if values else 0.0
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1]
