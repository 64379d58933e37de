"""Lanes for two workers: ``pytest -n 2 --dist loadgroup --no-loadscope-reorder``.

What lives by the clock is in two lanes, one test of a lane after another: calls whose media is
judged or that measure something in real time, and calls that mostly wait. All others form a lane
a file, and give way: their processes are *nice*, so that a call keeps its pictures. Whoever has
nothing more to do takes the next lane, so both workers begin with a lane of the first kind.

A plain ``pytest`` runs the same tests in the same order, one after another.
"""

import os
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
WAITING = "calls that wait"
CALLS = "calls and measurements"
# By path, in the order in which they run.
LANES = {
    "browser/test_alone.py": WAITING,
    "browser/test_connection_lost.py": WAITING,
    "browser/test_deadlines.py": WAITING,
    "browser": CALLS,
    "benchmarks/impairment/test_proxy.py": CALLS,
    "benchmarks/peers/test_own.py": CALLS,
    "benchmarks/test_capture.py": CALLS,
    "benchmarks/test_flood.py": CALLS,
    "benchmarks/test_forwarding.py": CALLS,
    "benchmarks/test_relay.py": CALLS,
    "benchmarks/test_variants.py": CALLS,
    "loadtest/test_generator.py": CALLS,
    "loadtest/test_participant.py": CALLS,
}
ORDER = list(LANES)
NICENESS = 5


def entry(item: pytest.Item) -> str | None:
    """What of ``LANES`` a test belongs to; None when it does not live by the clock."""
    path = item.path.relative_to(TESTS)
    return next((str(each) for each in (path, *path.parents) if str(each) in LANES), None)


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tell pytest-xdist each test's lane; those by the clock come first."""
    found = {item: entry(item) for item in items}
    items.sort(key=lambda item: ORDER.index(key) if (key := found[item]) else len(ORDER))
    for item, key in found.items():
        name = LANES[key] if key else str(item.path.relative_to(TESTS))
        item.add_marker(pytest.mark.xdist_group(name))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Make a worker nice that has left the lanes by the clock; it never comes back to them."""
    if "PYTEST_XDIST_WORKER" in os.environ and entry(item) is None:
        os.setpriority(os.PRIO_PROCESS, 0, max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))
