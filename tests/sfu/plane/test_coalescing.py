"""The pause after a batch: none when idle, short under load."""

from sfu.plane.coalescing import load_after, pause_ns
from tests.sfu.plane.stage import MS, SECOND

LONGEST_NS = 500_000


def pause_at(datagrams_a_second: int, seconds: int = 1) -> int:
    load = 0
    for _ in range(datagrams_a_second * seconds):
        load = load_after(load, 1, SECOND // datagrams_a_second)
    return pause_ns(load, 1, LONGEST_NS)


def test_one_call_is_not_delayed() -> None:
    assert pause_at(480) == 0


def test_the_pause_grows_with_the_load_up_to_its_longest() -> None:
    pauses = [pause_at(rate) for rate in (500, 2_000, 4_000, 20_000)]
    assert pauses == sorted(pauses)
    assert pauses[0] == 0 < pauses[1] < pauses[2]
    assert pauses[-1] == LONGEST_NS


def test_a_full_batch_is_followed_by_the_next_at_once() -> None:
    assert pause_ns(load_after(0, 5_000, 0), 64, LONGEST_NS) == 0


def test_silence_ends_the_pauses() -> None:
    load = load_after(0, 5_000, 0)
    assert pause_ns(load, 1, LONGEST_NS) == LONGEST_NS
    assert pause_ns(load_after(load, 1, 100 * MS), 1, LONGEST_NS) == 0


def test_clock_that_is_set_back_does_no_harm() -> None:
    assert load_after(1024, 1, -SECOND) == 2048
