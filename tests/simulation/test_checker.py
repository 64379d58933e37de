"""The checker itself, where a random world seldom looks."""

from decimal import Decimal

import pytest

from control.adapters.steady_clock import SteadyClock
from control.consultations.commands import Accept
from control.consultations.parties import Party, Role, Terms
from control.consultations.policy import PLATFORM
from tests.simulation.checker import Checker
from tests.simulation.shell import Control
from tests.simulation.store import Store

CLIENT, SPECIALIST, OTHER = Party("c0", "C0"), Party("s0", "S0"), Party("s1", "S1")
TERMS = Terms(20, Decimal("40.00"), "EUR", True)


class Scene:
    """One control whose time is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.store, self.checker = Store(), Checker(PLATFORM)
        clock = SteadyClock(lambda: self.now, lambda: self.now)
        self.control = Control(self.store, clock, PLATFORM, self.checker, lambda done: None)

    def session(self, silent: dict[Role, float]) -> None:
        """A session from 1000 on; each was heard until so many seconds after its start."""
        control = self.control
        assert control.request("k1", CLIENT, SPECIALIST, TERMS, online=True)
        control.command(SPECIALIST.id, "k1", Accept)
        for role in Role:
            control.heard("k1", role, self.now)
        for second in range(1, 16):
            self.now = 1000.0 + second
            for role in Role:
                if second <= silent[role]:
                    control.heard("k1", role, self.now)


@pytest.mark.parametrize(
    ("client", "specialist", "looked_at", "free"),
    [
        # Both vanished before the end, which therefore does not come.
        (5.0, 6.0, 30.0, False),
        # Too late for that: the session's time is over first.
        (15.0, 15.0, 18.5, False),
        (15.0, 15.0, 20.0, False),
        # The verdict on the specialist was overslept.
        (15.0, 2.0, 30.0, False),
        # It was not: the end by it counts before anybody has looked.
        (15.0, 3.0, 18.3, True),
        # One is away for less than that.
        (15.0, 8.0, 20.0, True),
    ],
)
def test_who_is_free_when_nobody_has_looked_at_the_clock(
    client: float, specialist: float, looked_at: float, free: bool
) -> None:
    scene = Scene()
    scene.session({Role.CLIENT: client, Role.SPECIALIST: specialist})
    scene.now = 1000.0 + looked_at
    assert scene.control.request("k2", CLIENT, OTHER, TERMS, online=True) is free
