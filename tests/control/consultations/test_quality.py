"""How connections did, as consultations tell it: periods, sums, and who is to blame."""

from dataclasses import replace

import pytest

from control.consultations.quality import (
    Leg,
    Level,
    Period,
    Reason,
    Score,
    Timeline,
    summary,
    worst,
)

GOOD = Score(
    4.3,
    Level.EXCELLENT,
    expected=100,
    jitter_ms=2.0,
    video_jitter_ms=6.0,
    rtt_ms=40.0,
    bitrate_bps=1e6,
    packets=110,
    repaired=1,
    given_up=1,
    freezes=1,
    silent_s=0.02,
)
LOSSY = replace(
    GOOD,
    mos=3.5,
    level=Level.POOR,
    reasons=(Reason("loss", 6.0),),
    lost=6,
    jitter_ms=4.0,
    video_jitter_ms=16.0,
    rtt_ms=60.0,
    bitrate_bps=5e5,
    repaired=4,
    given_up=1,
    freezes=2,
    silent_s=0.4,
)


def test_the_leg_with_the_lowest_score_is_to_blame() -> None:
    assert worst({Leg.CLIENT_UP: GOOD, Leg.SPECIALIST_DOWN: LOSSY, Leg.NODE: GOOD}) is (
        Leg.SPECIALIST_DOWN
    )
    assert worst({}) is None


def test_both_sides_seconds_become_one_period_of_five() -> None:
    timeline = Timeline()
    found = []
    for second in range(11):
        at = 1000.0 + second
        for leg in (Leg.CLIENT_UP, Leg.SPECIALIST_UP):
            period = timeline.take({leg: GOOD}, at)
            if period is not None:
                found.append(period)
    assert [(each.at, each.duration_s) for each in found] == [(999.0, 5.0), (1004.0, 5.0)]
    assert all(each.legs.keys() == {Leg.CLIENT_UP, Leg.SPECIALIST_UP} for each in found)
    assert found[0].legs[Leg.CLIENT_UP].expected == 500
    rest = timeline.finish()
    assert rest is not None
    assert (rest.at, rest.duration_s) == (1009.0, 1.0)
    assert timeline.finish() is None


def test_a_period_has_as_many_seconds_of_both_sides_when_they_come_a_little_early_or_late() -> None:
    timeline = Timeline()
    found = []
    for second in range(31):
        early = 0.004 * (second % 3 - 1)
        for leg, late in ((Leg.CLIENT_UP, 0.0), (Leg.SPECIALIST_UP, 0.003)):
            period = timeline.take({leg: GOOD}, 1000.0 + second + early + late)
            if period is not None:
                found.append(period)
    assert len(found) == 6
    assert {score.expected for each in found for score in each.legs.values()} == {500}


def test_a_period_has_the_mean_score_and_the_words_of_its_worst_second() -> None:
    timeline = Timeline()
    for at, score in enumerate((GOOD, LOSSY, GOOD, GOOD)):
        timeline.take({Leg.CLIENT_DOWN: score}, 1000.0 + at)
    period = timeline.finish()
    assert period is not None
    assert period.to_json()["legs"] == {
        "client_down": {
            "mos": 4.1,
            "level": "poor",
            "reasons": [{"code": "loss", "value": 6.0}],
            "expected": 400,
            "lost": 6,
            "jitter_ms": 2.5,
            "video_jitter_ms": 8.5,
            "rtt_ms": 45.0,
            "bitrate_bps": 875_000,
            "packets": 440,
            "repaired": 7,
            "given_up": 4,
            "freezes": 5,
            "silent_s": 0.4,
        }
    }


def test_what_is_not_known_stays_unknown() -> None:
    timeline = Timeline()
    timeline.take({Leg.NODE: Score(4.39, Level.EXCELLENT)}, 1000.0)
    period = timeline.finish()
    assert period is not None
    told = period.to_json()["legs"]["node"]
    assert (told["jitter_ms"], told["rtt_ms"], told["bitrate_bps"]) == (None, None, None)
    assert (told["packets"], told["freezes"], told["silent_s"]) == (None, None, None)


def test_sums_weigh_periods_by_how_long_they_lasted_and_name_the_worst_leg() -> None:
    periods = [
        Period(1000.0, 5.0, {Leg.CLIENT_UP: GOOD, Leg.CLIENT_DOWN: GOOD}).to_json(),
        Period(1005.0, 5.0, {Leg.CLIENT_UP: GOOD, Leg.CLIENT_DOWN: LOSSY}).to_json(),
        Period(1010.0, 2.0, {Leg.CLIENT_UP: GOOD}).to_json(),
    ]
    told = summary(periods)
    assert told is not None
    assert told["legs"]["client_up"] == {
        "mos": 4.3,
        "least_mos": 4.3,
        "levels": {"excellent": 1.0, "good": 0.0, "poor": 0.0, "lost": 0.0},
        "loss_pct": 0.0,
    }
    assert told["legs"]["client_down"]["levels"]["poor"] == 0.5
    assert told["legs"]["client_down"]["loss_pct"] == 3.0
    assert told["verdict"] == {
        "leg": "client_down",
        "mos": pytest.approx(3.9),
        "level": "poor",
        "reasons": [{"code": "loss", "value": 6.0}],
    }


def test_an_outage_weighs_more_than_what_nobody_noticed() -> None:
    far = replace(GOOD, mos=4.25)
    gone = Score(1.0, Level.LOST, (Reason("silent", 8.0),))
    periods = [
        Period(1000.0 + 5 * n, 5.0, {Leg.CLIENT_UP: far, Leg.SPECIALIST_UP: each}).to_json()
        for n, each in enumerate([GOOD] * 200 + [gone] * 2)
    ]
    found = summary(periods)
    assert found is not None
    assert found["legs"]["specialist_up"]["mos"] > found["legs"]["client_up"]["mos"]
    assert found["verdict"]["leg"] == "specialist_up"
    assert found["verdict"]["reasons"] == [{"code": "silent", "value": 8.0}]


def test_nothing_measured_is_no_sum() -> None:
    assert summary([]) is None


def test_legs_that_differ_by_less_than_is_told_are_told_apart() -> None:
    def period(mos: float) -> dict[str, object]:
        legs = {Leg.CLIENT_DOWN: GOOD, Leg.SPECIALIST_UP: Score(mos, Level.EXCELLENT)}
        return Period(1000.0, 5.0, legs).to_json()

    found = summary([period(4.298), period(4.3), period(4.3)])
    assert found is not None
    assert found["verdict"]["leg"] == "specialist_up"
    assert found["legs"]["specialist_up"]["mos"] == found["legs"]["client_down"]["mos"] == 4.3
