"""Control comes up whatever happens to it at its start, and no world goes on for ever."""

from decimal import Decimal

import pytest

from control.consultations.commands import Accept
from control.consultations.parties import Party, Role, Terms
from control.consultations.policy import PLATFORM
from tests.simulation.agenda import BEGAN_AT, LONGEST_S, Agenda
from tests.simulation.checker import Checker
from tests.simulation.process import Process
from tests.simulation.rule import Broken


def test_control_that_finds_no_database_at_its_start_tries_again_every_second() -> None:
    agenda, checker = Agenda("1"), Checker(PLATFORM)
    process = Process(agenda, PLATFORM, checker)
    process.start()
    assert process.control is not None
    client, specialist = Party("c0", "C0"), Party("s0", "S0")
    terms = Terms(20, Decimal("40.00"), "EUR", True)
    assert process.control.request("k1", client, specialist, terms, online=True)
    process.control.command("s0", "k1", Accept)
    for role in Role:
        process.control.heard("k1", role, process.control.clock())
    process.end()
    process.away_until = agenda.now + 2.5
    process.start()
    tried: list[float] = []
    while process.control is None:
        agenda.pop()()
        tried.append(agenda.now - BEGAN_AT)
    assert tried == [1.0, 2.0, 3.0]
    assert agenda.faults["database away"] == 3
    assert process.control.open["k1"].interrupted_since == BEGAN_AT


def test_a_world_that_does_not_come_to_its_end_is_broken() -> None:
    agenda = Agenda("1")
    agenda.after(LONGEST_S, lambda: None)
    with pytest.raises(Broken, match="everything comes to an end"):
        agenda.pop()
