import json
import math

import pytest

from benchmarks import forwarding, processor


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
    assert len(result["pairs"]) == 2
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


def test_server_and_generator_have_a_core_each() -> None:
    one, other = processor.cores()
    assert one != other
