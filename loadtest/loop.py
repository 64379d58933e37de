"""Many virtual participants in one compiled loop: they send as a profile says, and receive.

Everything is stamped with CLOCK_REALTIME: sending just before the system call, receiving by the
kernel (``SO_TIMESTAMPNS``), so that the loop's own delays are not taken for the network's. One
``sendto`` a packet, no segmentation offload: as so many browsers would. What has come is collected
once in ``COLLECT_NS``, for to ask hundreds of sockets at each wake-up costs more than the packets.
"""

from typing import Final

import numpy as np

from loadtest.arrival_profile import Integers
from loadtest.packets import (
    NO_STAMP,
    Octets,
    asks_keyframe,
    begins_keyframe,
    find_stamp,
    stamped_ns,
    stamped_sender,
)
from loadtest.reception import account, ask_for, came_before, missing_before
from loadtest.reports import note_reports, send_report, take
from loadtest.sending import send_next
from loadtest.session_description import VP8
from loadtest.table import (
    BIN_NS,
    BINS,
    CONTROL_PACKETS,
    CUT_FROM_NS,
    CUT_UNTIL_NS,
    DUE_NS,
    EXPECT_FROM_NS,
    EXPECT_UNTIL_NS,
    FD,
    FIRST_KEYFRAME_NS,
    FROM_NS,
    INBOUND,
    KEYFRAME_ASKED,
    MIXED_UP,
    OVERFLOW,
    PARTNER,
    RECEIVED,
    REPORT_DUE_NS,
    REPORT_EVERY_NS,
    SENT,
    STOP_NS,
    UNPROTECT_FAILED,
    UNTIL_NS,
)
from sfu.compiled import compiled
from sfu.native import (
    CLOCK_REALTIME,
    CONTROL_SIZE,
    MSG_DONTWAIT,
    SRTP_OK,
    Records,
    clock_nanosleep,
    poll,
    read_clock,
    receive_overflow,
    receive_time,
    recvmmsg,
    reset_messages,
    srtp_protect,
    srtp_unprotect,
    srtp_unprotect_rtcp,
)

BATCH: Final = 32
COLLECT_NS: Final = 2_000_000

_ABSOLUTE: Final = 1  # TIMER_ABSTIME


