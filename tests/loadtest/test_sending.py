"""What a participant puts on the wire, second by second of a profile, as its partner reads it."""

import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from aiortc import RTCCertificate

from loadtest import table
from loadtest.arrival_profile import PROFILES, ArrivalProfile, Integers, fitted, read_profile
from loadtest.crowd import NEVER_NS, Crowd
from loadtest.participant import Participant
from loadtest.sending import COMFORT_SLOTS

HOST = "127.0.0.1"
SRTP = "aes-128-gcm"


@pytest.fixture(scope="module")
def load() -> ArrivalProfile:
    return fitted(read_profile(PROFILES / "chromium-vp8.json"))


Played = Callable[..., tuple[Crowd, int]]


@pytest.fixture
def played(load: ArrivalProfile) -> Iterator[Played]:
    """Two participants who send to each other for some seconds."""
    people: list[Participant] = []

    def play(
        seconds: float, begin: Callable[[Crowd], None] = lambda _: None, **run: int
    ) -> tuple[Crowd, int]:
        """The two as they are then, and how many RTCP packets came to them."""
        certificate = RTCCertificate.generateCertificate()
        one, other = people[:] = [Participant(HOST, certificate, SRTP) for _ in range(2)]
        keys = one.make_key(), other.make_key()
        one.expect(other.socket.getsockname(), keys[0], keys[1])
        other.expect(one.socket.getsockname(), keys[1], keys[0])
        crowd = Crowd(2)
        now = time.time_ns()
        for row, person in enumerate(people):
            crowd.connect(row, person, 1 - row, sends=True)
            crowd.enter(row, load, 0, now)
            crowd.rows[row, table.TURN_FROM_NS] = now + row * run.get("TURN_NS", 0)
        begin(crowd)
        settings: Integers = np.zeros(table.RUN_FIELDS, np.int64)
        settings[table.UNTIL_NS] = NEVER_NS
        settings[table.STOP_NS] = now + int(seconds * 1e9)
        settings[table.TRAILER] = one.trailer
        settings[table.PERIOD_NS] = load.period_us * 1000
        for name, value in run.items():
            settings[getattr(table, name)] = value
        bins: Integers = np.zeros(table.BINS, np.int64)
        counts: Integers = np.zeros(table.COUNTS, np.int64)
        crowd.run(settings, load, bins, bins.copy(), counts)
        assert not counts[: table.CONTROL_PACKETS].any()
        return crowd, int(counts[table.CONTROL_PACKETS])

    yield play
    for person in people:
        person.close()


def sent(crowd: Crowd, row: int, video: bool) -> int:
    return int(crowd.rows[row, table.OUT + table.OUT_FIELDS * video + table.OUT_PACKETS])


def test_who_is_silent_sends_a_packet_every_400_ms_and_the_timestamps_run_on(
    played: Played,
) -> None:
    crowd, _ = played(1.5, TURN_NS=60_000_000_000)
    assert sent(crowd, 0, video=False) == pytest.approx(75, abs=8)
    assert sent(crowd, 1, video=False) == pytest.approx(4, abs=1)
    slots = crowd.rows[:, table.AUDIO_SLOT]
    assert slots[0] == slots[1] == pytest.approx(75, abs=8)
    timestamp = int(crowd.rows[1, table.OUT + table.OUT_TIMESTAMP])
    assert 0 <= slots[1] * 960 - timestamp < COMFORT_SLOTS * 960
    # nobody takes a pause for jitter: 400 ms would be 24 ms of it after one packet
    jitter_ms = crowd.rows[:, table.IN + table.IN_JITTER_SCALED] / 16 / 48
    assert jitter_ms.max() < 15


def test_they_speak_by_turns(played: Played) -> None:
    crowd, _ = played(1.2, TURN_NS=300_000_000)
    each = [sent(crowd, row, video=False) for row in (0, 1)]
    assert each == pytest.approx([31, 31], abs=8)


def test_without_turns_both_send_all_the_time(played: Played) -> None:
    crowd, _ = played(0.5)
    assert [sent(crowd, row, video=False) for row in (0, 1)] == pytest.approx([25, 25], abs=3)


def test_a_keyframe_that_is_asked_for_is_as_large_as_the_recorded_ones(
    played: Played, load: ArrivalProfile
) -> None:
    packets, octets = load.burst
    assert packets > 12

    def only_one_is_asked(crowd: Crowd) -> None:
        crowd.rows[1, table.KEYFRAME_ASKED] = 0

    crowd, _ = played(0.5, only_one_is_asked, BURST=packets, BURST_SIZE=octets)
    first_frame = int(np.flatnonzero(load.frame_end[load.video == 1])[0]) + 1
    more = sent(crowd, 0, video=True) - sent(crowd, 1, video=True)
    assert more == packets - first_frame
    assert crowd.rows[1, table.FIRST_KEYFRAME_NS] > 0
    assert crowd.rows[0, table.FIRST_KEYFRAME_NS] == 0
    # it is one frame, and those after it come when they would have
    assert crowd.rows[0, table.PICTURE] == crowd.rows[1, table.PICTURE]


def test_a_benchmark_s_load_does_not_grow_by_what_is_asked_for(played: Played) -> None:
    def only_one_is_asked(crowd: Crowd) -> None:
        crowd.rows[1, table.KEYFRAME_ASKED] = 0

    crowd, _ = played(0.5, only_one_is_asked)
    assert sent(crowd, 0, video=True) == sent(crowd, 1, video=True)
    assert crowd.rows[1, table.FIRST_KEYFRAME_NS] > 0
    assert not crowd.rows[:, table.IN + table.IN_REPORT_NS].any()


def test_reports_go_and_are_understood(played: Played) -> None:
    crowd, _ = played(0.5, REPORT_EVERY_NS=100_000_000)
    for into in (table.IN, table.IN + table.IN_FIELDS):
        assert crowd.rows[:, into + table.IN_REPORT_NS].all()
        assert crowd.rows[:, into + table.IN_REPORT_MIDDLE].all()
        expected = crowd.rows[:, into + table.IN_HIGHEST] - crowd.rows[:, into + table.IN_FIRST] + 1
        assert expected.tolist() == crowd.rows[:, into + table.IN_PACKETS].tolist()


def test_a_line_that_is_cut_carries_no_reports_either(played: Played) -> None:
    def cut(crowd: Crowd) -> None:
        crowd.rows[1, table.CUT_UNTIL_NS] = NEVER_NS

    _, control_packets = played(0.4, cut, REPORT_EVERY_NS=100_000_000)
    assert 3 <= control_packets <= 4  # the other one's
