"""When video pauses and comes back, on simulated links in simulated time."""

from dataclasses import dataclass, field, replace

import pytest

from sfu.plane import DownlinkCounts
from sfu.survival import (
    ALL,
    BACK_OFF_S,
    CAMERA,
    NOTHING,
    SETTLED_AFTER_S,
    TRANSITIONS,
    Pause,
    Sample,
    State,
    Survival,
    Trigger,
    sample_between,
)

FINE = Sample(camera_bps=1e6, screen_bps=0, delivered_bps=1e6, shortfall=0.0, round_trip_s=0.03)
CRUSHED = replace(FINE, delivered_bps=90e3, shortfall=0.9, audio_lost=0.8)
MILD = replace(FINE, camera_bps=60e3, delivered_bps=95e3, shortfall=0.2)
SILENT = Sample(camera_bps=0, screen_bps=0, delivered_bps=60e3, shortfall=0.0, round_trip_s=0.03)


class Course:
    """A survival and its clock: samples in, what changed and when out."""

    def __init__(self) -> None:
        self.now = 0.0
        self.survival = Survival(0.0)
        self.changes: list[tuple[float, Pause]] = []

    def state(self) -> State:
        return self.survival.state

    def take(self, sample: Sample, times: int = 1) -> None:
        for _ in range(times):
            self.now += 1.0
            changed = self.survival.take(sample, self.now)
            if changed is not None:
                self.changes.append((self.now, changed))


def test_every_transition_is_reached() -> None:
    assert {state for state, _ in TRANSITIONS} == set(State)
    assert {trigger for _, trigger in TRANSITIONS} == set(Trigger)
    assert set(TRANSITIONS.values()) == set(State)


def test_a_crushed_link_pauses_within_two_seconds() -> None:
    course = Course()
    course.take(FINE, 10)
    course.take(CRUSHED, 2)
    assert course.changes == [(12.0, ALL)]
    assert course.state() is State.PAUSED


def test_one_bad_second_pauses_nothing() -> None:
    course = Course()
    for _ in range(10):
        course.take(CRUSHED)
        assert course.state() is State.STRAINED
        course.take(FINE, 3)
        assert course.state() is State.CARRYING
    assert course.changes == []


def test_a_narrow_link_that_is_nearly_enough_gets_some_seconds() -> None:
    course = Course()
    course.take(MILD, 3)
    assert course.changes == []
    course.take(MILD)
    assert course.changes == [(4.0, ALL)]


@pytest.mark.parametrize(
    "sample",
    [
        pytest.param(replace(FINE, shortfall=0.05, audio_lost=0.05), id="5 % random loss"),
        pytest.param(replace(FINE, shortfall=0.3, audio_lost=0.3), id="30 % random loss"),
        pytest.param(replace(FINE, shortfall=0.6, delivered_bps=390e3), id="400 kbit/s"),
        pytest.param(replace(SILENT, shortfall=0.5, audio_lost=0.5), id="no video to pause"),
        pytest.param(replace(FINE, delivered_bps=None, shortfall=None), id="nothing is told"),
        pytest.param(
            replace(FINE, camera_bps=20e3, delivered_bps=80e3, shortfall=0.05), id="a still picture"
        ),
    ],
)
def test_what_is_no_business_of_ours(sample: Sample) -> None:
    course = Course()
    course.take(sample, 60)
    assert course.changes == []


def test_sound_that_breaks_in_a_queue_pauses_even_where_a_picture_would_fit() -> None:
    """Somebody else fills the link: what congestion control leaves to us breaks all the same."""
    course = Course()
    course.take(FINE, 5)
    course.take(
        replace(FINE, delivered_bps=300e3, shortfall=0.2, audio_lost=0.2, round_trip_s=0.6), 8
    )
    assert course.changes == [(13.0, ALL)]


def test_a_route_that_became_longer_is_no_queue_for_long() -> None:
    course = Course()
    course.take(FINE, 5)
    course.take(replace(FINE, round_trip_s=0.7, audio_lost=0.2, shortfall=0.05), 3)
    course.take(replace(FINE, round_trip_s=0.7), 200)
    course.take(replace(FINE, round_trip_s=0.7, audio_lost=0.2, shortfall=0.2), 30)
    assert course.changes == []


