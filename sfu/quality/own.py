"""What the node itself does to packets, scored like a leg. Pure."""

from collections import deque
from typing import Final, NamedTuple

import numpy as np

from sfu.api import LegScore, Reason, ReasonCode
from sfu.plane import Column, OwnCounts
from sfu.quality.emodel import Protection, opinion, rating
from sfu.quality.scores import RISE, level_of
from sfu.quality.window import SECONDS

LATE_FROM_S: Final = 0.05
"""A loop that is behind by less is being scheduled like any other program."""

LOSS_FROM_PCT: Final = 0.1


class _Second(NamedTuple):
    overflow: int
    came: float
    not_sent: int
    went: float
    late_s: float


class OwnScore:
    """Of one worker, over the same window as the legs."""

    def __init__(self) -> None:
        self._counted = OwnCounts()
        self._seconds: deque[_Second] = deque(maxlen=SECONDS)
        self._shown = _opinion(0.0, 0.0)

    def begin(self, counted: OwnCounts) -> None:
        """What was counted before nobody was connected is nobody's."""
        self._counted = counted

    def take(
        self, counted: OwnCounts, came: float, went: float, late_s: float, seconds: float
    ) -> tuple[LegScore, Column]:
        """The score after one more second, and the share of this second's packets that the node
        lost on their way in and out (0 to 1).

        ``came`` and ``went`` are the packets that it did not lose, ``late_s`` is the longest that
        its loop was behind.
        """
        overflow = max(counted.overflow - self._counted.overflow, 0)
        not_sent = max(counted.not_sent - self._counted.not_sent, 0)
        self._counted = counted
        self._seconds.append(_Second(overflow, came, not_sent, went, late_s))
        inwards = _share(
            sum(each.overflow for each in self._seconds), sum(each.came for each in self._seconds)
        )
        outwards = _share(
            sum(each.not_sent for each in self._seconds), sum(each.went for each in self._seconds)
        )
        late = max(each.late_s for each in self._seconds)
        late = late if late >= LATE_FROM_S else 0.0
        lost = 1 - (1 - inwards) * (1 - outwards)
        now = _opinion(lost, late)
        self._shown = np.minimum(now, self._shown + RISE * seconds)
        found = (
            (ReasonCode.OVERFLOW, 100 * inwards, LOSS_FROM_PCT),
            (ReasonCode.NOT_SENT, 100 * outwards, LOSS_FROM_PCT),
            (ReasonCode.LATE, 1000 * late, 1000 * LATE_FROM_S),
        )
        reasons = tuple(
            Reason(code, round(value, 1)) for code, value, least in found if value >= least
        )
        shown = float(self._shown[0])
        shares = np.array([_share(overflow, came), _share(not_sent, went)])
        return LegScore(round(shown, 3), level_of(shown), reasons), shares


def _opinion(lost: float, late_s: float) -> Column:
    no_jitter = np.zeros(1)
    return opinion(rating(np.array([lost]), np.array([1000 * late_s]), no_jitter, Protection.NONE))


def _share(lost: float, passed: float) -> float:
    return lost / (lost + passed) if lost > 0 else 0.0
