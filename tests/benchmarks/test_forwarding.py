import json
import math
from dataclasses import replace

import pytest

from benchmarks import forwarding, processor
from benchmarks.forwarding import Measured, Pair
from loadtest.arrival_profile import PROFILES, read_profile
from loadtest.generator import Traffic


def test_worker_and_relay_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    code = forwarding.main(["--rooms", "1", "--seconds", "0.5", "--pairs", "2", "--json"])
    printed = capsys.readouterr()
    result = json.loads(printed.out)
    # how many pairs are disturbed depends on the machine; what is said of them does not
    undisturbed = 0 if result["generator_bottlenecks"] else len(result["pairs"])
    assert result["pairs_wanted"] == 2
    assert code == (0 if undisturbed == 2 else 1)
    assert ("WARNING" in printed.err) == (code == 1)
    assert result["loss_pct"] == 0
    assert result["cpu_us_per_packet"] > 0
    assert result["relay_cpu_us_per_packet"] > 0
    assert result["sendto_us"] > 0
    assert result["profile"]["srtp"] == "aes-128-gcm"
    assert "Chromium" in result["profile"]["arrivals"]
    gap_us = result["profile"]["frame_gap_us"]
    assert 0 < gap_us["captured"] < 100  # Chromium's own, on the loopback
    assert 200 <= gap_us["replayed"] <= 300
    assert 0 < result["latency_ms"]["p50"] <= result["latency_ms"]["p99"]
    assert 2 <= len(result["pairs"]) + result["pairs_left_out"] <= 4
    for pair in result["pairs"]:
        for server in (pair["worker"], pair["relay"]):
            assert server["packets"] > 0
            assert server["loss_pct"] == 0
            assert server["faults"] == {}
        expected = pair["worker"]["cpu_us_per_packet"] / pair["relay"]["cpu_us_per_packet"]
        assert math.isclose(pair["ratio"], expected, rel_tol=0.01)
    in_words = forwarding.in_words(result)
    assert "1 rooms" in in_words
    assert "ratio" in in_words


TIMES = {"p50": 0.1, "p99": 0.2}
FINE = Traffic(1.0, 1000, 1000, TIMES, TIMES, 10.0, 0, {}, 0)
LATE = replace(FINE, received=900, late_ms={"p50": 0.1, "p99": 90.0})
GOOD = Pair(Measured(12.0, FINE), Measured(10.0, FINE), 3.0)
BAD = Pair(Measured(12.0, LATE), Measured(4.0, FINE), 3.0)


def test_a_pair_that_the_generator_disturbed_is_left_out_but_its_loss_is_not() -> None:
    profile = read_profile(PROFILES / "chromium-vp8.json")

    def ratio(pairs: list[Pair]) -> tuple[float, int, float]:
        said = forwarding.report(pairs, {"drops": {}}, 1, 1.0, "aes-128-gcm", profile, profile, 2)
        return said["ratio"], said["pairs_left_out"], said["loss_pct"]

    assert ratio([GOOD, BAD, GOOD]) == (1.2, 1, 3.3333)
    assert ratio([BAD]) == (3.0, 0, 10.0)


def test_fewer_undisturbed_pairs_than_wanted_are_warned_of() -> None:
    assert forwarding.shortage([GOOD, BAD, GOOD], 2) is None
    some = forwarding.shortage([GOOD, BAD, BAD, BAD], 2)
    assert some is not None
    assert some.startswith("WARNING: 1 undisturbed pairs of the 2 wanted. In 3 ")
    assert "figures are of disturbed pairs" not in some
    none = forwarding.shortage([BAD, BAD], 1)
    assert none is not None
    assert "figures are of disturbed pairs" in none


def test_server_and_generator_have_a_core_each() -> None:
    one, other = processor.cores()
    assert one != other