def test_tries_back_off_and_begin_anew_after_a_minute_that_went_well() -> None:
    course = Course()
    while len(course.changes) < 15:
        course.take(CRUSHED if not course.survival.pause.camera else SILENT)
    waits = [
        ended - began
        for (began, pause), (ended, after) in zip(course.changes, course.changes[1:], strict=False)
        if pause == ALL and after == NOTHING
    ]
    assert waits == [*BACK_OFF_S, BACK_OFF_S[-1], BACK_OFF_S[-1]]
    while course.survival.pause != NOTHING:
        course.take(SILENT)
    course.take(FINE, 8 + round(SETTLED_AFTER_S))
    began = course.now
    course.take(CRUSHED, 2)
    course.take(SILENT, 5)
    assert course.changes[-2:] == [(began + 2, ALL), (began + 7, NOTHING)]


def test_retransmissions_that_trail_behind_a_pause_put_no_try_off() -> None:
    course = Course()
    course.take(CRUSHED, 2)
    course.take(replace(CRUSHED, camera_bps=600e3), 5)
    assert course.changes == [(2.0, ALL), (7.0, NOTHING)]


def test_a_try_that_lasts_is_a_return() -> None:
    course = Course()
    course.take(CRUSHED, 2)
    course.take(SILENT, 5)
    assert course.state() is State.TRYING
    course.take(FINE, 8)
    assert course.state() is State.CARRYING
    assert course.changes == [(2.0, ALL), (7.0, NOTHING)]


def test_the_camera_goes_first_and_the_screen_only_if_that_is_not_enough() -> None:
    both = replace(CRUSHED, screen_bps=100e3)
    screen = replace(both, camera_bps=0)
    course = Course()
    course.take(both, 2)
    assert course.changes == [(2.0, CAMERA)]
    course.take(screen, 2)
    assert course.changes == [(2.0, CAMERA), (4.0, ALL)]
    course = Course()
    course.take(both, 2)
    course.take(replace(screen, shortfall=0.0, audio_lost=0.0), 60)
    assert course.changes == [(2.0, CAMERA), (7.0, NOTHING)]


def test_a_screen_that_stands_still_or_starves_is_not_paused_with_the_camera() -> None:
    course = Course()
    course.take(replace(CRUSHED, screen_bps=100e3))
    course.take(CRUSHED)
    assert course.changes == [(2.0, CAMERA)]


def test_a_camera_that_starves_beside_a_screen_still_goes_first() -> None:
    course = Course()
    course.take(replace(CRUSHED, screen_bps=100e3))
    course.take(replace(CRUSHED, camera_bps=5e3, screen_bps=100e3))
    assert course.changes == [(2.0, CAMERA)]


def test_a_packet_of_a_screen_that_nobody_shares_makes_it_none() -> None:
    course = Course()
    course.take(replace(CRUSHED, screen_bps=600), 2)
    assert course.changes == [(2.0, ALL)]


def test_a_screen_that_is_shared_no_more_counts_for_nothing() -> None:
    course = Course()
    course.take(replace(FINE, screen_bps=100e3), 1)
    course.take(FINE, 6)
    course.take(CRUSHED, 2)
    assert course.changes == [(9.0, ALL)]


def test_loss_that_stays_without_video_is_not_blamed_on_video() -> None:
    lossy = replace(FINE, camera_bps=40e3, delivered_bps=90e3, shortfall=0.25, audio_lost=0.25)
    course = Course()
    course.take(lossy, 4)
    course.take(replace(SILENT, shortfall=0.25, audio_lost=0.25), 5)
    assert course.changes == [(4.0, ALL), (9.0, NOTHING)]
    course.take(lossy, 40)
    assert len(course.changes) == 2


