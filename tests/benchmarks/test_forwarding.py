import json
import math
from dataclasses import replace

import pytest

from benchmarks import forwarding, processor
from benchmarks.forwarding import Measured, Pair
from loadtest.arrival_profile import PROFILES, read_profile
from loadtest.generator import Traffic


def test_worker_and_relay_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    forwarding.main(["--rooms", "1", "--seconds", "0.5", "--pairs", "2", "--json"])
    result = json.loads(capsys.readouterr().out)
    assert result["loss_pct"] == 0
    assert result["cpu_us_per_packet"] > 0
    assert result["relay_cpu_us_per_packet"] > 0
    assert result["sendto_us"] > 0
    assert result["profile"]["srtp"] == "aes-128-gcm"
    assert "Chromium" in result["profile"]["arrivals"]
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


def test_a_pair_that_the_generator_disturbed_is_left_out_but_its_loss_is_not() -> None:
    times = {"p50": 0.1, "p99": 0.2}
    fine = Traffic(1.0, 1000, 1000, times, times, 10.0, 0, {}, 0)
    late = replace(fine, received=900, late_ms={"p50": 0.1, "p99": 90.0})
    good = Pair(Measured(12.0, fine), Measured(10.0, fine), 3.0)
    bad = Pair(Measured(12.0, late), Measured(4.0, fine), 3.0)
    profile = read_profile(PROFILES / "chromium-vp8.json")

    def ratio(pairs: list[Pair]) -> tuple[float, int, float]:
        said = forwarding.report(pairs, {"drops": {}}, 1, 1.0, "aes-128-gcm", profile)
        return said["ratio"], said["pairs_left_out"], said["loss_pct"]

    assert ratio([good, bad, good]) == (1.2, 1, 3.3333)
    assert ratio([bad]) == (3.0, 0, 10.0)


def test_server_and_generator_have_a_core_each() -> None:
    one, other = processor.cores()
    assert one != other
