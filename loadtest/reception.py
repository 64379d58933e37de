"""What a participant makes of the media that comes: jitter, and requests for what is missing."""

from typing import Final

import numpy as np

from loadtest.arrival_profile import Integers
from loadtest.datagrams import send_rtcp
from loadtest.packets import Octets, get, original_number, write_nack
from loadtest.session_description import OPUS, RTX, VP8
from loadtest.table import (
    FIRST_PACKET_NS,
    HIGHEST,
    JITTER_SCALED,
    LAST_RECEIVED_NS,
    NACKED,
    RECOVERED,
    SEEN,
    TRANSIT_NS,
    VIDEO_SSRC,
)
from sfu.compiled import compiled

MAX_NACKED: Final = 17  # packets in one request; more are a burst that no repair catches up


@compiled
def account(rows: Integers, row: int, kind: int, arrived_ns: int, sent_ns: int) -> None:
    """When media came to ``row``, and its jitter by the audio, which no frame bunches."""
    rows[row, LAST_RECEIVED_NS] = arrived_ns
    if rows[row, FIRST_PACKET_NS] == 0:
        rows[row, FIRST_PACKET_NS] = arrived_ns
    if kind == RTX:
        rows[row, RECOVERED] += 1
    elif kind == OPUS:
        transit = arrived_ns - sent_ns
        if rows[row, TRANSIT_NS] != 0:
            difference = abs(transit - int(rows[row, TRANSIT_NS]))
            scaled = int(rows[row, JITTER_SCALED])
            rows[row, JITTER_SCALED] = scaled + difference - (scaled + 8) // 16
        rows[row, TRANSIT_NS] = transit


@compiled
def came_before(
    rows: Integers,
    row: int,
    seen: Integers,
    kind: int,
    data: Octets,
    at: int,
    stamp: int,
    sent_ns: int,
) -> bool:
    """Whether the packet came already, as itself or by a retransmission; noted if not.

    ``seen`` has the stamps of the latest video packets, at the places of their numbers. Of audio
    nothing is sent again, and what somebody else repeats SRTP refuses.
    """
    if kind == RTX:
        number = original_number(data, stamp)
    elif kind == VP8:
        number = get(data, at + 2, 2)
    else:
        return False
    if seen[row, number % SEEN] == sent_ns:
        return True
    seen[row, number % SEEN] = sent_ns
    return False


@compiled
def missing_before(rows: Integers, row: int, data: Octets, at: int) -> int:
    """How many video packets are missing before the one at ``at``."""
    sequence = (int(np.int64(data[at + 2])) << 8) | int(np.int64(data[at + 3]))
    highest = int(rows[row, HIGHEST])
    ahead = (sequence - highest) & 0xFFFF
    if highest >= 0 and ahead >= 0x8000:
        return 0  # late, or once more
    rows[row, HIGHEST] = sequence
    return ahead - 1 if highest >= 0 and 0 < ahead <= MAX_NACKED else 0


@compiled
def ask_for(
    rows: Integers,
    row: int,
    missing: int,
    data: Octets,
    at: int,
    names_address: int,
    packet: Octets,
    packet_address: int,
    length: Integers,
    length_address: int,
) -> None:
    """Ask once for the packets missing before the one at ``at``, as a browser does at once."""
    ssrc = get(data, at + 8, 4)
    first = (int(rows[row, HIGHEST]) - missing) & 0xFFFF
    length[0] = write_nack(packet, int(rows[row, VIDEO_SSRC]), ssrc, first, missing)
    if send_rtcp(rows, row, names_address, packet_address, length, length_address):
        rows[row, NACKED] += missing
