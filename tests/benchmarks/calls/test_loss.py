"""What calls over lossy lines come to."""

from benchmarks.calls.loss import Call, in_words, report
from benchmarks.disturbance import Disturbance
from benchmarks.impairment.line import Impairment


def call(
    frozen_pct: float, by_pictures_pct: float = 0.0, bps: int = 900_000, width: int = 640
) -> Call:
    worse = {
        **{"video_bps": bps, "frozen_pct": frozen_pct, "frozen_by_pictures_pct": by_pictures_pct},
        **{"frames_per_s": 30.0, "longest_gap_s": 0.3, "audio_concealed_pct": 1.0},
        **{"width": width, "height": width * 9 // 16},
        **{"video_lost": 1, "video_packets": 20, "resent": 2, "nacks": 1, "plis": 0},
    }
    better = worse | {"video_bps": 2_000_000, "frozen_pct": 0.0, "frozen_by_pictures_pct": 0.0}
    better |= {"width": 640, "height": 360}
    legs = {"client": better, "specialist": worse}
    return Call(0.0, 60.0, legs, {}, Disturbance(7.5, 1.5, 30.0), {"client up": 5.0})


def holds(*calls: Call) -> bool:
    return bool(report(calls, Impairment(), {})["holds"])


def test_the_frozen_part_of_all_calls_is_the_figure_and_each_is_told() -> None:
    calls = (call(1.43), call(0.4), call(0.5, by_pictures_pct=0.7))
    found = report(calls, Impairment(loss_pct=5), {})
    assert found["measured"]["frozen"] == "0.84 % of all calls (each: 1.43, 0.40, 0.70)"
    assert found["holds"]
    assert [each["frozen_pct"] for each in found["calls"]] == [1.43, 0.4, 0.7]
    words = in_words(found)
    assert all(f"call {number}" in words for number in (1, 2, 3))


def test_a_smaller_picture_at_one_side_of_one_call_misses() -> None:
    small = [call(0.1), call(0.1, width=480), call(0.1)]
    found = report(small, Impairment(), {})
    assert found["measured"]["picture"] == "480×270"
    assert not found["holds"]
    assert "specialist receives 480×270," in in_words(found)
    assert report([call(0.1)], Impairment(), {})["measured"]["picture"] == "640×360"


def test_what_disturbed_each_call_is_told_and_decides_nothing() -> None:
    found = report([call(0.1)], Impairment(), {})
    assert found["holds"]
    assert (
        "meanwhile other processes used 7.5 % of a core, the machine's host took 1.5 %"
        in in_words(found)
    )


def test_it_misses_by_its_freezes_or_by_its_rate() -> None:
    assert not holds(call(1.6), call(1.4), call(0.1))
    assert not holds(call(0.1, bps=490_000), call(0.1), call(0.1))
    assert holds(call(1.6), call(0.1), call(0.1))
