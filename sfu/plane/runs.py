"""Which packets leave together: runs to one destination that ``UDP_SEGMENT`` may carry.

The kernel cuts one message into datagrams of one size, of which only the last may be smaller
(udp(7)). So a run ends behind a smaller packet, and before a larger one. Order to one destination
is kept; packets to different destinations change places.
"""

from typing import Final

from sfu.compiled import compiled
from sfu.plane.layouts import Integers, Records

MAX_RUN: Final = 65_000  # octets; an IPv4 datagram has at most 65 507, an IPv6 one 65 487


@compiled
def plan_runs(
    queue: Records, count: int, chains: Integers, order: Integers, ends: Integers, longest: int
) -> int:
    """Order the first ``count`` packets of ``queue`` and cut them into runs; how many there are.

    ``order`` becomes the places in ``queue`` in the order of sending; run ``i`` ends before
    ``ends[i]`` of it, and has at most ``longest`` packets. ``chains`` is −1 for every slot, and is
    that again afterwards.
    """
    for index in range(count):
        packet = queue[index]
        slot = int(packet["slot"])
        before = int(chains[slot])
        packet["leads"] = 1 if before < 0 else 0
        packet["next"] = -1
        if before >= 0:
            queue[before]["next"] = index
        chains[slot] = index
    placed = 0
    runs = 0
    for lead in range(count):
        if queue[lead]["leads"] == 0:
            continue
        chains[int(queue[lead]["slot"])] = -1
        begun = placed
        size = 0  # of every packet of the run but the last
        total = 0
        is_whole = True  # ended by a smaller packet
        remote = -1
        index = lead
        while index >= 0:
            packet = queue[index]
            length = int(packet["length"])
            joins = (
                not is_whole
                and length <= size
                and packet["remote"] == remote
                and placed - begun < longest
                and total + length <= MAX_RUN
            )
            if not joins:
                if placed > begun:
                    ends[runs] = placed
                    runs += 1
                begun = placed
                size = length
                total = 0
                remote = int(packet["remote"])
            total += length
            is_whole = length < size
            order[placed] = index
            placed += 1
            index = int(packet["next"])
        ends[runs] = placed
        runs += 1
    return runs
