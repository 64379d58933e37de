from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.disturbance import Disturbance
from benchmarks.measurement import Measured
from benchmarks.peers import plot
from benchmarks.peers.__main__ import FORWARDERS
from benchmarks.peers.contest import AWAKE, FLOOR, OURS, Entry, added_ms, entry, medians
from benchmarks.peers.table import NSS, PEERS, remarks, results, table
from loadtest.generator import Traffic

TIMES = {"p50": 0.1, "p99": 0.2}
FINE = Measured(10.0, Traffic(1.0, 1000, 1000, TIMES, TIMES, 10.0, 0, {}, 0))
LOSSY = replace(FINE, traffic=replace(FINE.traffic, received=900))
BUSY = replace(FINE, cpu_us_per_packet=99.0, disturbance=Disturbance(50.0, 0.0, 0.0))


def test_a_spoiled_run_does_not_count() -> None:
    found = entry("a", 2, [BUSY, FINE])
    assert (found.cpu_us_per_packet, found.spoiled) == (10.0, None)
    assert len(found.detail) == 2
    assert entry("a", 2, [BUSY]).spoiled == "other processes used 50.0 % of a core"


def test_saturated_is_who_fails_in_a_good_run() -> None:
    assert entry("a", 2, [LOSSY]).saturated == "10.00 % of the packets were lost"
    assert entry("a", 2, [replace(LOSSY, disturbance=BUSY.disturbance)]).saturated is None


def test_of_several_turns_the_medians_of_the_good_ones_count() -> None:
    turns = [
        *(there("a", 9.0, 1.0), there("b", 20.0)),
        *(there("a", 30.0, 5.0), replace(there("b", 99.0), spoiled="x")),
        *(there("a", 10.0, 2.0), there("b", 22.0)),
    ]
    a, b = medians(turns)
    assert (a.name, a.cpu_us_per_packet, a.p99_ms) == ("a", 10.0, 2.0)
    assert (b.name, b.cpu_us_per_packet, b.spoiled) == ("b", 21.0, None)
    [lone] = medians([replace(there("c", 1.0), spoiled="x")] * 2)
    assert lone.spoiled == "x"
    untimed = replace(there("d", 1.0), p50_ms=None, p99_ms=None)
    assert medians([untimed, untimed])[0].p99_ms is None


def test_saturated_is_who_fails_in_half_of_the_good_turns_or_more() -> None:
    fails, runs = there("a", 9.0, saturated="x"), there("a", 8.0)
    spoiled = replace(there("a", 1.0), spoiled="y")
    assert medians([fails, fails, runs])[0].saturated == "x"
    assert medians([fails, runs, spoiled])[0].saturated == "x"
    [found] = medians([fails, runs, runs])
    assert (found.saturated, found.cpu_us_per_packet) == (None, 8.0)


def there(name: str, cost: float, p99_ms: float = 1.0, saturated: str | None = None) -> Entry:
    return Entry(name, 40, cost, 0.0, 0.3, p99_ms, saturated)


FLOOR_40 = there(FLOOR, 5.0, 0.25)


def test_without_any_peer_there_is_nothing_that_holds() -> None:
    found = verdict(there(OURS, 1.0))
    assert found["measured"].startswith("no peer was run; not measured: rtpengine, Janus")
    assert not found["holds"]


def peers(pattern: str = "browser", **costs: float) -> list[Entry]:
    """All that take part, dear ones but for those named."""
    return [
        there(name, costs.get(name, 50.0))
        for name in PEERS
        if pattern == "browser" or name != "aiortc"
    ]


def verdict(*entries: Entry, pattern: str = "browser") -> dict[str, Any]:
    (found,) = results([FLOOR_40, *entries], "command", "aes-128-gcm", pattern)
    return found


def test_it_holds_only_beside_all_that_can_run() -> None:
    found = verdict(there(OURS, 9.0), *peers(rtpengine=19.0))
    assert found["name"].endswith("40 rooms, aes-128-gcm, browser")
    assert found["measured"].endswith("; took part: rtpengine, Janus, asyncio, aiortc")
    assert found["holds"]
    found = verdict(there(OURS, 9.0), there("rtpengine", 19.0))
    assert found["measured"].endswith(
        "; took part: rtpengine; not measured: Janus, asyncio, aiortc"
    )
    assert not found["holds"]
    assert "may not be the cheapest" in found["reason"]
    missed = verdict(there(OURS, 19.0), there("rtpengine", 19.0))
    assert "reason" not in missed, "it is another one"


def test_all_that_the_command_knows_are_wanted() -> None:
    assert set(FORWARDERS) == {FLOOR, OURS, AWAKE, *PEERS}


def test_under_spread_all_but_aiortc_take_part() -> None:
    assert verdict(there(OURS, 9.0), *peers("spread"), pattern="spread")["holds"]
    assert not verdict(there(OURS, 9.0), *peers("spread"))["holds"]


def test_what_slows_janus_is_told_beside_its_figures_only() -> None:
    assert remarks(peers()) == [NSS]
    assert remarks([there(OURS, 9.0), there("rtpengine", 19.0)]) == []


@pytest.mark.parametrize(
    ("entries", "holds", "says"),
    [
        ([there(OURS, 9.0), *peers(Janus=19.0)], True, "0.47 (9.0 µs : Janus"),
        ([there(OURS, 9.0), *peers(Janus=17.0)], False, "0.53"),
        ([there(OURS, 9.0, 3.0), *peers(Janus=19.0)], False, "p99 3.0 : 1.0 ms"),
        ([there(OURS, 9.0), *peers()[1:], there(PEERS[0], 1.0, saturated="x")], True, ": Janus 5"),
        (
            [there(OURS, 9.0), *(there(name, 1.0, saturated="x") for name in PEERS)],
            False,
            "no peer carries it (rtpengine, Janus, asyncio, aiortc), so there is no ratio",
        ),
        ([there(OURS, 9.0, saturated="x"), *peers()], False, "we are saturated"),
    ],
)
def test_ours_is_compared_with_the_cheapest_peer_that_runs(
    entries: list[Entry], holds: bool, says: str
) -> None:
    result = verdict(*entries)
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
