from pathlib import Path

import numpy as np
import pytest

from benchmarks.capture import Arrival, capture, describe, make_profile
from loadtest.arrival_profile import read_profile, write_profile
from sfu.rtp.media import Codec, MediaMap

OPUS, VP8, RTX = 111, 96, 97


def test_only_media_of_the_last_seconds_is_kept_from_a_frames_start_to_a_frames_end() -> None:
    media = MediaMap({OPUS: Codec.OPUS, VP8: Codec.VP8, RTX: Codec.RTX_VP8}, {}, (), ())
    arrivals = []
    for frame in range(60):
        at_ns = frame * 50_000_000
        arrivals += [
            Arrival(at_ns, 999, VP8, False),
            Arrival(at_ns + 250_000, 1000, VP8, True),
            Arrival(at_ns + 300_000, 500, RTX, False),
            Arrival(at_ns + 20_000_000, 120, OPUS, False),
        ]
    arrivals.append(Arrival(3_000_000_000, 999, VP8, False))  # of a frame that is cut off
    profile = make_profile(arrivals, media, 1.0, "by hand")
    assert profile.at_us[0] == 0
    assert profile.video[:3].tolist() == [0, 1, 1]
    assert (int(profile.video[-1]), int(profile.frame_end[-1])) == (1, 1)
    assert set(profile.size.tolist()) == {120, 999, 1000}
    assert profile.rate(video=True) == pytest.approx(40, rel=0.1)
    assert profile.rate(video=False) == pytest.approx(20, rel=0.1)


async def test_a_real_chromium_is_captured(tmp_path: Path) -> None:
    written = await capture(seconds=3, warm_up_s=4, max_video_bps=1_000_000)
    write_profile(written, tmp_path / "chromium.json")
    profile = read_profile(tmp_path / "chromium.json")
    assert "Chromium" in profile.source
    assert profile.rate(video=False) == pytest.approx(50, rel=0.2)
    assert profile.rate(video=True) > 20
    # a frame's packets are a byte apart, the longer last
    sizes, ends = profile.size[profile.video == 1], profile.frame_end[profile.video == 1]
    frames = [frame for frame in np.split(sizes, np.flatnonzero(ends) + 1) if len(frame) > 1]
    even = [frame for frame in frames if frame.max() - frame.min() <= 1]
    assert len(even) > 0.9 * len(frames) > 0
    assert all(frame[0] <= frame[-1] for frame in even)
    assert "audio: " in describe(profile)
