"""Sequence and transport-wide numbers: 16 bits on the wire, counted on without end inside.

Unwrapped, they begin at ``UNWRAPPED_FROM``, so that none is negative and 0 can mean "none".
"""

from typing import Final

from sfu.compiled import compiled

UNWRAPPED_FROM: Final = 1 << 16


@compiled
def unwrap_near(near: int, number: int) -> int:
    """The unwrapped number of a 16-bit one, within 32 768 of ``near``."""
    return near + ((number - near + 0x8000) & 0xFFFF) - 0x8000
