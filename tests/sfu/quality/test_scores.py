"""Scores over time: windows, levels, reasons, and what never lowers them."""

from typing import Any

import numpy as np
import pytest

from sfu.api import LegScore, QualityLevel, Reason, ReasonCode
from sfu.plane import OwnCounts
from sfu.quality import Measurement, OwnScore, Scores
from sfu.quality.measurement import Leg

SLOT = np.array([3])


def leg(**figures: float) -> Leg:
    """A leg of one connection in one second: a good call, apart from ``figures``."""
    usual: dict[str, Any] = dict.fromkeys(Leg._fields, 0.0)
    usual |= {"packets": 200, "octets": 100_000, "expected": 200, "audio_expected": 50}
    usual |= {"jitter_ms": 2.0, "video_jitter_ms": 3.0, "silent_s": 0.02}
    return Leg(**{name: np.array([float(value)]) for name, value in (usual | figures).items()})


NOBODY = leg(packets=3, expected=0, audio_expected=0, jitter_ms=np.nan)


class Call:
    def __init__(self) -> None:
        self.scores = Scores(4)
        self.scores.begin(3)
        self.transit_ms = 1000.0

    def second(
        self,
        up: Leg | None = None,
        down: Leg | None = None,
        rtt_ms: float = 40.0,
        own: tuple[float, float] = (0.0, 0.0),
    ) -> tuple[LegScore, LegScore]:
        measured = Measurement(
            up or leg(), down or leg(), np.array([rtt_ms]), np.array([self.transit_ms])
        )
        [both] = self.scores.take(SLOT, measured, np.array([1.0]), np.array(own))
        return both

    def seconds(self, count: int, *args: Any, **kwargs: Any) -> tuple[LegScore, LegScore]:
        for _ in range(count):
            both = self.second(*args, **kwargs)
        return both


def test_a_good_call_is_excellent_and_has_no_reasons() -> None:
    for each in Call().seconds(10):
        assert each.level is QualityLevel.EXCELLENT
        assert each.reasons == ()
        assert each.mos > 4.3


def test_loss_of_one_leg_lowers_that_leg_and_says_why() -> None:
    call = Call()
    call.seconds(5)
    up, down = call.seconds(5, leg(lost=12, audio_lost=3))
    assert up.reasons == (Reason(ReasonCode.LOSS, 6.0),)
    assert up.level is QualityLevel.GOOD
    assert down.level is QualityLevel.EXCELLENT
    up, down = call.seconds(5, None, leg(lost=24, audio_lost=6))
    assert down.level is QualityLevel.POOR
    assert down.reasons == (Reason(ReasonCode.LOSS, 12.0),)


def test_a_score_falls_within_two_seconds_and_rises_slowly() -> None:
    call = Call()
    best, _ = call.seconds(10)
    call.second(leg(lost=60, audio_lost=15))
    bad, _ = call.second(leg(lost=60, audio_lost=15))
    assert bad.level is QualityLevel.POOR
    marks = [call.second()[0].mos for _ in range(15)]
    assert marks == sorted(marks)
    assert max(np.diff([bad.mos, *marks])) <= 0.26
    assert marks[1] < 4.02, "not yet"
    assert marks[-1] == best.mos


def test_what_came_late_is_no_loss_of_the_window() -> None:
    call = Call()
    call.second(leg(lost=6, audio_lost=0))
    up, _ = call.seconds(2, leg(lost=-3, audio_lost=0))
    assert up.reasons == ()


@pytest.mark.parametrize(
    ("up", "down"),
    [
        pytest.param(leg(packets=4, expected=3, audio_expected=3), None, id="mute, camera off"),
        pytest.param(leg(frame_gaps=1, frame_gaps_s=0.9), None, id="a covered camera"),
        pytest.param(NOBODY, NOBODY, id="RTCP alone"),
        pytest.param(None, NOBODY, id="an absent partner"),
        pytest.param(None, leg(frame_gaps=3, frame_gaps_s=np.nan), id="keyframes for a join"),
    ],
)
def test_nothing_of_this_lowers_a_score(up: Leg | None, down: Leg | None) -> None:
    call = Call()
    call.seconds(5)
    for each in call.seconds(10, up, down):
        assert each.level is QualityLevel.EXCELLENT
        assert each.mos > 4.2


