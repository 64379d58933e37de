"""What node and browser said is held against the truth of just that."""

from typing import Any

import numpy as np
import pytest

from benchmarks.impairment.line import Direction, Fate
from benchmarks.proof.conditions import LEGS, NONE, loss
from benchmarks.proof.testimony import Streams, by_browser, by_node, streams
from benchmarks.proof.trial import plans, window
from benchmarks.proof.truth import RECEIVER_REPORT, SENDER_REPORT, Path
from tests.benchmarks.proof.packets import (
    AUDIO,
    HOST,
    PARTNER,
    PORT,
    RTX,
    START_NS,
    VIDEO,
    Log,
)

UP, DOWN = Direction.UP, Direction.DOWN
CLIENT_UP, CLIENT_DOWN = LEGS[0], LEGS[1]
PARTNERS_VIDEO = 22
START_S = START_NS / 1e9
SECONDS = 12
LOST_EACH = 20  # one packet of so many


def a_call() -> Path:
    """Twelve seconds: audio and video both ways, RTX up, delays of 40 ms up and 10 ms down."""
    log = Log()
    for number in range(50 * SECONDS):
        at_ms = 20 * number + 1
        lost = Fate.LOST if number % LOST_EACH == 5 else Fate.SENT
        for ssrc in (AUDIO, VIDEO):
            log.rtp(at_ms - 40, UP, ssrc, number, 40 * (lost == Fate.SENT), lost)
        # repairs are packets of the leg, too; none of them is lost
        log.rtp(at_ms, UP, RTX, number)
        for ssrc in (PARTNER, PARTNERS_VIDEO):
            log.rtp(at_ms - 10, DOWN, ssrc, number, delay_ms=10)
    for second in range(SECONDS):
        at_ms = 1000 * second
        log.rtcp(at_ms + 100, DOWN, SENDER_REPORT, PARTNER, delay_ms=10)
        log.rtcp(at_ms + 300, UP, SENDER_REPORT, AUDIO, blocks=0, delay_ms=40)
        log.rtcp(at_ms + 400, UP, RECEIVER_REPORT, AUDIO, delay_ms=40)
    return Path(log.records, HOST, PORT)


def period(at_s: float, expected: int, lost: int, jitter_ms: float = 0.0) -> dict[str, Any]:
    leg = {"expected": expected, "lost": lost, "jitter_ms": jitter_ms, "rtt_ms": 50.0}
    return {
        "at": START_S + at_s,
        "duration_s": 5.0,
        "legs": {each.name: dict(leg) for each in LEGS},
    }


def entry(at_s: float) -> dict[str, Any]:
    """What a browser that measures well would say so long after the begin."""
    numbers = round(50 * at_s)
    lost = round(numbers / LOST_EACH)
    told: dict[str, Any] = {"at": (START_S + at_s) * 1000}
    for kind, sent, received in (("audio", AUDIO, PARTNER), ("video", VIDEO, PARTNERS_VIDEO)):
        told[f"outbound-rtp {kind}"] = {
            "ssrc": sent,
            "packetsSent": numbers + 7,
            "retransmittedPacketsSent": 7,
        }
        told[f"remote-inbound-rtp {kind}"] = {
            "ssrc": sent,
            "timestamp": (START_S + at_s) * 1000,
            "packetsLost": lost,
            "jitter": 0.0,
            "roundTripTime": 0.05,
        }
        told[f"inbound-rtp {kind}"] = {
            "ssrc": received,
            "packetsReceived": numbers,
            "packetsLost": 0,
            "retransmittedPacketsReceived": 0,
            "jitter": 0.0,
        }
    return told


def test_the_nodes_figures_are_of_all_streams_over_its_own_seconds() -> None:
    path = a_call()
    told = by_node(
        [period(1, 750, 25), period(6, 750, 25)], CLIENT_UP, path, Streams(AUDIO, PARTNER)
    )
    # of audio, video and repairs: one of twenty of the first two
    assert told.said.loss_pct == pytest.approx(100 * 50 / 1500)
    assert told.true.loss_pct == pytest.approx(told.said.loss_pct)
    assert told.true.jitter_ms == pytest.approx(0.0, abs=1e-3)
    assert (told.said.rtt_ms, told.true.rtt_ms) == (50.0, 50.0)


def test_the_way_down_is_held_against_the_packets_that_went_down() -> None:
    told = by_node([period(2, 500, 0)], CLIENT_DOWN, a_call(), Streams(AUDIO, PARTNER))
    assert (told.said.loss_pct, told.true.loss_pct) == (0.0, 0.0)
    assert told.true.jitter_ms == pytest.approx(0.0, abs=1e-3)


def test_the_browsers_loss_is_of_audio_and_video_without_repairs() -> None:
    diary = [entry(at) for at in np.arange(2.0, 10.5)]
    assert streams(diary) == Streams(AUDIO, PARTNER)
    up, down = (by_browser(diary, leg, a_call()) for leg in (CLIENT_UP, CLIENT_DOWN))
    assert up.said.loss_pct == pytest.approx(5.0)
    assert up.true.loss_pct == pytest.approx(5.0)
    assert up.said.rtt_ms == pytest.approx(50)
    assert up.true.rtt_ms == pytest.approx(50)
    assert (down.said.loss_pct, down.true.loss_pct) == (0.0, 0.0)


def test_a_window_is_of_whole_periods_that_follow_the_beginning() -> None:
    told = [period(at, 1, 0) for at in (0, 5, 10, 15)]
    assert window(told, START_S + 5, 10) == told[1:3]
    assert window(told, START_S + 5, 20) == []
    told[2]["duration_s"] = 4.1
    assert window(told, START_S + 5, 10) == told[1:4], "one more, for the sake of its length"
    told[2]["duration_s"] = 3.0
    assert window(told, START_S, 10) == told[:2]
    assert window(told, START_S + 5, 10) == []


def test_each_leg_has_a_call_and_the_first_begins_without_an_impairment() -> None:
    found = plans([NONE, loss(5)])
    assert [[(leg.name, each.name) for leg, each in plan] for plan in found] == [
        [("client_up", "none"), ("client_up", "loss 5 %")],
        [("client_down", "loss 5 %")],
        [("specialist_up", "loss 5 %")],
        [("specialist_down", "loss 5 %")],
    ]
