"""A sample of the proof: two real calls, each with one leg impaired, held against the log."""

from benchmarks.calls.arrangement import arranged
from benchmarks.proof.calls import holding
from benchmarks.proof.conditions import LEGS, delay, loss
from benchmarks.proof.judgement import Case
from benchmarks.proof.trial import Trial

CLIENT_UP, SPECIALIST_DOWN = LEGS[0], LEGS[3]


def test_a_lossy_way_up_and_a_slow_way_down_are_measured_truly_and_named() -> None:
    told: list[Case] = []
    plans = [[(CLIENT_UP, loss(5))], [(SPECIALIST_DOWN, delay(150))]]
    with (
        arranged(proxied=True, lifetime_s=300, costly=False) as arrangement,
        holding(arrangement, len(plans)) as calls,
    ):
        trial = Trial(arrangement, calls, told.append, window_s=20.0, settle_s=6.0)
        cases = trial.run(plans)
    assert cases == told
    # what misses on a busy machine is repeated once
    last = {case.leg: case for case in cases}
    assert [case.misses for case in last.values()] == [[], []]
