"""What the runs through the bottleneck come to."""

from typing import Any

import pytest

from benchmarks.calls.bottleneck import (
    Feedback,
    Phases,
    Run,
    check_feedback,
    course_kbps,
    in_words,
    report,
)
from benchmarks.calls.received import Look
from benchmarks.disturbance import Disturbance

PHASES = Phases(narrow=20, watched=45)


def run(way: str, recovery_s: float | None, concealed: float = 0.5, before: float = 2e6) -> Run:
    narrow = {
        "audio_concealed_pct": concealed,
        "audio_lost_pct": 0.1,
        "video_bps": 250_000.0,
        "frozen_pct": 20.0,
    }
    disturbance = Disturbance(1.0 if way == "node" else 12.0, 0.5, 3.0)
    return Run(way, before, recovery_s, narrow, narrow, 2.0, [250], disturbance)


def reported(*runs: Run) -> dict[str, Any]:
    return report(runs, PHASES)


def test_the_median_is_held_against_the_direct_call() -> None:
    runs = [run("node", each) for each in (20, 12, 11)] + [run("direct", 9)]
    found = reported(*runs)
    assert found["measured"]["back after"] == "12.0 s"
    assert found["measured"]["behind by"] == "3.0 s"
    assert found["holds"] is True
    assert reported(run("node", 12.1), run("direct", 9))["holds"] is False


def test_a_call_that_does_not_recover_misses_the_target() -> None:
    found = reported(run("node", None), run("direct", None))
    assert found["ways"]["node"]["recovery_s"] == PHASES.watched
    assert found["holds"] is False
    assert "never" in in_words(found)


def test_what_disturbed_each_run_is_told() -> None:
    words = in_words(reported(run("node", 10), run("node", 11), run("direct", 9)))
    assert words.count("meanwhile other processes used 1.0 % of a core") == 2
    assert words.count("meanwhile other processes used 12.0 % of a core") == 1
    assert words.count("the machine's host took 0.5 %") == 3


def test_broken_sound_misses_the_target_unless_the_direct_call_fares_as_badly() -> None:
    assert reported(run("node", 9, concealed=2.4), run("direct", 9, 1.0))["holds"] is False
    assert reported(run("node", 9, concealed=2.4), run("direct", 9, 1.5))["holds"] is True
    assert reported(run("node", 9, concealed=5.1), run("direct", 9, 20.0))["holds"] is False


def test_a_call_that_was_slow_before_proves_nothing() -> None:
    assert reported(run("node", 9, before=0.9e6), run("direct", 9))["holds"] is False


def test_the_course_has_a_rate_for_each_second() -> None:
    looks = [Look(10.0 + each / 2, video_bytes=each * 62_500) for each in range(9)]
    assert course_kbps(looks, 11.0) == [1000, 1000, 1000]


def test_calls_by_remb_have_a_figure_of_their_own() -> None:
    found = report([run("node", 10), run("direct", 9)], PHASES, Feedback.REMB)
    assert found["name"] == "calls by REMB, bottleneck"
    assert reported(run("node", 10), run("direct", 9))["name"] == "calls bottleneck"


def test_another_feedback_than_the_one_to_measure_is_told() -> None:
    check_feedback("a=rtcp-fb:96 transport-cc", Feedback.TRANSPORT_CC)
    check_feedback("a=rtcp-fb:96 goog-remb", Feedback.REMB)
    with pytest.raises(RuntimeError, match="remb was negotiated"):
        check_feedback("a=rtcp-fb:96 goog-remb", Feedback.TRANSPORT_CC)
