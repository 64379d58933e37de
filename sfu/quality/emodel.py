"""How speech sounds over one leg: the E-model (ITU-T G.107). Pure, of arrays or single numbers.

docs/quality.md has the formulas, where each constant comes from, and which are assumptions.
"""

from enum import Enum
from typing import Final

import numpy as np

from sfu.plane import Column

BEST_RATING: Final = 93.2
"""R of a connection that adds nothing: G.107 with its default values."""

LOSS_ROBUSTNESS: Final = 25.1
"""Bpl of G.711 with its own concealment (G.113 appendix I); G.113 has none for Opus."""

END_DELAY_MS: Final = 40.0
"""One frame of 20 ms each at the encoder and in the playout buffer."""

BUFFERED_JITTERS: Final = 2.0
LONGEST_BUFFER_MS: Final = 500.0
HALF_REPAIRED: Final = 0.5
"""What a frame that came back by in-band redundancy, at a lower bitrate, counts of a lost one."""


class Protection(Enum):
    """What stands behind lost audio packets."""

    NONE = "none"
    FEC = "fec"  # Opus in-band, RFC 6716 section 2.1.7
    RED = "red"  # a whole copy in the next packet, RFC 2198


def heard_loss(lost: Column, protection: Protection) -> Column:
    """The fraction of frames that are missing in the sound, of that of packets (both 0 to 1).

    A frame comes back from the next packet, unless that is lost, too.
    """
    match protection:
        case Protection.NONE:
            return lost
        case Protection.RED:
            return lost * lost
        case Protection.FEC:
            return lost * (lost + (1 - lost) * HALF_REPAIRED)


def rating(
    lost: Column, delay_ms: Column, jitter_ms: Column, protection: Protection = Protection.FEC
) -> Column:
    """R of a leg by its audio loss (0 to 1), its delay one way, and its interarrival jitter."""
    buffered_ms = np.minimum(BUFFERED_JITTERS * jitter_ms, LONGEST_BUFFER_MS)
    mouth_to_ear_ms = END_DELAY_MS + delay_ms + buffered_ms
    by_delay = 0.024 * mouth_to_ear_ms + 0.11 * np.maximum(mouth_to_ear_ms - 177.3, 0.0)
    loss_pct = 100 * heard_loss(lost, protection)
    by_equipment = 95 * loss_pct / (loss_pct + LOSS_ROBUSTNESS)
    rated: Column = np.maximum(BEST_RATING - by_delay - by_equipment, 0.0)
    return rated


def opinion(rated: Column) -> Column:
    """The mean opinion score, 1 to 4.5, of R (G.107 annex B)."""
    curve: Column = 1 + 0.035 * rated + rated * (rated - 60) * (100 - rated) * 7e-6
    bounded: Column = np.clip(curve, 1.0, 4.5)
    return bounded
