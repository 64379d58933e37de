"""Memory in large pages: what each packet touches lies in few of them.

A packet of a call touches some dozens of places in the tables and in libsrtp's contexts. With many
calls these lie in more pages of 4 KiB than a processor remembers where to find, and each walk
through the page tables costs as much as a miss of the cache, in a virtual machine twice. Pages
of 2 MiB (madvise(2), ``MADV_HUGEPAGE``) end that. Where the kernel has none, nothing changes.
"""

import mmap
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sfu.native import address_of, advise, heap_end, set_malloc

LARGE_PAGE: Final = 1 << 21
LINE: Final = 64  # octets of a cache line

# malloc.h of glibc
_TOP_PAD: Final = -2
_ARENA_MAX: Final = -8
_GROWTH: Final = 32 << 20  # octets that the heap grows by: address space, not memory


class LargePages:
    """Arrays of zeros that share large pages; each begins at a cache line."""

    def __init__(self) -> None:
        self._block: npt.NDArray[np.uint8] = np.zeros(0, np.uint8)
        self._used = 0

    def zeros(self, count: int, kind: npt.DTypeLike) -> npt.NDArray[Any]:
        """``count`` items of a kind. They live as long as the array."""
        size = count * np.dtype(kind).itemsize
        begin = -(-self._used // LINE) * LINE
        if begin + size > self._block.size:
            self._block = _large_pages(size)
            begin = 0
        self._used = begin + size
        return self._block[begin : begin + size].view(kind)


def small_pages(count: int, kind: npt.DTypeLike) -> npt.NDArray[Any]:
    """``count`` zeros of a kind, of which few are ever touched, and many of those at one moment.

    numpy asks for large pages for arrays of this size. The first octet that is written into one of
    them makes the kernel clear 2 MiB at once, in the thread that writes.
    """
    kind = np.dtype(kind)
    memory = _private(count * kind.itemsize)
    with suppress(OSError):  # a kernel without large pages
        memory.madvise(mmap.MADV_NOHUGEPAGE)
    return np.frombuffer(memory, kind, count)


def _private(size: int) -> mmap.mmap:
    return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)


def _large_pages(size: int) -> npt.NDArray[np.uint8]:
    """At least ``size`` octets from the beginning of a large page on."""
    size = -(-size // LARGE_PAGE) * LARGE_PAGE
    memory = _private(size + LARGE_PAGE)
    with suppress(OSError):  # a kernel without them
        memory.madvise(mmap.MADV_HUGEPAGE)
    octets = np.frombuffer(memory, np.uint8)
    begin = -address_of(octets) % LARGE_PAGE
    return octets[begin : begin + size]


class Heap:
    """What malloc gives out in this process, libsrtp's contexts for one.

    Threads that begin from now on have no heap of their own: libsrtp adds streams to a context in
    the plane's thread, and they should lie where the rest is.
    """

    def __init__(self) -> None:
        self._end = _heap_begin()
        self._known = self._end > 0 and set_malloc(_ARENA_MAX, 1) and set_malloc(_TOP_PAD, _GROWTH)

    def advise(self) -> bool:
        """Ask for large pages where the heap has grown since the last call; whether it has.

        Takes less than a microsecond when it has not.
        """
        if not self._known:
            return False
        end = heap_end() & -mmap.PAGESIZE
        if end <= self._end:
            return False
        advise(self._end, end - self._end, mmap.MADV_HUGEPAGE)
        self._end = end
        return True


def _heap_begin() -> int:
    """Where the process's heap begins (proc(5)), 0 when that is not known."""
    with suppress(OSError):
        for line in Path("/proc/self/maps").read_text().splitlines():
            if line.endswith("[heap]"):
                return int(line.partition("-")[0], 16)
    return 0
