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
    write_packet,
)
from loadtest.reception import account, ask_for, missing_before
from loadtest.session_description import VP8
from loadtest.table import (
    AUDIO_SEQUENCE,
    AUDIO_SSRC,
    BACK_NS,
    CONTROL_PACKETS,
    CUT_FROM_NS,
    CUT_UNTIL_NS,
    DUE_NS,
    EXPECT_FROM_NS,
    EXPECT_UNTIL_NS,
    FD,
    FIRST_KEYFRAME_NS,
    FRAME_STARTS,
    FROM_NS,
    INBOUND,
    KEYFRAME,
    KEYFRAME_ASKED,
    LAST_SENT_NS,
    MIDS_LEFT,
    MIXED_UP,
    OUTBOUND,
    OVERFLOW,
    PARTNER,
    PERIOD_NS,
    PICTURE,
    PLACE,
    PROTECT_FAILED,
    RECEIVED,
    ROUND_NS,
    SEND_FAILED,
    SENT,
    STOP_NS,
    TRAILER,
    TRANSPORT_NUMBER,
    UNPROTECT_FAILED,
    UNTIL_NS,
    VIDEO_SEQUENCE,
    VIDEO_SSRC,
    VIDEO_TIMESTAMP,
)
from sfu.compiled import compiled
from sfu.native import (
    ADDRESS_SIZE,
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
    sendto,
    srtp_protect,
    srtp_unprotect,
    srtp_unprotect_rtcp,
)

BIN_NS: Final = 10_000
BINS: Final = 50_000  # the last holds everything later
BATCH: Final = 32
COLLECT_NS: Final = 2_000_000
KEYFRAME_EVERY: Final = 30  # pictures

_ABSOLUTE: Final = 1  # TIMER_ABSTIME


@compiled
def _send_next(
    rows: Integers,
    row: int,
    run: Integers,
    at_us: Integers,
    size: Integers,
    video: Integers,
    frame_end: Integers,
    names: Octets,
    names_address: int,
    packet: Octets,
    packet_address: int,
    length: Integers,
    length_address: int,
    clock: Records,
    clock_address: int,
    late: Integers,
    counts: Integers,
) -> None:
    """Send the packet that is due from ``row``, unless cut, and find out when the next is."""
    place = int(rows[row, PLACE])
    is_video = video[place] != 0
    now = read_clock(clock, clock_address, CLOCK_REALTIME)
    if is_video:
        frame_starts = rows[row, FRAME_STARTS] != 0
        if frame_starts:
            rows[row, VIDEO_TIMESTAMP] = (now // 1000 * 9 // 100) & 0xFFFFFFFF
            keyframe = rows[row, PICTURE] % KEYFRAME_EVERY == 0 or rows[row, KEYFRAME_ASKED] != 0
            rows[row, KEYFRAME] = keyframe
            if keyframe:
                rows[row, KEYFRAME_ASKED] = 0
            rows[row, PICTURE] += 1
        sequence = int(rows[row, VIDEO_SEQUENCE])
        rows[row, VIDEO_SEQUENCE] = (sequence + 1) & 0xFFFF
        ssrc = int(rows[row, VIDEO_SSRC])
        timestamp = int(rows[row, VIDEO_TIMESTAMP])
        rows[row, FRAME_STARTS] = frame_end[place]
    else:
        frame_starts = False
        sequence = int(rows[row, AUDIO_SEQUENCE])
        rows[row, AUDIO_SEQUENCE] = (sequence + 1) & 0xFFFF
        ssrc = int(rows[row, AUDIO_SSRC])
        timestamp = (sequence * 960) & 0xFFFFFFFF
    number = int(rows[row, TRANSPORT_NUMBER])
    rows[row, TRANSPORT_NUMBER] = (number + 1) & 0xFFFF
    with_mid = rows[row, MIDS_LEFT] > 0
    if with_mid:
        rows[row, MIDS_LEFT] -= 1
    plain = int(size[place]) - int(run[TRAILER])
    cut = rows[row, CUT_FROM_NS] <= now < rows[row, CUT_UNTIL_NS]
    write_packet(
        packet,
        plain,
        is_video,
        frame_starts,
        frame_end[place] != 0,
        rows[row, KEYFRAME] != 0,
        with_mid,
        sequence,
        timestamp,
        ssrc,
        number,
        int(rows[row, PICTURE]) - 1,
        row,
        now,
    )
    length[0] = plain  # read as int32: little-endian
    if srtp_protect(int(rows[row, OUTBOUND]), packet_address, length_address) != SRTP_OK:
        counts[PROTECT_FAILED] += 1
    elif not cut and (
        sendto(
            int(rows[row, FD]),
            packet_address,
            int(length[0]),
            MSG_DONTWAIT,
            names_address + row * ADDRESS_SIZE,
            16,  # of a sockaddr_in
        )
        < 0
    ):
        counts[SEND_FAILED] += 1
    if not cut:
        if rows[row, LAST_SENT_NS] < rows[row, CUT_UNTIL_NS] <= now:
            rows[row, BACK_NS] = now
        rows[row, LAST_SENT_NS] = now
    if run[FROM_NS] <= now < run[UNTIL_NS] and not cut:
        if rows[row, EXPECT_FROM_NS] <= now < rows[row, EXPECT_UNTIL_NS]:
            rows[row, SENT] += 1
        late[min((now - int(rows[row, DUE_NS])) // BIN_NS, BINS - 1)] += 1
    place += 1
    if place == at_us.size:
        place = 0
        rows[row, ROUND_NS] += run[PERIOD_NS]
    rows[row, PLACE] = place
    rows[row, DUE_NS] = rows[row, ROUND_NS] + at_us[place] * 1000


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
                    if srtp_unprotect_rtcp(
                        inbound, data_address + at, length_address
                    ) == SRTP_OK and asks_keyframe(data, at, at + int(length[0])):
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
                    _send_next(
                        rows,
                        row,
                        run,
                        at_us,
                        size,
                        video,
                        frame_end,
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
                        latency,
                        counts,
                    )
