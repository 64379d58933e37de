"""What is injected, one condition after the other, on one leg of a call. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from benchmarks.impairment.line import UNIMPAIRED, Direction, Impairment, Jitter


class Party(StrEnum):
    """Whose connection."""

    CLIENT = "client"
    SPECIALIST = "specialist"


@dataclass(frozen=True)
class Leg:
    """One direction of one party's connection, seen from the node; as the API names them."""

    party: Party
    direction: Direction

    @property
    def name(self) -> str:
        """``client_up`` and so on."""
        return f"{self.party}_{self.direction.name.lower()}"


LEGS: Final = tuple(Leg(party, direction) for party in Party for direction in Direction)


@dataclass(frozen=True)
class Condition:
    """An impairment by its name.

    Attributes:
        named: the verdict has to name the leg that has it; otherwise it is no impairment of a call,
            and nothing may be said of any leg.
    """

    name: str
    impairment: Impairment
    named: bool = True


HOLD_MS: Final = 20.0
"""A queue's length stays for about a packet of audio, or video between would hide its changes."""


def loss(percent: float) -> Condition:
    """Each packet by itself."""
    return Condition(f"loss {percent:g} %", Impairment(loss_pct=percent))


def jitter(ms: float) -> Condition:
    """Normally distributed delay, around three deviations so that it is not cut off at 0."""
    impairment = Impairment(
        delay_ms=3 * ms, jitter_ms=ms, jitter=Jitter.NORMAL, jitter_hold_ms=HOLD_MS
    )
    return Condition(f"jitter {ms:g} ms", impairment)


def delay(ms: float) -> Condition:
    """The same for each packet."""
    return Condition(f"delay {ms:g} ms", Impairment(delay_ms=ms))


NONE: Final = Condition("none", UNIMPAIRED, named=False)
REORDERED: Final = Condition("reordered 1 %", Impairment(reorder_pct=1.0), named=False)
DUPLICATED: Final = Condition("duplicated 1 %", Impairment(duplicate_pct=1.0), named=False)

# In an order in which none that is alike follows another, for each begins at once: the node knows
# a delay of one direction by its beginning.
CONDITIONS: Final = (
    NONE,
    loss(0.5),
    delay(50),
    loss(1),
    jitter(5),
    loss(2),
    delay(150),
    REORDERED,
    jitter(20),
    loss(5),
    delay(300),
    DUPLICATED,
    jitter(50),
    loss(10),
)
