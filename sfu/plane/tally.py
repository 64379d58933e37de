"""What was sent with a transport-wide number, and what its receiver has told of it.

Pure compiled functions on the sizes of the packets sent, by number, and on an array of counts.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from sfu.compiled import compiled
from sfu.plane.feedback import HEADER_LENGTH, LONGEST_RUN
from sfu.plane.rtcp import Integers, Octets, get16

Sizes = npt.NDArray[np.uint16]

SENT: Final = 4096
"""How many packets sent with a transport-wide number are remembered by their size."""

IS_AUDIO: Final = 0x8000  # beside the octets of a packet sent
_TOLD_AS_LOST: Final = 0x4000  # and this, while its receiver has not told that it came late
_OCTETS: Final = 0x3FFF
_LATE: Final = 512  # how far back a number that was told as lost may still be told as received
WITHHELD: Final = 1  # in place of the octets: it came, but was not sent on (0: it never came)

# What feedback has told of packets sent: an int64 array, all zero at first
TOLD: Final = 0  # packets
TOLD_LOST: Final = 1
TOLD_OCTETS: Final = 2  # of those told as received
TOLD_AUDIO: Final = 3  # packets of audio
TOLD_AUDIO_LOST: Final = 4
TOLD_FIELDS: Final = 5


@compiled
def note_sent(sizes: Sizes, last: int, number: int, size: int) -> None:
    """Remember the size (``IS_AUDIO`` beside it) of the packet sent with an unwrapped number.

    ``last`` is the highest number sent before, 0 for none: those between were never sent.
    """
    for passed in range(max(last + 1, number - SENT), number):
        sizes[passed % SENT] = 0
    if number > last - SENT:
        sizes[number % SENT] = size


@compiled
def tally_feedback(
    data: Octets, at: int, base: int, first: int, last: int, sizes: Sizes, told: Integers
) -> bool:
    """Add to ``told`` what a feedback packet says of the numbers ``first`` to ``last`` (unwrapped).

    ``base`` is its first number, unwrapped; the packet is whole (``feedback_is_whole``). False,
    and nothing is added, when it tells as received a number that was never sent. What is before
    ``first`` was told of already: of that, a packet told as lost that came late is lost no more.
    """
    left = get16(data, at + 14)
    number = base
    chunk_at = at + HEADER_LENGTH
    first = max(first, last - SENT + 1)
    earliest = max(first - _LATE, last - SENT + 1)
    packets = audio = octets = lost = audio_lost = 0
    while left > 0 and number <= last:
        chunk = get16(data, chunk_at)
        chunk_at += 2
        width = 0
        span = chunk & LONGEST_RUN
        if chunk & 0x8000:
            width = 2 if chunk & 0x4000 else 1
            span = 14 // width
        span = min(span, left)
        for place in range(max(earliest - number, 0), min(span, last + 1 - number)):
            symbol = chunk >> 13
            if width != 0:
                symbol = (chunk >> (14 - width * (place + 1))) & (0x3 if width == 2 else 0x1)
            size = int(sizes[(number + place) % SENT])
            of_audio = 1 if size >= IS_AUDIO else 0
            if number + place < first:
                if symbol != 0 and size & _TOLD_AS_LOST:
                    sizes[(number + place) % SENT] = size & ~_TOLD_AS_LOST
                    octets += size & _OCTETS
                    lost -= 1
                    audio_lost -= of_audio
                continue
            if size <= WITHHELD:
                if symbol != 0:
                    return False
                continue
            packets += 1
            audio += of_audio
            if symbol != 0:
                sizes[(number + place) % SENT] = size & ~_TOLD_AS_LOST
                octets += size & _OCTETS
                continue
            sizes[(number + place) % SENT] = size | _TOLD_AS_LOST
            lost += 1
            audio_lost += of_audio
        number += span
        left -= span
    told[TOLD] += packets
    told[TOLD_AUDIO] += audio
    told[TOLD_OCTETS] += octets
    told[TOLD_LOST] += lost
    told[TOLD_AUDIO_LOST] += audio_lost
    return True