@compiled
def _receive(
    rows: Integers,
    row: int,
    run: Integers,
    names_address: int,
    packet: Octets,
    packet_address: int,
    headers: Records,
    headers_address: int,
    data: Octets,
    data_address: int,
    stride: int,
    control: Integers,
    length: Integers,
    length_address: int,
    seen: Integers,
    latency: Integers,
    counts: Integers,
) -> None:
    """Take everything that waits for ``row``, and ask for video that is missing in it."""
    while True:
        reset_messages(headers, BATCH)
        received = recvmmsg(int(rows[row, FD]), headers_address, BATCH, MSG_DONTWAIT, 0)
        for index in range(received):
            at = index * stride
            size = int(headers[index]["length"])
            control_length = int(headers[index]["control_length"])
            overflow = receive_overflow(control, index * CONTROL_SIZE, control_length)
            rows[row, OVERFLOW] = max(int(rows[row, OVERFLOW]), overflow)
            first = int(np.int64(data[at]))
            second = int(np.int64(data[at + 1]))
            if size < 12 or first < 128 or first > 191 or 192 <= second <= 223:
                counts[CONTROL_PACKETS] += 1
                if size >= 12 and 128 <= first <= 191:
                    length[0] = size
                    inbound = int(rows[row, INBOUND])
                    if srtp_unprotect_rtcp(inbound, data_address + at, length_address) == SRTP_OK:
                        arrived_ns = receive_time(control, index * CONTROL_SIZE, control_length)
                        note_reports(rows, row, data, at, at + int(length[0]), arrived_ns)
                        if asks_keyframe(data, at, at + int(length[0])):
                            rows[row, KEYFRAME_ASKED] = 1
                continue
            length[0] = size
            if (
                srtp_unprotect(int(rows[row, INBOUND]), data_address + at, length_address)
                != SRTP_OK
            ):
                counts[UNPROTECT_FAILED] += 1
                continue
            stamp = find_stamp(data, at, at + int(length[0]))
            if stamp == NO_STAMP or stamped_sender(data, stamp) != rows[row, PARTNER]:
                counts[MIXED_UP] += 1
                continue
            sent_ns = stamped_ns(data, stamp)
            arrived_ns = receive_time(control, index * CONTROL_SIZE, control_length)
            kind = second & 0x7F
            take(rows, row, kind, data, at, arrived_ns)
            if sent_ns == 0 or came_before(rows, row, seen, kind, data, at, stamp, sent_ns):
                continue
            account(rows, row, kind, arrived_ns, sent_ns)
            if kind == VP8:
                if rows[row, FIRST_KEYFRAME_NS] == 0 and begins_keyframe(data, stamp):
                    rows[row, FIRST_KEYFRAME_NS] = arrived_ns
                missing = missing_before(rows, row, data, at)
                cut = rows[row, CUT_FROM_NS] <= arrived_ns < rows[row, CUT_UNTIL_NS]
                if missing > 0 and not cut:
                    ask_for(
                        rows,
                        row,
                        missing,
                        data,
                        at,
                        names_address,
                        packet,
                        packet_address,
                        length,
                        length_address,
                    )
            sender = int(rows[row, PARTNER])
            counts_there = rows[sender, EXPECT_FROM_NS] <= sent_ns < rows[sender, EXPECT_UNTIL_NS]
            if counts_there and run[FROM_NS] <= sent_ns < run[UNTIL_NS]:
                rows[row, RECEIVED] += 1
                taken = max((arrived_ns - sent_ns) // BIN_NS, 0)
                latency[min(taken, BINS - 1)] += 1
        if received < BATCH:
            return


@compiled
def protect(session: int, packet_address: int, length_address: int) -> int:
    """``srtp_protect`` for callers that are not compiled; what it returns."""
    return srtp_protect(session, packet_address, length_address)


@compiled
def _all_received(rows: Integers) -> bool:
    missing = 0
    for row in range(len(rows)):
        missing += rows[row, SENT] - rows[row, RECEIVED]
    return missing == 0


@compiled
def generate(
    rows: Integers,
    run: Integers,
    at_us: Integers,
    size: Integers,
    video: Integers,
    frame_end: Integers,
    keyframes: Integers,
    names: Octets,
    names_address: int,
    packet: Octets,
    packet_address: int,
    headers: Records,
    headers_address: int,
    data: Octets,
    data_address: int,
    stride: int,
    control: Integers,
    polled: Records,
    polled_address: int,
    clock: Records,
    clock_address: int,
    length: Integers,
    length_address: int,
    seen: Integers,
    late: Integers,
    latency: Integers,
    counts: Integers,
) -> None:
    """Send and receive for all ``rows``, until all has come or ``run[STOP_NS]``."""
    people = len(rows)
    collect_ns = 0
    while True:
        now = read_clock(clock, clock_address, CLOCK_REALTIME)
        if now >= run[STOP_NS]:
            return
        next_ns = collect_ns
        if now < run[UNTIL_NS]:
            for row in range(people):
                while rows[row, DUE_NS] <= now:
                    send_next(
                        rows,
                        row,
                        run,
                        at_us,
                        size,
                        video,
                        frame_end,
                        keyframes,
                        names,
                        names_address,
                        packet,
                        packet_address,
                        length,
                        length_address,
                        clock,
                        clock_address,
                        late,
                        counts,
                    )
                next_ns = min(next_ns, int(rows[row, DUE_NS]))
                if run[REPORT_EVERY_NS] > 0 and rows[row, REPORT_DUE_NS] <= now:
                    rows[row, REPORT_DUE_NS] = now + run[REPORT_EVERY_NS]
                    send_report(
                        rows,
                        row,
                        now,
                        names_address,
                        packet,
                        packet_address,
                        length,
                        length_address,
                    )
        elif _all_received(rows):
            return
        if now < collect_ns:
            clock[0]["seconds"] = next_ns // 1_000_000_000
            clock[0]["nanoseconds"] = next_ns % 1_000_000_000
            clock_nanosleep(CLOCK_REALTIME, _ABSOLUTE, clock_address, 0)
            continue
        collect_ns = now + COLLECT_NS
        if poll(polled_address, people, 0) > 0:
            for row in range(people):
                if polled[row]["happened"] != 0:
                    _receive(
                        rows,
                        row,
                        run,
                        names_address,
                        packet,
                        packet_address,
                        headers,
                        headers_address,
                        data,
                        data_address,
                        stride,
                        control,
                        length,
                        length_address,
                        seen,
                        latency,
                        counts,
                    )
