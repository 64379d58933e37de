"""The flood is garbage of every kind, and as much as was asked for; the loop's lag is seen."""

import asyncio
import json
import random
import socket
import time
from pathlib import Path

import pytest

from benchmarks import flood
from benchmarks.flood import LAG_P99_MS, Outcome
from benchmarks.garbage import BATCH, Flood, Flooded, make_garbage
from benchmarks.lag import EVERY_S, LagMeter
from benchmarks.measurement import Measured
from loadtest.generator import Traffic
from sfu.native import pack_address
from tests.sfu.plane.stage import Stage

PER_SECOND = 20_000


def test_garbage_is_of_many_kinds_and_the_plane_drops_all_of_it() -> None:
    garbage = make_garbage(128, random.Random(1))
    with Stage() as stage:
        stage.connect(0)
        stranger = pack_address(("127.0.0.1", 9), socket.AF_INET)
        stage.turn([(stranger, data) for data in garbage])
        drops = stage.drops
        assert not stage.plane.read_events()
    assert sum(drops.values()) == 128
    assert set(drops) >= {"empty", "unknown_protocol", "unknown_ufrag", "malformed_stun"}
    assert drops["unknown_source"] >= 128 * 3 // 8  # ClientHellos, RTP, RTCP


def test_a_flood_is_as_much_as_was_asked_for_and_from_several_addresses() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as target:
        target.bind(("127.0.0.1", 0))
        target.setblocking(False)
        strangers = Flood(target.getsockname(), PER_SECOND)
        strangers.start()
        time.sleep(0.3)
        done = strangers.stop()
        sources = {target.recvfrom(2048)[1] for _ in range(2 * BATCH)}
    assert done.not_sent == 0
    assert done.sent >= 0.5 * PER_SECOND * done.seconds - BATCH
    assert done.sent <= PER_SECOND * done.seconds + BATCH
    assert len(sources) == 2


async def test_a_blocked_loop_is_late() -> None:
    meter = LagMeter()
    await asyncio.sleep(10 * EVERY_S)
    meter.read()
    time.sleep(0.1)  # noqa: ASYNC251
    await asyncio.sleep(10 * EVERY_S)
    lag = meter.read()
    assert lag["worst"] >= 90
    assert lag["p50"] < lag["worst"]


def measured(sent: int, received: int) -> Measured:
    quiet = {"p50": 0.1, "p99": 0.2}
    return Measured(10.0, Traffic(1.0, sent, received, quiet, quiet, 10.0, 0, {}, 0))


def outcome(received: int, lag_ms: float, flooded: int = 50_000) -> Outcome:
    lag = {"count": 200.0, "p50": 0.1, "p99": lag_ms, "worst": lag_ms}
    return Outcome(
        20,
        measured(10_000, 10_000),
        measured(10_000, received),
        Flooded(flooded, 0, 1.0),
        lag,
        lag,
        {},
    )


def test_loss_lag_and_a_flood_that_was_none_each_miss_the_target() -> None:
    assert outcome(9_995, 5.0).result("", 50_000)["holds"]
    assert not outcome(9_990, 5.0).result("", 50_000)["holds"]
    assert not outcome(10_000, LAG_P99_MS).result("", 50_000)["holds"]
    few = outcome(10_000, 5.0, flooded=30_000).result("", 50_000)
    assert not few["holds"]
    assert "30000 a second only" in few["measured"]


@pytest.mark.parametrize(("received", "code"), [(10_000, 0), (9_000, 1)])
def test_a_missed_target_is_the_exit_code_and_the_command_is_the_one_that_was_run(
    received: int, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def found(rooms: int, per_second: int, seconds: float) -> Outcome:
        assert (rooms, per_second) == (20, 50_000)
        return outcome(received, 5.0)

    monkeypatch.setattr(flood, "run", found)
    to = tmp_path / "flood.json"
    assert flood.main(["--seconds", "3", "--json", str(to)]) == code
    [written] = json.loads(to.read_text())
    assert written["command"] == "python -m benchmarks.flood --seconds 3"
