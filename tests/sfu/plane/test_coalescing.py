"""The pause after a batch: none when idle, short under load."""

import pytest

from sfu.plane.coalescing import load_after, pause_ns
from tests.sfu.plane.stage import MS, SECOND

LONGEST_NS = 500_000


def pause_at(datagrams_a_second: int, longest_ns: int = LONGEST_NS) -> int:
    load = 0
    for _ in range(datagrams_a_second):
        load = load_after(load, 1, SECOND // datagrams_a_second)
    return pause_ns(load, 1, longest_ns)


def test_one_call_is_not_delayed() -> None:
    assert pause_at(480) == 0


def test_the_pause_grows_with_the_load_up_to_its_longest() -> None:
    pauses = [pause_at(rate) for rate in (500, 3_200, 3_600, 20_000)]
    assert pauses == sorted(pauses)
    assert pauses[0] == 0 < pauses[1] < pauses[2]
    assert pauses[-1] == LONGEST_NS


@pytest.mark.parametrize("datagrams_a_second", [1_100, 1_500, 2_000, 2_900])
def test_nothing_is_slept_in_which_nothing_would_come(datagrams_a_second: int) -> None:
    assert pause_at(datagrams_a_second) == 0


@pytest.mark.parametrize("longest_ns", [20_000, 100_000, LONGEST_NS])
def test_at_least_one_datagram_comes_in_a_pause(longest_ns: int) -> None:
    for rate in range(500, 40_000, 500):
        pause = pause_at(rate, longest_ns=longest_ns)
        assert pause == 0 or rate * pause > 0.99 * SECOND
        assert pause <= longest_ns


def test_a_full_batch_is_followed_by_the_next_at_once() -> None:
    assert pause_ns(load_after(0, 5_000, 0), 64, LONGEST_NS) == 0


def test_silence_ends_the_pauses() -> None:
    load = load_after(0, 5_000, 0)
    assert pause_ns(load, 1, LONGEST_NS) == LONGEST_NS
    assert pause_ns(load_after(load, 1, 100 * MS), 1, LONGEST_NS) == 0


def test_clock_that_is_set_back_does_no_harm() -> None:
    assert load_after(1024, 1, -SECOND) == 2048
