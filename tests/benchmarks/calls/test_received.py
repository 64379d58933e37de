"""The arithmetic of freezes, rates and recovery."""

import pytest

from benchmarks.calls.received import (
    Look,
    between,
    frozen_s,
    longest_gap_s,
    mean_bps,
    recovery_s,
)

STEADY = [each / 20 for each in range(41)]  # two seconds at 20 frames/s


def test_steady_pictures_are_no_freeze() -> None:
    assert frozen_s(STEADY, 2.05) == 0


def test_a_pause_is_a_freeze_from_150_ms_beyond_the_mean_interval_on() -> None:
    for pause, frozen in ((0.19, 0.0), (0.21, 0.21)):
        later = [at + 2 + pause for at in STEADY]
        assert frozen_s([*STEADY, *later], later[-1]) == pytest.approx(frozen)


def test_of_a_slow_picture_three_intervals_are_a_freeze() -> None:
    slow = [each / 4 for each in range(20)]
    assert frozen_s([*slow, slow[-1] + 0.7], slow[-1] + 0.7) == 0
    assert frozen_s([*slow, slow[-1] + 0.8], slow[-1] + 0.8) == pytest.approx(0.8)


def test_the_mean_is_of_the_last_thirty_intervals() -> None:
    slow_at_last = [*STEADY, *(STEADY[-1] + 0.18 * each for each in range(1, 6))]
    end = slow_at_last[-1] + 0.5
    assert frozen_s([*slow_at_last, end], end) == pytest.approx(0.5)


def test_a_freeze_that_lasts_to_the_end_counts() -> None:
    assert frozen_s(STEADY, 5) == pytest.approx(3)


def test_the_longest_gap_counts_the_ends_of_the_span() -> None:
    assert longest_gap_s([1.0, 1.5, 2.8], 0.5, 3.0) == pytest.approx(1.3)
    assert longest_gap_s([1.0], 0.0, 4.0) == pytest.approx(3.0)
    assert longest_gap_s([], 0.0, 4.0) == pytest.approx(4.0)


def looks(*rates_bps: float) -> list[Look]:
    """One a second, with that rate since the one before."""
    found = [Look(100.0)]
    for rate in rates_bps:
        found.append(Look(found[-1].at_s + 1, video_bytes=found[-1].video_bytes + int(rate / 8)))
    return found


def test_the_rate_is_of_the_span_also_between_looks() -> None:
    assert mean_bps(looks(8000, 16000), 100, 102) == pytest.approx(12000)
    assert mean_bps(looks(8000, 16000), 100.5, 101.5) == pytest.approx(12000)


def test_recovery_is_when_two_seconds_had_the_rate_again() -> None:
    # Freed at 104: the rate is back from 105 on, and a mean of two seconds says so at 107.
    seen = looks(1000, 1000, 400, 400, 400, 800, 800, 800)
    assert recovery_s(seen, 104.0, 800) == pytest.approx(3)
    assert recovery_s(seen, 104.0, 600) == pytest.approx(2)
    assert recovery_s(seen, 104.0, 900) is None
    assert recovery_s(seen, 104.0, 400) == 0, "it never fell below"


def test_a_single_burst_is_no_recovery() -> None:
    assert recovery_s(looks(1000, 400, 400, 1100, 400, 400), 102.0, 800) is None


def test_a_report_is_of_the_time_between_two_looks() -> None:
    first = Look(100.0, samples=48_000, concealed=100, audio_packets=50, frozen_s=1.0, freezes=2)
    last = Look(
        *(110.0, 1_250_000, 200, 3, 1.1),
        audio_packets=545,
        audio_lost=5,
        samples=48_000 + 480_000,
        concealed=100 + 4_800,
    )
    found = between(first, last)
    assert found["video_bps"] == 1_000_000
    assert found["frames_per_s"] == 20
    assert found["freezes"] == 1
    assert found["frozen_pct"] == pytest.approx(1.0)
    assert (found["audio_lost_pct"], found["audio_concealed_pct"]) == (1.0, 1.0)


def test_what_a_browser_does_not_tell_is_zero() -> None:
    found = Look.read({"at": 1500, "video": None, "audio": {"concealedSamples": 7}})
    assert found == Look(1.5, concealed=7)