def test_one_lost_of_the_few_packets_of_dtx_weighs_little() -> None:
    call = Call()
    dtx = {"expected": 3, "audio_expected": 3}
    call.seconds(5, leg(**dtx))
    up, _ = call.second(leg(**dtx, lost=1, audio_lost=1))
    assert up.level is QualityLevel.EXCELLENT


def test_pauses_of_the_camera_count_where_the_path_shows_otherwise() -> None:
    call = Call()
    shaken = leg(frame_gaps=2, frame_gaps_s=0.6, jitter_ms=60.0)
    up, _ = call.seconds(5, shaken)
    assert up.level is QualityLevel.POOR
    assert up.reasons[0] == Reason(ReasonCode.FREEZES, 60.0)
    assert up.reasons[1].code is ReasonCode.JITTER


def test_losses_that_were_given_up_weigh_more_than_repaired_ones() -> None:
    repaired, _ = Call().seconds(5, leg(lost=3))
    given_up, _ = Call().seconds(5, leg(lost=3, given_up=3))
    assert given_up.mos < repaired.mos - 0.5
    assert {each.code for each in given_up.reasons} >= {ReasonCode.UNREPAIRED, ReasonCode.FREEZES}


def test_a_silent_browser_is_lost_and_says_nothing_of_its_downlink() -> None:
    call = Call()
    _, before = call.seconds(5)
    silent = leg(packets=0, expected=0, audio_expected=0, silent_s=3.4)
    up, down = call.seconds(3, silent, leg(expected=0, audio_expected=0))
    assert (up.level, up.mos) == (QualityLevel.LOST, 1.0)
    assert up.reasons == (Reason(ReasonCode.SILENT, 3.4),)
    assert down == before
    up, _ = call.second()
    assert up.level is QualityLevel.POOR, "back, and not yet trusted"


def test_a_downlink_of_which_nothing_is_heard_is_lost_after_eight_seconds() -> None:
    call = Call()
    call.seconds(5)
    unanswered = leg(expected=0, audio_expected=0)
    _, down = call.seconds(7, None, unanswered)
    assert down.level is not QualityLevel.LOST
    up, down = call.second(None, unanswered)
    assert down.level is QualityLevel.LOST
    assert down.reasons == (Reason(ReasonCode.SILENT, 8.0),)
    assert up.level is QualityLevel.EXCELLENT


@pytest.mark.parametrize("way_up", [True, False])
def test_delay_that_came_later_is_the_legs_that_grew(way_up: bool) -> None:
    call = Call()
    call.seconds(10)
    if way_up:
        call.transit_ms += 600
    up, down = call.seconds(10, rtt_ms=640)
    assert (up.mos < down.mos - 0.5) == way_up
    assert (down.mos < up.mos - 0.5) != way_up
    assert up.reasons == down.reasons == (Reason(ReasonCode.DELAY, 640.0),)


@pytest.mark.parametrize("way_up", [True, False])
@pytest.mark.parametrize("apart_ms", [-0.05, 0.0, 0.05], ids="clocks go {} ms/s apart".format)
def test_a_delay_that_stays_stays_the_legs(way_up: bool, apart_ms: float) -> None:
    call = Call()

    def scores(seconds: int, rtt_ms: float) -> tuple[LegScore, LegScore]:
        for _ in range(seconds):
            call.transit_ms += apart_ms
            both = call.second(rtt_ms=rtt_ms)
        return both

    scores(1200, 40)
    call.transit_ms += 50 if way_up else 0
    for seconds in (10, 400):
        up, down = scores(seconds, 90)
        assert (up.mos < down.mos) == way_up


def test_delay_that_was_there_from_the_beginning_is_shared() -> None:
    up, down = Call().seconds(10, rtt_ms=640)
    assert up.mos == down.mos < 3.7


