import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.arrival_profile import (
    MAX_SIZE,
    MIN_SIZE,
    PROFILES,
    ArrivalProfile,
    BadProfile,
    fitted,
    read_profile,
    spread,
    write_profile,
)


def profile(packets: list[tuple[int, int, int, int]], period_us: int) -> ArrivalProfile:
    at_us, size, video, frame_end = (np.array(column) for column in zip(*packets, strict=True))
    return ArrivalProfile("by hand", at_us, size, video, frame_end, period_us)


def test_a_profile_is_written_and_read(tmp_path: Path) -> None:
    written = profile([(0, 100, 0, 0), (10, 900, 1, 0), (30, 901, 1, 1)], 40)
    write_profile(written, tmp_path / "one.json")
    read = read_profile(tmp_path / "one.json")
    assert read.source == "by hand"
    assert read.period_us == 40
    for name in ("at_us", "size", "video", "frame_end"):
        assert getattr(read, name).tolist() == getattr(written, name).tolist()


GOOD = {
    "format": 1,
    "source": "x",
    "at_us": [0, 1, 2],
    "size": [100, 900, 900],
    "video": [0, 1, 1],
    "frame_end": [0, 0, 1],
}


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "[]",
        "{}",
        json.dumps(GOOD | {"format": 2}),
        json.dumps(GOOD | {"size": [100, 900]}),
        json.dumps(GOOD | {"size": [100, 900, 0]}),
        json.dumps(GOOD | {"size": [100, 900, "large"]}),
        json.dumps(GOOD | {"at_us": [0, 2, 1]}),
        json.dumps(GOOD | {"at_us": [0, 1, 1 << 70]}),
        json.dumps(GOOD | {"video": [1, 1, 1]}),
        json.dumps(GOOD | {"frame_end": [0, 0, 0]}),
    ],
)
def test_a_broken_profile_is_refused_by_name(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "broken.json"
    path.write_text(broken)
    with pytest.raises(BadProfile, match=r"broken\.json"):
        read_profile(path)


def test_the_captured_profile_fits_the_load_of_the_benchmark() -> None:
    captured = read_profile(PROFILES / "chromium-vp8.json")
    load = fitted(captured)
    assert load.rate(False) == pytest.approx(50, rel=0.01)
    assert load.rate(True) == pytest.approx(190, rel=0.01)
    assert load.mean_size(False) == pytest.approx(120, rel=0.01)
    assert load.mean_size(True) == pytest.approx(1100, rel=0.01)
    assert 9e6 < load.period_us < 11e6
    video = load.video == 1
    inside = np.diff(load.at_us[video])[load.frame_end[video][:-1] == 0]
    assert 200 <= np.median(inside) <= 300
    # the captured load itself is near: fitting bends it, it does not make it up
    assert captured.rate(True) == pytest.approx(190, rel=0.05)
    assert captured.mean_size(True) == pytest.approx(1100, rel=0.05)


def test_packets_of_a_frame_stay_a_byte_apart_and_its_gaps_stay_as_they_are() -> None:
    packets = [(0, 100, 0, 0)]
    for frame in range(10):
        start = 1000 + 33_000 * frame
        packets += [(start, 999, 1, 0), (start + 200, 1000, 1, 0), (start + 500, 1000, 1, 1)]
    load = fitted(profile(packets, 330_000), 50, 120, 60, 1100, video_gap_us=None)
    video = load.video == 1
    assert load.size[video][:3].tolist() == [1099, 1100, 1100]
    assert np.diff(load.at_us[video])[:2].tolist() == [200, 300]


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 40_000), st.integers(1, 2000), st.booleans(), st.booleans()),
        min_size=1,
        max_size=80,
    ),
    st.sampled_from([None, 0, 250]),
)
def test_any_capture_replays_in_order_and_within_bounds(
    packets: list[tuple[int, int, bool, bool]], gap_us: float | None
) -> None:
    at_us = 0
    rows = [(0, 100, 0, 0), (0, 900, 1, 1)]
    for gap, size, video, frame_end in packets:
        at_us += gap
        rows.append((at_us, size, int(video), int(video and frame_end)))
    load = fitted(profile(rows, at_us + 1000), video_gap_us=gap_us)
    assert len(load) > 0
    assert np.all(np.diff(load.at_us) >= 0)
    assert load.at_us[0] >= 0
    assert load.at_us[-1] < load.period_us
    assert MIN_SIZE <= load.size.min() <= load.size.max() <= MAX_SIZE


def test_a_gap_between_packets_of_a_frame_is_never_negative() -> None:
    rows = [(0, 100, 0, 0), (0, 900, 1, 0), (900, 900, 1, 0), (901, 900, 1, 0), (1900, 900, 1, 1)]
    load = fitted(profile(rows, 20_000), video_gap_us=250)
    assert np.all(np.diff(load.at_us) >= 0)


@pytest.mark.parametrize("people", [1, 2, 20, 160])
def test_spread_packets_come_one_by_one_over_all_participants(people: int) -> None:
    load = spread(fitted(read_profile(PROFILES / "chromium-vp8.json")))
    from_ns, until_ns = 10**9, 2 * 10**9
    times = []
    for phase_ns in load.phases_ns(people):
        for again in range(3):
            begins_ns = again * load.period_us * 1000 - int(phase_ns)
            times.append(begins_ns + load.at_us * 1000)
    due_ns = np.sort(np.concatenate(times))
    gaps_ns = np.diff(due_ns[(from_ns <= due_ns) & (due_ns < until_ns)])
    # even to the µs that a profile is written in
    assert np.all(np.abs(gaps_ns - load.step_us * 1000 / people) <= 1002)


def test_spread_keeps_each_kind_in_order() -> None:
    load = fitted(read_profile(PROFILES / "chromium-vp8.json"))
    even = spread(load)
    for video in (False, True):
        ours, theirs = even.video == video, load.video == video
        assert np.array_equal(even.size[ours], load.size[theirs])
        assert np.array_equal(even.frame_end[ours], load.frame_end[theirs])
    assert even.rate(True) == load.rate(True)
    # no second of it is without audio
    assert np.diff(even.at_us[even.video == 0]).max() <= 2 * 1e6 / even.rate(False)


@pytest.mark.parametrize("people", [2, 20, 160])
def test_browsers_begin_at_places_of_their_own(people: int) -> None:
    load = fitted(read_profile(PROFILES / "chromium-vp8.json"))
    phases_ns = np.sort(load.phases_ns(people))
    assert 0 <= phases_ns[0] <= phases_ns[-1] < load.period_us * 1000
    assert np.diff(phases_ns).min() > 0.3 * load.period_us * 1000 / people


def test_the_recorded_bursts_are_the_keyframes() -> None:
    recorded = read_profile(PROFILES / "chromium-vp8.json")
    for each in (recorded, fitted(recorded), spread(fitted(recorded))):
        flags, ends = each.keyframe, each.frame_end
        assert not flags[each.video == 0].any()
        frames = np.flatnonzero(flags & ends)
        assert len(frames) == 5
        pictures = np.cumsum(ends)[frames]
        assert set(np.diff(pictures)) <= {60, 61, 62}
        packets, octets = each.burst
        assert 13 <= packets <= 18
        assert octets > 1000


def test_equal_frames_are_no_keyframes() -> None:
    even = profile([(0, 100, 0, 0), (10, 900, 1, 0), (30, 901, 1, 1), (50, 1800, 1, 1)], 60)
    assert (even.keyframe.tolist(), even.burst) == ([0, 0, 0, 0], (0, 0))
