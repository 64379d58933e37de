"""What the lines do, in simulated time."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.impairment.line import (
    MS,
    Client,
    Direction,
    Fate,
    Impairment,
    Jitter,
    Lines,
    Passage,
)

CLIENT = Client(0, "10.99.0.2", 40000)
OTHER = Client(1, "10.99.0.3", 40000)
UP, DOWN = Direction.UP, Direction.DOWN
STEP_NS = 2 * MS


def lines(up: Impairment, seed: int = 1) -> Lines:
    found = Lines(seed)
    found.impair(UP, up)
    return found


def carry(network: Lines, count: int, client: Client = CLIENT) -> list[Passage]:
    """Send numbered datagrams 2 ms apart; everything that ended, in the order of its end."""
    ended = []
    for number in range(count):
        now_ns = number * STEP_NS
        ended += network.due(now_ns)
        passage = network.receive(client, UP, number.to_bytes(4), now_ns)
        ended += [passage] if passage is not None else []
    while (at_ns := network.next_due_ns) is not None:
        ended += network.due(at_ns)
    return ended


def number(passage: Passage) -> int:
    return int.from_bytes(passage.data)


def test_unimpaired_datagrams_pass_at_once_and_in_order() -> None:
    ended = carry(Lines(1), 100)
    assert [number(each) for each in ended] == list(range(100))
    assert all(each.due_ns == each.arrived_ns for each in ended)


def test_a_variation_is_held_for_its_time_and_then_drawn_anew() -> None:
    network = lines(Impairment(delay_ms=50, jitter_ms=50, jitter_hold_ms=20, in_order=False))
    ended = sorted(carry(network, 100), key=number)
    delays = [each.due_ns - each.arrived_ns for each in ended]
    groups = [set(delays[at : at + 10]) for at in range(0, 100, 10)]
    assert all(len(group) == 1 for group in groups)
    assert len(set.union(*groups)) == 10


def test_nothing_leaves_before_its_time() -> None:
    network = lines(Impairment(delay_ms=25))
    assert network.receive(CLIENT, UP, b"x", 7) is None
    assert network.next_due_ns == 7 + 25 * MS
    assert network.due(6 + 25 * MS) == []
    assert [each.data for each in network.due(7 + 25 * MS)] == [b"x"]
    assert network.next_due_ns is None


def test_five_percent_are_lost_independently() -> None:
    ended = carry(lines(Impairment(loss_pct=5)), 40_000)
    lost = np.array([each.fate == Fate.LOST for each in sorted(ended, key=number)])
    # Four standard deviations of a binomial distribution.
    assert lost.mean() == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 40_000))
    assert np.mean(lost[1:][lost[:-1]]) == pytest.approx(0.05, abs=0.02)


def test_the_seed_decides_and_each_client_has_its_own_luck() -> None:
    def lost(seed: int, client: Client) -> list[int]:
        ended = carry(lines(Impairment(loss_pct=10), seed), 500, client)
        return [number(each) for each in ended if each.fate == Fate.LOST]

    assert lost(1, CLIENT) == lost(1, CLIENT)
    assert lost(1, CLIENT) != lost(2, CLIENT)
    assert lost(1, CLIENT) != lost(1, OTHER)


@pytest.mark.parametrize(
    ("jitter", "mean_ms", "deviation_ms"),
    [
        (Jitter.UNIFORM, 100, 10 / np.sqrt(3)),
        (Jitter.NORMAL, 100, 10),
        (Jitter.EXPONENTIAL, 110, 10),
    ],
)
def test_jitter_has_the_distribution_asked_for(
    jitter: Jitter, mean_ms: float, deviation_ms: float
) -> None:
    how = Impairment(delay_ms=100, jitter_ms=10, jitter=jitter, in_order=False)
    delays = np.array([each.due_ns - each.arrived_ns for each in carry(lines(how), 20_000)]) / MS
    assert delays.mean() == pytest.approx(mean_ms, abs=0.3)
    assert delays.std() == pytest.approx(deviation_ms, rel=0.05)


def test_jitter_keeps_the_order_unless_it_may_not() -> None:
    how = Impairment(delay_ms=50, jitter_ms=50)
    ordered = [number(each) for each in carry(lines(how), 2000)]
    assert ordered == sorted(ordered)
    loose = Impairment(delay_ms=50, jitter_ms=50, in_order=False)
    free = [number(each) for each in carry(lines(loose), 2000)]
    assert free != sorted(free)


def test_one_percent_is_overtaken_by_those_of_the_next_20_ms() -> None:
    how = Impairment(reorder_pct=1, reorder_by_ms=20)
    ended = carry(lines(how), 20_000)
    held = [each for each in ended if each.held]
    assert len(held) == pytest.approx(200, abs=60)
    assert all(each.due_ns - each.arrived_ns == 20 * MS for each in held)
    place = {number(each): index for index, each in enumerate(ended)}
    first = number(held[0])
    passed_by = [later for later in range(first + 1, first + 30) if place[later] < place[first]]
    assert passed_by == list(range(first + 1, first + len(passed_by) + 1))
    assert len(passed_by) in (9, 10)
    rest = [number(each) for each in ended if not each.held]
    assert rest == sorted(rest)


def test_one_percent_arrives_twice() -> None:
    ended = carry(lines(Impairment(duplicate_pct=1, delay_ms=5)), 20_000)
    counts = Counter(number(each) for each in ended)
    assert sum(count == 2 for count in counts.values()) == pytest.approx(200, abs=60)
    assert max(counts.values()) == 2
    assert sum(each.copy for each in ended) == len(ended) - 20_000


def test_a_full_queue_drops_the_newest() -> None:
    network = lines(Impairment(delay_ms=100, queue=3))
    fates = [network.receive(CLIENT, UP, b"x", 0) for _ in range(5)]
    assert [each and each.fate for each in fates] == [None] * 3 + [Fate.OVERFLOWED] * 2
    assert network.receive(OTHER, UP, b"x", 0) is None, "another's queue"
    assert len(network.due(100 * MS)) == 4
    assert network.receive(CLIENT, UP, b"x", 100 * MS) is None, "there is room again"


def test_one_leg_alone_is_impaired() -> None:
    network = Lines(1)
    network.impair(DOWN, Impairment(loss_pct=100), "10.99.0.3")
    assert network.receive(CLIENT, UP, b"x", 0) is None
    assert network.receive(CLIENT, DOWN, b"x", 0) is None
    assert network.receive(OTHER, UP, b"x", 0) is None
    lost = network.receive(OTHER, DOWN, b"x", 0)
    assert lost is not None
    assert lost.fate == Fate.LOST


def test_what_is_on_its_way_at_the_end_is_told() -> None:
    network = lines(Impairment(delay_ms=100))
    network.receive(CLIENT, UP, b"x", 0)
    network.forget(CLIENT)
    assert [each.fate for each in network.end()] == [Fate.UNDERWAY]
    assert network.next_due_ns is None


@pytest.mark.parametrize(
    "wrong", [{"loss_pct": 101}, {"delay_ms": -1}, {"jitter_ms": 1e6}, {"queue": 0}]
)
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Impairment(**wrong)  # type: ignore[arg-type]


@given(
    how=st.builds(
        Impairment,
        loss_pct=st.floats(0, 100),
        delay_ms=st.floats(0, 300),
        jitter_ms=st.floats(0, 300),
        jitter=st.sampled_from(list(Jitter)),
        in_order=st.booleans(),
        reorder_pct=st.floats(0, 100),
        reorder_by_ms=st.floats(0, 100),
        duplicate_pct=st.floats(0, 100),
        queue=st.integers(1, 50),
    ),
    seed=st.integers(0, 1000),
    count=st.integers(1, 60),
)
def test_every_datagram_ends_once_and_never_before_it_came(
    how: Impairment, seed: int, count: int
) -> None:
    ended = carry(lines(how, seed), count)
    firsts = [number(each) for each in ended if not each.copy]
    assert sorted(firsts) == list(range(count))
    assert all(each.due_ns >= each.arrived_ns for each in ended)
    sent = [each for each in ended if each.fate == Fate.SENT]
    assert [each.due_ns for each in sent] == sorted(each.due_ns for each in sent)
    if how.in_order:
        kept = [number(each) for each in sent if not each.held and not each.copy]
        assert kept == sorted(kept)
