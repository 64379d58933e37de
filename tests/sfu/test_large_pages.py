"""Arrays that share large pages, and the heap that asks for them."""

import mmap
import subprocess
import sys
from pathlib import Path

import numpy as np

from sfu.large_pages import LARGE_PAGE, LINE, LargePages, small_pages
from sfu.native import address_of

GROW = """
import ctypes
from pathlib import Path
from sfu.large_pages import LARGE_PAGE, Heap

heap = Heap()
heap.advise()
assert not heap.advise(), "nothing has grown since"
malloc = ctypes.CDLL(None).malloc
malloc.restype = ctypes.c_void_p
grown = 0
for _ in range(1000):
    malloc(ctypes.c_size_t(100_000))  # never touched, so this takes no memory
    grown += heap.advise()
assert grown in (2, 3, 4), grown  # 100 MB, by 32 MiB at a time
rows = Path("/proc/self/smaps").read_text().splitlines()
heaps = [index for index, row in enumerate(rows) if row.endswith("[heap]")]
flags = [next(row for row in rows[index:] if row.startswith("VmFlags")) for index in heaps]
assert any("hg" in row.split() for row in flags), "no part of it has asked for large pages"
"""


def resident_octets() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE


def test_arrays_begin_at_lines_of_the_cache_and_are_apart() -> None:
    pages = LargePages()
    some = pages.zeros(3, np.uint8)
    others = pages.zeros(5, [("a", np.int64), ("b", np.uint8)])
    assert address_of(some) % LARGE_PAGE == 0
    assert address_of(others) % LINE == 0
    some[:] = 255
    assert others["a"].tolist() == [0] * 5
    others["a"] = -1
    assert some.tolist() == [255] * 3
    assert address_of(others) - address_of(some) < LARGE_PAGE


def test_an_array_may_be_larger_than_a_page() -> None:
    pages = LargePages()
    small = pages.zeros(1, np.int64)
    large = pages.zeros(LARGE_PAGE, np.int64)
    assert large.size == LARGE_PAGE
    assert not large.any()
    large[-1] = 1
    assert small[0] == 0


def test_small_pages_take_memory_where_they_are_touched() -> None:
    """And not 2 MiB at the first octet: that holds up who touches it."""
    items = small_pages(8 * LARGE_PAGE, np.int64)
    before = resident_octets()
    items[:: LARGE_PAGE // 8] = 1  # an octet in each large page
    assert resident_octets() - before < LARGE_PAGE
    assert items.sum() == 64


def test_the_heap_asks_for_large_pages_where_it_has_grown() -> None:
    """In a process of its own, for malloc's settings are the process's."""
    subprocess.run([sys.executable, "-c", GROW], check=True)
