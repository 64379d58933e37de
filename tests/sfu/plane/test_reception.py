from types import SimpleNamespace

import numpy as np
import pytest
from aiortc.rtcrtpreceiver import StreamStatistics
from aiortc.rtp import RtpPacket
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.plane import reception, rtcp
from sfu.plane.rtcp import Integers

START_NS = 1_800_000_000 * 1_000_000_000


def fresh() -> Integers:
    return np.zeros(reception.RECEPTION_FIELDS, np.int64)


def report(state: Integers) -> list[int]:
    block: Integers = np.zeros(rtcp.BLOCK_FIELDS, np.int64)
    reception.fill_report_block(state, 9, 3, 4, block)
    return [int(field) for field in block]


def test_sequence_numbers_are_extended_over_the_wrap() -> None:
    state = fresh()
    extended = [reception.note_sequence(state, number) for number in (65534, 65535, 0, 65533, 2)]
    assert [number - extended[0] for number in extended] == [0, 1, 2, -1, 4]
    assert reception.packets_expected(state) == 5


def test_loss_is_told_as_of_the_last_report_and_as_of_the_first_packet() -> None:
    state = fresh()
    for number in (10, 11, 13, 14):
        reception.note_sequence(state, number)
    assert report(state) == [9, 256 // 5, 1, 14, 0, 3, 4]
    for number in (15, 16):
        reception.note_sequence(state, number)
    assert report(state) == [9, 0, 1, 16, 0, 3, 4]


def test_repeated_packets_make_loss_negative_and_no_fraction() -> None:
    state = fresh()
    for number in (10, 10, 10):
        reception.note_sequence(state, number)
    assert report(state)[1:3] == [0, -2]


def test_a_stream_without_packets_reports_nothing() -> None:
    assert report(fresh()) == [9, 0, 0, 0, 0, 3, 4]


def test_a_far_number_counts_only_when_the_next_confirms_it() -> None:
    state = fresh()
    reception.note_sequence(state, 10)
    assert reception.note_sequence(state, 40_000) == -1
    assert reception.note_sequence(state, 11) > 0
    assert reception.packets_expected(state) == 2
    assert reception.note_sequence(state, 50_000) == -1
    assert reception.note_sequence(state, 50_001) > 0
    assert reception.packets_expected(state) == 1
    assert report(state)[1:3] == [0, 0]


def test_a_far_number_is_confirmed_over_the_wrap() -> None:
    state = fresh()
    reception.note_sequence(state, 30_000)
    assert reception.note_sequence(state, 65_535) == -1
    assert reception.note_sequence(state, 0) > 0
    assert reception.packets_expected(state) == 1


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.integers(0, 8), st.integers(1, 30_000)),
        min_size=1,
        max_size=40,
    ),
    st.sampled_from([48_000, 90_000]),
)
def test_statistics_are_those_of_an_independent_receiver(
    steps: list[tuple[int, int, int]], clock_rate: int
) -> None:
    """aiortc's receiver, which reads its own clock, is given ours."""
    clock = SimpleNamespace(time=lambda: 0.0)
    independent = StreamStatistics(clock_rate)
    state = fresh()
    number, at_s, timestamp = 65_500, 0.0, 1000
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("aiortc.rtcrtpreceiver.time", clock)
        for ahead, eighths, later in steps:
            number += ahead
            at_s += eighths / 8  # exact as a float
            timestamp += later
            clock.time = lambda seconds=at_s: seconds
            independent.add(RtpPacket(sequence_number=number & 0xFFFF, timestamp=timestamp))
            reception.note_sequence(state, number & 0xFFFF)
            reception.note_timestamp(state, timestamp, int(at_s * 1e9), clock_rate)
    assert reception.packets_expected(state) == independent.packets_expected
    assert reception.jitter(state) == independent.jitter
    told = report(state)
    assert told[2] == independent.packets_lost
    assert told[1] == independent.fraction_lost


def test_jitter_of_the_rfc_formula() -> None:
    state = fresh()
    scaled = 0
    for late_ms in (0, 10, 0, 30, 0, 0, 5):
        before = int(state[reception.TRANSIT]) if state[reception.TRANSIT_KNOWN] else None
        reception.note_timestamp(state, 960, START_NS + late_ms * 1_000_000, 48_000)
        if before is not None:
            change = abs(int(state[reception.TRANSIT]) - before)
            scaled += change - ((scaled + 8) >> 4)
            assert change % 48 == 0
    assert reception.jitter(state) == scaled >> 4 > 0


def test_a_clock_that_is_set_is_no_jitter() -> None:
    state = fresh()
    for index in range(1000):
        timestamp = 0x7FFFFFFF if index % 2 else 0
        reception.note_timestamp(state, timestamp, START_NS, 90_000)
    assert reception.jitter(state) == 0
    for index in range(1000):
        reception.note_timestamp(state, index % 2 * 900_000, START_NS, 90_000)
    assert 800_000 < reception.jitter(state) <= 900_000, "10 s may still be the network's"
