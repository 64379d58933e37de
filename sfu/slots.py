"""The plane's places for connections, and the names by which the network finds them."""

import random
import string
from collections import deque
from dataclasses import dataclass

_DIGITS = string.digits + string.ascii_lowercase
_GENERATIONS = 36**2


def _two_digits(number: int) -> str:
    return _DIGITS[number // 36] + _DIGITS[number % 36]


def random_text(length: int, source: random.Random) -> str:
    """``length`` ice-chars (RFC 8839 section 5.4), lower case letters and digits only."""
    return "".join(source.choices(_DIGITS, k=length))


@dataclass(frozen=True)
class Slot:
    """A place that one connection holds from its join until the plane has let go of it."""

    number: int
    generation: int

    def ufrag(self, source: random.Random) -> str:
        """A username fragment that names this slot: number, generation, four at random.

        The plane finds the slot by the first two characters; the generation keeps the checks of
        an earlier connection out.
        """
        return _two_digits(self.number) + _two_digits(self.generation) + random_text(4, source)


class Slots:
    """Which slots are free. Pure."""

    def __init__(self, count: int) -> None:
        if not 0 < count <= 36**2:
            raise ValueError(f"a username fragment names up to {36**2} slots, not {count}")
        # The one free for longest is taken first, so that late packets find nobody.
        self._free = deque(Slot(number, 0) for number in range(count))
        self._taken: dict[int, Slot] = {}

    def take(self) -> Slot | None:
        """A free slot, or None when all are taken."""
        if not self._free:
            return None
        slot = self._free.popleft()
        self._taken[slot.number] = slot
        return slot

    def release(self, number: int) -> None:
        """Make a slot free again, under its next generation."""
        slot = self._taken.pop(number)
        self._free.append(Slot(number, (slot.generation + 1) % _GENERATIONS))

    @property
    def free(self) -> int:
        """How many can be taken."""
        return len(self._free)