def test_a_second_is_measured_by_what_was_told() -> None:
    before = DownlinkCounts(
        audio_packets=100, audio_octets=8000, numbered_packets=100, numbered_octets=15_200,
        told_packets=100, told_octets=15_200, told_audio=100,
    )  # fmt: skip
    now = replace(
        before,
        audio_packets=150, audio_octets=12_000, camera_packets=50, camera_octets=50_000,
        numbered_packets=200, numbered_octets=15_200 + 7_600 + 53_600, told_packets=200,
        told_lost=40, told_octets=15_200 + 30_600, told_audio=150, told_audio_lost=10,
        round_trip_s=0.2,
    )  # fmt: skip
    sample = sample_between(before, now, 2.0)
    assert sample.camera_bps == 8 * 53_600 / 2
    assert sample.screen_bps == 0
    assert sample.delivered_bps == 8 * 30_600 / 2
    assert sample.shortfall == 0.5
    assert sample.audio_lost == 0.2
    assert sample.round_trip_s == 0.2
    nothing = sample_between(now, now, 1.0)
    assert (nothing.delivered_bps, nothing.shortfall, nothing.audio_lost) == (None, None, None)


def test_without_transport_wide_feedback_reports_have_to_do() -> None:
    before = DownlinkCounts(fraction_lost=0.0)
    now = DownlinkCounts(audio_packets=50, audio_octets=4_000, fraction_lost=0.5)
    sample = sample_between(before, now, 1.0)
    assert sample.shortfall == sample.audio_lost == 0.5
    assert sample.delivered_bps == 8 * (4_000 + 50 * 72) / 2


@dataclass
class Bottleneck:
    """A link with a queue before it, and a sender that adapts as congestion control does.

    Sound comes in packets that find room as easily as pictures do. All rates in bit/s.
    """

    capacity: float
    queue_s: float = 0.3
    video: float = 1e6
    waiting: float = 0.0
    heard_lost: list[float] = field(default_factory=list)

    AUDIO = 60e3
    LEAST = 30e3
    MOST = 1.5e6

    def second(self, pause: Pause) -> Sample:
        video = 0.0 if pause.camera else self.video
        sent = self.AUDIO + video
        room = self.capacity + max(0.0, self.queue_s * self.capacity - self.waiting)
        lost = max(0.0, sent - room) / sent
        through = min(self.capacity, self.waiting + sent * (1 - lost))
        self.waiting += sent * (1 - lost) - through
        delay = self.waiting / self.capacity
        if lost > 0.1 or delay > 0.1:
            self.video = max(self.LEAST, 0.85 * through - self.AUDIO)
        else:
            self.video = min(self.MOST, self.video * 1.08)
        self.heard_lost.append(lost)
        return Sample(video, 0.0, through, max(0.0, 1 - through / sent), lost, 0.04 + delay)


def run(link: Bottleneck, course: Course, seconds: int) -> None:
    for _ in range(seconds):
        course.take(link.second(course.survival.pause))


@pytest.mark.parametrize("queue_s", [0.05, 0.3, 2.0])
@pytest.mark.parametrize("capacity", [200e3, 250e3, 400e3, 1e6])
def test_congestion_control_is_left_alone_where_a_picture_fits(
    capacity: float, queue_s: float
) -> None:
    link, course = Bottleneck(2e6, queue_s), Course()
    run(link, course, 20)
    link.capacity = capacity
    run(link, course, 60)
    assert course.changes == []


@pytest.mark.parametrize("queue_s", [0.05, 0.3, 2.0])
@pytest.mark.parametrize("capacity", [62e3, 75e3])
def test_sound_goes_on_where_only_sound_fits_and_the_picture_returns(
    capacity: float, queue_s: float
) -> None:
    link, course = Bottleneck(2e6, queue_s), Course()
    run(link, course, 20)
    link.capacity = capacity
    run(link, course, 180)
    narrow = link.heard_lost[20:]
    assert course.changes[0][0] <= 20 + 4
    assert course.changes[0][1] == ALL
    assert sum(lost > 0.1 for lost in narrow) <= 20, "tries are rare"
    assert len([change for change in course.changes if change[1] == ALL]) <= 7
    link.capacity = 2e6
    run(link, course, 61)
    assert course.survival.pause == NOTHING
    run(link, course, 60)
    assert course.state() is State.CARRYING
