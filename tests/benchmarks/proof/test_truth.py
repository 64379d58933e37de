"""What node and browser should have measured, by a log of which all is known."""

import numpy as np
import pytest

from benchmarks.impairment.line import Direction, Fate
from benchmarks.proof.truth import RECEIVER_REPORT, SENDER_REPORT, Lost, Path
from tests.benchmarks.proof.packets import AUDIO, HOST, PARTNER, PORT, RTX, VIDEO, Log, ns

UP, DOWN = Direction.UP, Direction.DOWN


def path(log: Log) -> Path:
    return Path(log.records, HOST, PORT)


def test_loss_is_of_the_packets_that_came_or_were_lost_in_the_window() -> None:
    log = Log()
    for number in range(100):
        fate = Fate.LOST if number % 10 == 0 else Fate.SENT
        log.rtp(20 * number, UP, AUDIO, number, fate=fate)
    assert path(log).lost(UP, ns(-1), ns(1e6)) == Lost(100, 10)
    # behind the first bound, up to and with the second
    assert path(log).lost(UP, ns(0), ns(200)) == Lost(10, 1)
    assert path(log).lost(DOWN, ns(-1), ns(1e6)) == Lost(0, 0)
    assert Lost(200, 3).pct == 1.5
    assert Lost(0, 0).pct is None


def test_what_is_delayed_counts_when_it_comes() -> None:
    log = Log()
    log.rtp(0, UP, AUDIO, 1, delay_ms=300)
    assert path(log).lost(UP, ns(-1), ns(299)).packets == 0
    assert path(log).lost(UP, ns(299), ns(300)).packets == 1


def test_copies_and_what_never_arrived_anywhere_are_nobodys_loss() -> None:
    log = Log()
    log.rtp(0, DOWN, AUDIO, 1)
    log.rtp(0, DOWN, AUDIO, 1, copy=True)
    log.rtp(20, DOWN, AUDIO, 2, fate=Fate.UNDERWAY)
    assert path(log).lost(DOWN, ns(-1), ns(100)) == Lost(1, 0)


def test_loss_can_be_told_of_some_streams_and_is_never_of_another_socket() -> None:
    log = Log()
    for ssrc in (AUDIO, VIDEO, RTX):
        log.rtp(0, UP, ssrc, 1, fate=Fate.LOST if ssrc == RTX else Fate.SENT)
    assert path(log).lost(UP, ns(-1), ns(1)) == Lost(3, 1)
    assert path(log).lost(UP, ns(-1), ns(1), [AUDIO, VIDEO]) == Lost(2, 0)
    assert Path(log.records, HOST, PORT + 1).lost(UP, ns(-1), ns(1)) == Lost(0, 0)


def test_jitter_is_that_of_rfc_3550_and_not_of_the_setting() -> None:
    log = Log()
    for number in range(400):
        log.rtp(20 * number, UP, AUDIO, number, delay_ms=10 * (number % 2))
        log.rtp(20 * number + 3, UP, VIDEO, number, delay_ms=7)
    # every packet moves by 10 ms: that is what the estimator comes to, whatever was asked for
    course = path(log).jitter(UP, AUDIO)
    assert course.mean(np.array([ns(7000), ns(7500)])) == pytest.approx(10, abs=0.01)
    assert course.mean(np.array([ns(-1)])) is None


def test_lost_packets_leave_no_mark_on_jitter_and_copies_none_either() -> None:
    log = Log()
    for number in range(200):
        log.rtp(20 * number, UP, AUDIO, number, fate=Fate.LOST if number % 7 == 0 else Fate.SENT)
        if number % 7 == 1:
            log.rtp(20 * number, UP, AUDIO, number, delay_ms=3, copy=True)
    assert path(log).jitter(UP, AUDIO).values.max() < 1e-3


def test_reported_jitter_stays_until_the_next_report_has_arrived() -> None:
    log = Log()
    for number in range(500):
        shaken = number >= 200
        log.rtp(20 * number, DOWN, PARTNER, number, delay_ms=10 * (number % 2) * shaken)
    log.rtcp(3990, UP, RECEIVER_REPORT, AUDIO, delay_ms=100)
    log.rtcp(8000, UP, RECEIVER_REPORT, AUDIO, delay_ms=100)
    log.rtcp(8050, UP, SENDER_REPORT, VIDEO, blocks=0)
    reported = path(log).jitter_reported(DOWN, PARTNER)
    assert list(reported.at_ns) == [ns(4090), ns(8100)]
    assert reported.mean(np.array([ns(5000)])) == pytest.approx(0, abs=1e-3)
    assert reported.mean(np.array([ns(9000)])) == pytest.approx(10, abs=0.01)
    assert reported.mean(np.array([ns(5000), ns(9000)])) == pytest.approx(5, abs=0.01)


def test_a_round_trip_is_that_of_a_report_and_of_its_answer() -> None:
    log = Log()
    log.rtcp(0, DOWN, SENDER_REPORT, PARTNER, delay_ms=30)
    log.rtcp(1000, DOWN, SENDER_REPORT, PARTNER, delay_ms=50)
    # it cannot be an answer to the second, which has not come yet
    log.rtcp(1020, UP, RECEIVER_REPORT, AUDIO, delay_ms=7)
    log.rtcp(2000, UP, RECEIVER_REPORT, AUDIO, delay_ms=9)
    # says nothing of what came
    log.rtcp(2100, UP, SENDER_REPORT, AUDIO, blocks=0, delay_ms=500)
    trips = path(log).round_trips_at_node()
    assert list(trips.at_ns) == [ns(1027), ns(2009)]
    assert list(trips.values) == [37, 59]


def test_the_browsers_round_trip_is_of_its_own_stream() -> None:
    log = Log()
    log.rtcp(0, UP, SENDER_REPORT, AUDIO, blocks=0, delay_ms=20)
    log.rtcp(500, UP, SENDER_REPORT, VIDEO, blocks=0, delay_ms=90)
    log.rtcp(1000, DOWN, SENDER_REPORT, PARTNER, delay_ms=3)
    trips = path(log).round_trips_at_browser(AUDIO)
    assert (list(trips.at_ns), list(trips.values)) == ([ns(1003)], [23])


def test_a_receiver_misses_what_was_lost_here_and_before_but_not_what_came_late() -> None:
    log = Log()
    for place, number in enumerate([65533, 65534, 0, 1, 3, 2, 4, 5]):  # 65535 never came
        log.rtp(20 * place, DOWN, PARTNER, number, fate=Fate.LOST if number == 4 else Fate.SENT)
    assert path(log).missing(DOWN, ns(10), ns(1000), PARTNER) == Lost(8, 2)
    assert path(log).missing(DOWN, ns(10), ns(85), PARTNER) == Lost(6, 2)  # 2 has yet to come
    assert path(log).missing(DOWN, ns(85), ns(1000), PARTNER) == Lost(2, 0)
    assert path(log).missing(DOWN, ns(0), ns(1000), VIDEO) == Lost(0, 0)
