"""Ten thousand consultations in simulated time. Run longer: ``python -m tests.simulation``."""

import pytest

from control.consultations.states import EndReason
from tests.simulation.__main__ import worlds
from tests.simulation.ledger import Broken
from tests.simulation.tally import Tally
from tests.simulation.world import CONSULTATIONS, LEAST_FAULTY, LEAST_STEPS, run

SEED = 1
MANY = 10_000


@pytest.fixture(scope="module")
def tally() -> Tally:
    return worlds(SEED, 0, -(-MANY // CONSULTATIONS))


def test_ten_thousand_consultations_keep_the_rules_whatever_happens(tally: Tally) -> None:
    print(tally)
    assert tally.consultations >= MANY


def test_each_of_them_takes_twenty_steps_and_three_of_ten_are_disturbed(tally: Tally) -> None:
    assert min(tally.steps_each) >= LEAST_STEPS == 20
    assert min(tally.faulty_each) >= 100 * LEAST_FAULTY == 30


def test_every_end_and_every_fault_has_occurred(tally: Tally) -> None:
    ends = {*(f"ended: {reason.value}" for reason in EndReason), "declined", "expired", "cancelled"}
    assert set(tally.ends) == ends
    assert len(tally.faults) == 14
    assert len(tally.events) == 25


def test_the_same_seed_is_the_same_world() -> None:
    one, other = run("7.1"), run("7.1")
    assert one.checker.ledgers.keys() == other.checker.ledgers.keys()
    for id_, it in one.checker.ledgers.items():
        assert it.events == other.checker.ledgers[id_].events
        assert it.paid_s == other.checker.ledgers[id_].paid_s


def test_a_broken_rule_says_how_to_see_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("control.consultations.consultation.Change.numbered", lambda it, seq: it)
    with pytest.raises(Broken, match=r"python -m tests\.simulation --world 7\.1\n"):
        run("7.1")
