"""The phases of a join, from what browsers told and what the proxy saw."""

import struct

import numpy as np
import pytest

from benchmarks.calls.arrangement import CLIENT_HOST, SPECIALIST_HOST
from benchmarks.calls.join import MOMENTS, WORDS, complete, in_words, percentile, report
from benchmarks.impairment import log
from benchmarks.impairment.line import Client, Direction, Passage

START_MS = 1_700_000_000_000.0
ADDRESSES = {CLIENT_HOST: "10.99.0.2", SPECIALIST_HOST: "10.99.0.3"}
QUIET = {"foreign_pct": 1.0, "steal_pct": 0.0}
STUN, DTLS = bytes.fromhex("00010000") + bytes(16), bytes([22]) + bytes(40)
PLI = struct.pack("!BBHI", 0x81, 206, 2, 7) + bytes(20)


def rtp(payload_type: int) -> bytes:
    return struct.pack("!BBHII", 0x80, payload_type, 1, 0, 1) + bytes(100)


def passed(at_ms: float, who: str, direction: Direction, data: bytes) -> bytes:
    at_ns = round((START_MS + at_ms) * 1e6)
    return log.record(
        Passage(Client(0, ADDRESSES[who], 40000), direction, data, at_ns, at_ns), at_ns
    )


def moments() -> dict[str, float]:
    told = {
        "asked": 0.0,
        "token": 10,
        "offered": 12,
        "answered": 30,
        "ice": 60,
        "dtls": 90,
        "first_frame_received": 150,
        "shown": 170,
    }
    return {
        **{name: START_MS + at for name, at in told.items()},
        "video_type_up": 96,
        "video_type_down": 97,
        "foreign_pct": 2.5,
        "steal_pct": 0.5,
    }


def test_moments_of_both_come_in_milliseconds_after_asking() -> None:
    up, down = Direction.UP, Direction.DOWN
    records = np.frombuffer(
        b"".join(
            [
                passed(-50, CLIENT_HOST, up, STUN),  # of an earlier join
                passed(5, SPECIALIST_HOST, up, STUN),  # the first party's
                passed(40, CLIENT_HOST, up, STUN),
                passed(45, CLIENT_HOST, up, STUN),
                passed(70, CLIENT_HOST, up, DTLS),
                passed(95, CLIENT_HOST, up, rtp(111)),  # sound
                passed(97, CLIENT_HOST, down, PLI),
                passed(100, CLIENT_HOST, up, rtp(96)),
                passed(99, SPECIALIST_HOST, down, rtp(96)),  # another type on that way
                passed(101, SPECIALIST_HOST, down, rtp(97)),
                passed(180, CLIENT_HOST, down, PLI),  # too late to matter
            ]
        ),
        log.RECORD,
    )
    found = complete(moments(), records, ADDRESSES)
    assert found["token"] == 10
    assert found["first_stun"] == pytest.approx(40, abs=0.01)
    assert found["first_dtls"] == pytest.approx(70, abs=0.01)
    assert found["first_video_at_node"] == pytest.approx(100, abs=0.01)
    assert found["first_video_from_node"] == pytest.approx(101, abs=0.01)
    assert found["shown"] == 170
    assert found["keyframe_requests"] == 1
    assert (found["foreign_pct"], found["steal_pct"]) == (2.5, 0.5)


def test_what_the_proxy_did_not_see_is_left_out() -> None:
    found = complete(moments(), np.zeros(0, log.RECORD), ADDRESSES)
    assert "first_stun" not in found
    assert report([found])["after_asking_ms"]["first_stun"]["p50"] == 0


def test_the_95th_of_a_hundred_decides() -> None:
    base = {name: float(index) for index, name in enumerate(MOMENTS)} | QUIET
    joins = [{**base, "shown": 400.0 + each} for each in range(100)]
    found = report(joins)
    assert found["measured"]["p95"] == "495 ms"
    assert found["holds"] is True
    assert found["phases_ms"]["token"]["p50"] == 1
    assert report([{**base, "shown": 501.0}])["holds"] is False
    assert all(words in in_words(found) for words in WORDS.values())


def test_what_disturbed_each_join_is_told() -> None:
    base = {name: float(index) for index, name in enumerate(MOMENTS)} | QUIET
    words = in_words(report([base, base, base | {"foreign_pct": 40.0, "steal_pct": 2.5}]))
    assert (
        "used by other processes, % of a core, p50 / worst: 1.0 / 40.0 (joins: 1, 1, 40)" in words
    )
    assert "taken by the machine's host, % of a core, p50 / worst: 0.0 / 2.5" in words


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile([10, 20], 50) == 20
    assert percentile([], 95) == 0
