from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.disturbance import Disturbance
from benchmarks.measurement import Measured
from benchmarks.peers import plot
from benchmarks.peers.contest import FLOOR, OURS, Entry, added_ms, entry
from benchmarks.peers.table import results, table
from loadtest.generator import Traffic

TIMES = {"p50": 0.1, "p99": 0.2}
FINE = Measured(10.0, Traffic(1.0, 1000, 1000, TIMES, TIMES, 10.0, 0, {}, 0))
LOSSY = replace(FINE, traffic=replace(FINE.traffic, received=900))
BUSY = replace(FINE, cpu_us_per_packet=99.0, disturbance=Disturbance(50.0, 0.0, 0.0))


def test_a_spoiled_run_does_not_count() -> None:
    found = entry("a", 2, [BUSY, FINE, replace(FINE, cpu_us_per_packet=12.0)])
    assert found.cpu_us_per_packet == 11.0
    assert found.spoiled is None
    assert len(found.detail) == 3
    assert entry("a", 2, [BUSY]).spoiled == "other processes used 50.0 % of a core"


def test_saturated_is_who_fails_in_every_good_run() -> None:
    assert entry("a", 2, [LOSSY, LOSSY]).saturated == "10.00 % of the packets were lost"
    assert entry("a", 2, [LOSSY, FINE]).saturated is None
    disturbed = replace(LOSSY, disturbance=BUSY.disturbance)
    assert entry("a", 2, [disturbed]).saturated is None


def there(name: str, cost: float, p99_ms: float = 1.0, saturated: str | None = None) -> Entry:
    return Entry(name, 40, cost, 0.0, 0.3, p99_ms, saturated)


FLOOR_40 = there(FLOOR, 5.0, 0.25)


def test_without_any_peer_there_is_nothing_that_holds() -> None:
    [found] = results([FLOOR_40, there(OURS, 1.0)], "")
    assert (found["measured"], found["holds"]) == ("no peer was run", False)
    [found] = results([FLOOR_40, there(OURS, 1.0), there("x", 9.0, saturated="lost")], "")
    assert (found["measured"], found["holds"]) == ("no peer carries it (x)", True)


@pytest.mark.parametrize(
    ("entries", "holds", "says"),
    [
        ([there(OURS, 9.0), there("a", 19.0), there("b", 30.0)], True, "0.47 (9.0 µs : a"),
        ([there(OURS, 9.0), there("a", 17.0), there("b", 30.0)], False, "0.53"),
        ([there(OURS, 9.0, 3.0), there("a", 19.0)], False, "p99 3.0 : 1.0 ms"),
        ([there(OURS, 9.0), there("a", 1.0, saturated="x"), there("b", 30.0)], True, ": b 30.0"),
        ([there(OURS, 9.0), there("a", 1.0, saturated="x")], True, "no peer carries it (a)"),
        ([there(OURS, 9.0, saturated="x"), there("a", 30.0)], False, "we are saturated"),
    ],
)
def test_ours_is_compared_with_the_cheapest_peer_that_runs(
    entries: list[Entry], holds: bool, says: str
) -> None:
    (result,) = results([FLOOR_40, *entries], "command")
    assert result["holds"] is holds
    assert says in result["measured"]


def test_the_table_says_what_is_saturated_and_what_was_added() -> None:
    text = table([FLOOR_40, there(OURS, 9.0), there("a", 50.0, saturated="p99 was 70 ms")])
    assert "| rodrun | 40 | 9.0 | 0 % | 0.00 / 0.75 ms |  |" in text
    assert "| a | 40 | saturated | 0 % |  | p99 was 70 ms |" in text
    assert added_ms(there("a", 1.0), {}, "p99") is None


def test_the_plot_is_drawn(tmp_path: Path) -> None:
    file = tmp_path / "images" / "peers.png"
    entries = [FLOOR_40, there(OURS, 9.0), there("a", 50.0), replace(there("a", 1.0), rooms=80)]
    entries[-1] = replace(entries[-1], saturated="x")
    plot.draw(entries, file, "title")
    assert file.read_bytes().startswith(b"\x89PNG")
