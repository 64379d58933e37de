"""How video looks over one leg. Pure, of arrays or single numbers.

The form is that of the packet-loss term of ITU-T G.1070; docs/quality.md has the constants.
"""

from typing import Final

import numpy as np

from sfu.plane import Column

BEST: Final = 4.5
UNREPAIRED_PCT: Final = 2.5
"""Loss that is never repaired and takes the score down to 1 + 3.5 ÷ e."""

REPAIRED_PCT: Final = 40.0
"""The same of loss that is repaired over a round trip of 0 ms; of 100 ms, half of it."""

FROZEN_PCT: Final = 10.0
"""The same of time in which the picture stands still."""


def opinion(lost: Column, unrepaired: Column, frozen: Column, rtt_ms: Column) -> Column:
    """The score, 1 to 4.5. ``lost`` and ``unrepaired`` are of all packets, ``frozen`` of the time,
    each 0 to 1."""
    repaired = np.maximum(lost - unrepaired, 0.0)
    harm = (
        100 * unrepaired / UNREPAIRED_PCT
        + 100 * repaired * (1 + rtt_ms / 100) / REPAIRED_PCT
        + 100 * frozen / FROZEN_PCT
    )
    seen: Column = 1 + (BEST - 1) * np.exp(-harm)
    return seen
