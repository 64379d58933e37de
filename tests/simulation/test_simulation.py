"""Ten thousand consultations in simulated time. Run longer: ``python -m tests.simulation``."""

import pytest

from control.consultations.states import EndReason
from tests.simulation.__main__ import main
from tests.simulation.rule import Broken
from tests.simulation.runs import many
from tests.simulation.tally import LEAST_DISTURBED, LEAST_STEPS, Tally
from tests.simulation.world import run

SEED = 1
MANY = 10_000


@pytest.fixture(scope="module")
def tally() -> Tally:
    return many(SEED, MANY, processes=1)


def test_ten_thousand_consultations_keep_the_rules_whatever_happens(
    tally: Tally, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        print(f"\n{tally}")
    assert tally.consultations >= MANY


def test_before_its_end_each_takes_twenty_steps(tally: Tally) -> None:
    assert LEAST_STEPS == 20
    assert tally.short.total() == 0


def test_before_its_end_three_of_ten_steps_of_each_are_disturbed(tally: Tally) -> None:
    assert LEAST_DISTURBED == 30
    assert tally.smooth.total() == 0


def test_every_end_and_every_fault_has_occurred(tally: Tally) -> None:
    ends = {*(f"ended: {reason.value}" for reason in EndReason), "declined", "expired", "cancelled"}
    assert set(tally.ends) == ends
    assert len(tally.faults) == 16
    assert len(tally.events) == 25


def test_the_same_seed_is_the_same_world() -> None:
    one, other = run("7.1"), run("7.1")
    assert one.checker.ledgers.keys() == other.checker.ledgers.keys()
    for id_, it in one.checker.ledgers.items():
        assert it.events == other.checker.ledgers[id_].events
        assert it.bill.paid_s == other.checker.ledgers[id_].bill.paid_s


def test_the_command_says_how_long_it_took_and_fails_beyond_a_bound(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--world", "7.1", "--within", "600"]) == 0
    assert "took " in capsys.readouterr().out
    assert main(["--world", "7.1", "--within", "0"]) == 1
    assert "too slow" in capsys.readouterr().err


def test_a_broken_rule_says_how_to_see_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("control.consultations.consultation.Change.numbered", lambda it, seq: it)
    with pytest.raises(Broken, match=r"python -m tests\.simulation --world 7\.1\n"):
        run("7.1")
