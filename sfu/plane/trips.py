"""How long the way to a participant and back is taken to be where something waits for it."""

from typing import Final

from sfu.compiled import compiled_within
from sfu.plane.tables import Tables

_UNKNOWN_NS: Final = 100_000_000
_LONGEST_NS: Final = 1_000_000_000


@compiled_within
def likely_trip_ns(t: Tables, slot: int) -> int:
    """The round trip of ``slot`` by its last report; 0.1 s while none is known, 1 s at most.

    What claims to be longer is a report that was held up, or a call beyond help.
    """
    trip_ns = int(t.slots[slot]["round_trip_ns"])
    return min(trip_ns, _LONGEST_NS) if trip_ns >= 0 else _UNKNOWN_NS