def test_what_the_node_lost_is_taken_off_the_legs_and_scored_as_its_own() -> None:
    call, own = Call(), OwnScore()
    own.begin(OwnCounts(50, 0))
    for second in range(1, 6):
        node, shares = own.take(OwnCounts(50 + second * 20, 0), 180.0, 200.0, 0.0, 1.0)
        assert shares.tolist() == [0.1, 0.0]
        up, down = call.second(leg(lost=20, audio_lost=5), own=tuple(shares))
    assert up.level is down.level is QualityLevel.EXCELLENT
    assert node.level is QualityLevel.POOR
    assert node.reasons == (Reason(ReasonCode.OVERFLOW, 10.0),)


def test_what_the_node_lost_and_nobody_repaired_is_not_held_against_a_leg_either() -> None:
    call, own = Call(), OwnScore()
    own.begin(OwnCounts(50, 0))
    lossy = leg(lost=20, audio_lost=5, given_up=15, frame_gaps=1, frame_gaps_s=0.3)
    for second in range(1, 6):
        _, shares = own.take(OwnCounts(50 + second * 20, 0), 180.0, 200.0, 0.0, 1.0)
        up, _ = call.second(lossy, own=tuple(shares))
    assert up.level is QualityLevel.EXCELLENT
    up, _ = call.second(leg(given_up=15))
    assert up.level is QualityLevel.EXCELLENT, "of the second before"
    up, _ = call.second(leg(given_up=15))
    assert up.level is QualityLevel.POOR


def test_a_node_that_is_late_or_cannot_send_says_so() -> None:
    own = OwnScore()
    assert own.take(OwnCounts(), 100.0, 100.0, 0.03, 1.0)[0].reasons == ()
    node, shares = own.take(OwnCounts(0, 100), 100.0, 900.0, 0.3, 1.0)
    assert {each.code for each in node.reasons} == {ReasonCode.NOT_SENT, ReasonCode.LATE}
    assert shares.tolist() == [0.0, 0.1]


def test_a_new_connection_begins_with_a_clean_sheet() -> None:
    call = Call()
    call.seconds(5, leg(lost=100, audio_lost=25))
    call.scores.begin(3)
    up, _ = call.second()
    assert up.level is QualityLevel.EXCELLENT
    assert up.mos > 4.3


def test_loss_of_sound_in_red_is_heard_less() -> None:
    by_fec, _ = Call().seconds(10, leg(audio_lost=5))
    by_red, _ = Call().seconds(10, leg(audio_lost=5, redundant=45))
    assert by_red.mos > by_fec.mos + 0.3
    few, _ = Call().seconds(10, leg(audio_lost=5, redundant=20))
    assert few == by_fec


def test_whoever_should_see_and_only_hears_is_poorly_connected() -> None:
    call = Call()
    call.seconds(5)
    call.scores.pause(3, True)
    up, down = call.second()
    assert (down.level, down.mos) == (QualityLevel.POOR, 3.0)
    assert down.reasons == (Reason(ReasonCode.PAUSED, 1.0),)
    assert (up.level, up.reasons) == (QualityLevel.EXCELLENT, ())
    _, down = call.seconds(2, None, leg(lost=50, audio_lost=25))
    assert down.mos < 3.0
    assert [each.code for each in down.reasons][:2] == [ReasonCode.PAUSED, ReasonCode.LOSS]
    call.scores.pause(3, False)
    _, down = call.second()
    assert ReasonCode.PAUSED not in {each.code for each in down.reasons}
    _, down = call.seconds(15)
    assert down.level is QualityLevel.EXCELLENT


def test_nobody_misses_the_picture_of_a_partner_who_is_not_there() -> None:
    call = Call()
    call.seconds(5)
    call.scores.pause(3, True)
    call.seconds(5)
    _, down = call.seconds(8, None, NOBODY)
    assert down.reasons == ()
    _, down = call.seconds(10, None, NOBODY)
    assert down.level is QualityLevel.EXCELLENT
    _, down = call.second()
    assert down.level is QualityLevel.POOR, "back, and the picture is still paused"


def test_a_new_connection_misses_no_picture() -> None:
    call = Call()
    call.scores.pause(3, True)
    call.seconds(5)
    call.scores.begin(3)
    _, down = call.second()
    assert (down.level, down.reasons) == (QualityLevel.EXCELLENT, ())
