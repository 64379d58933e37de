"""Whether something else than server and generator worked on their two cores during a run.

Calls of browsers have all cores: there a :class:`Watch` tells what was not of their processes.

The scheduler's account of every thread is taken before and after. What others ran, and what the
host of a virtual machine took (steal), makes a run worth measuring again.
"""

import os
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

FOREIGN_PCT = 5.0  # of one core; a machine at rest has 1
STEAL_PCT = 1.0

_KERNELS_OWN = ("ksoftirqd",)  # does the network's work of whoever sends


@dataclass(frozen=True)
class Account:
    """What the machine has done so far.

    Attributes:
        at_ns: when, CLOCK_MONOTONIC.
        ran_ns: by (process, thread): time on the cores of the benchmark.
        waited_ns: by the same: ready to run, but on the queue.
        stolen_ns: from these cores by the machine's host.
    """

    at_ns: int
    ran_ns: dict[tuple[int, int], int] = field(default_factory=dict)
    waited_ns: dict[tuple[int, int], int] = field(default_factory=dict)
    stolen_ns: int = 0


@dataclass(frozen=True)
class Disturbance:
    """Of the time between two accounts, in percent of one core.

    Attributes:
        foreign_pct: what other processes ran on the two cores.
        steal_pct: what the host took.
        waited_pct: how long our own threads waited for a core, for each other too.
    """

    foreign_pct: float
    steal_pct: float
    waited_pct: float

    @property
    def reason(self) -> str | None:
        """Why the run has to be measured again; None when it was quiet."""
        if self.foreign_pct > FOREIGN_PCT:
            return f"other processes used {self.foreign_pct:.1f} % of a core"
        if self.steal_pct > STEAL_PCT:
            return f"the machine's host took {self.steal_pct:.1f} % of a core"
        return None

    def in_words(self) -> str:
        """For a report, also of a quiet time."""
        return (
            f"other processes used {self.foreign_pct:.1f} % of a core,"
            f" the machine's host took {self.steal_pct:.1f} %"
        )


class Watch:
    """What happens, from now on, besides a process (this one) and all that it began, on all cores
    that are this one's."""

    def __init__(self, root: int | None = None) -> None:
        self._root = os.getpid() if root is None else root
        self._cores = os.sched_getaffinity(0)
        self._before = take_account(self._cores)

    def end(self) -> Disturbance:
        """What happened up to now."""
        ours = descendants(self._root, parents())
        return between(self._before, take_account(self._cores), ours)


def descendants(root: int, parent_of: Mapping[int, int]) -> set[int]:
    """A process and all that it began, and those began; but for orphans, which are another's."""
    children: dict[int, list[int]] = {}
    for process, parent in parent_of.items():
        children.setdefault(parent, []).append(process)
    found, waiting = {root}, [root]
    while waiting:
        more = children.get(waiting.pop(), [])
        found.update(more)
        waiting += more
    return found


def parents() -> dict[int, int]:
    """Of each process that there is, the one that began it."""
    found: dict[int, int] = {}
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            try:
                stat = (process / "stat").read_text()
            except OSError:  # ended
                continue
            # proc(5): behind the name, which stands in brackets, come the state and the parent
            found[int(process.name)] = int(stat.rpartition(")")[2].split()[1])
    return found


def between(before: Account, after: Account, ours: Collection[int]) -> Disturbance:
    """What happened besides the processes ``ours``. Threads that began meanwhile count whole."""
    elapsed_ns = max(after.at_ns - before.at_ns, 1)
    foreign_ns = waited_ns = 0
    for thread, ran_ns in after.ran_ns.items():
        if thread[0] in ours:
            waited_ns += after.waited_ns.get(thread, 0) - before.waited_ns.get(thread, 0)
        else:
            foreign_ns += ran_ns - before.ran_ns.get(thread, 0)
    stolen_ns = after.stolen_ns - before.stolen_ns
    return Disturbance(
        *(round(100 * each / elapsed_ns, 2) for each in (foreign_ns, stolen_ns, waited_ns))
    )


def take_account(cores: Collection[int]) -> Account:
    """Ask the kernel, which takes some 10 ms. A thread is where it ran last."""
    ran_ns: dict[tuple[int, int], int] = {}
    waited_ns: dict[tuple[int, int], int] = {}
    for process in Path("/proc").iterdir():
        if not process.name.isdecimal():
            continue
        try:
            threads = [entry.name for entry in (process / "task").iterdir()]
        except OSError:  # ended
            continue
        for name in threads:
            try:
                stat = (process / "task" / name / "stat").read_text()
                used = (process / "task" / name / "schedstat").read_text().split()
            except OSError:
                continue
            # proc(5): the name stands in brackets and may hold anything; 39 is the processor
            command, _, fields = stat.partition("(")[2].rpartition(")")
            if command.startswith(_KERNELS_OWN) or int(fields.split()[36]) not in cores:
                continue
            thread = (int(process.name), int(name))
            ran_ns[thread], waited_ns[thread] = int(used[0]), int(used[1])
    return Account(time.monotonic_ns(), ran_ns, waited_ns, _stolen_ns(cores))


def _stolen_ns(cores: Collection[int]) -> int:
    total = 0
    names = {f"cpu{core}" for core in cores}
    for line in Path("/proc/stat").read_text().splitlines():
        fields = line.split()
        if fields[0] in names:
            total += int(fields[8])
    return total * 1_000_000_000 // os.sysconf("SC_CLK_TCK")
