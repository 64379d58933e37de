"""When the packets of a browser came, by their transport-wide numbers.

Pure compiled functions on a ring of times, and an array of the numbers that matter beside it.
"""

from typing import Final

from sfu.compiled import compiled
from sfu.plane.rtcp import Integers
from sfu.plane.unwrapping import UNWRAPPED_FROM, unwrap_near

ARRIVALS: Final = 4096
"""How many arrivals are remembered, at 500 packets/s those of eight seconds."""

# The state beside the ring of arrivals: an int64 array, all zero at first
LATEST: Final = 0  # highest unwrapped number that came, 0 = none yet
NEXT: Final = 1  # unwrapped number to report next, 0 = none yet
OWNED_FROM: Final = 2  # the first unwrapped number that is ours to report
ARRIVAL_FIELDS: Final = 3


@compiled
def note_arrival(ring: Integers, state: Integers, number: int, arrival_ns: int) -> int:
    """Remember when the packet of a 16-bit transport-wide number came.

    Returns the unwrapped number; −1 when it is older than the ring or came before. One that
    comes after it was reported lost is reported again.
    """
    latest = int(state[LATEST])
    if latest == 0:
        ring[:] = 0
        latest = UNWRAPPED_FROM + (number & 0xFFFF)
        state[LATEST] = latest
        state[NEXT] = latest
        state[OWNED_FROM] = UNWRAPPED_FROM
        ring[latest % ARRIVALS] = arrival_ns
        return latest
    unwrapped = unwrap_near(latest, number)
    if unwrapped > latest:
        for passed in range(max(latest + 1, unwrapped - ARRIVALS), unwrapped):
            ring[passed % ARRIVALS] = 0
        state[LATEST] = unwrapped
    elif unwrapped <= latest - ARRIVALS or ring[unwrapped % ARRIVALS] != 0:
        return -1
    elif state[OWNED_FROM] <= unwrapped < state[NEXT]:
        state[NEXT] = unwrapped
    ring[unwrapped % ARRIVALS] = arrival_ns
    return unwrapped


@compiled
def restart_arrivals(ring: Integers, state: Integers, number: int, arrival_ns: int) -> int:
    """Begin anew at a 16-bit number that ``note_arrival`` did not take; its unwrapped number.

    That counts on from the latest, and what was not reported yet is forgotten.
    """
    behind = int(state[LATEST]) + 1
    unwrapped = behind + ((number - behind) & 0xFFFF)
    ring[:] = 0
    ring[unwrapped % ARRIVALS] = arrival_ns
    state[LATEST] = unwrapped
    state[NEXT] = unwrapped
    state[OWNED_FROM] = unwrapped
    return unwrapped


@compiled
def report_from(state: Integers, number: int) -> None:
    """Report from an unwrapped number on: what is before it is for someone else to tell."""
    if state[LATEST] != 0:
        state[NEXT] = max(number, UNWRAPPED_FROM)
        state[OWNED_FROM] = state[NEXT]
