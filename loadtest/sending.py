"""The next packet of a virtual participant: when it goes, and what is in it.

A profile says when and how much. In a conversation (``run[TURN_NS]``) the two of a call speak by
turns, and who is silent sends as Opus does with DTX: a packet every 400 ms, while the timestamps
run on. A keyframe that is asked for is as large as the profile's (``run[BURST]``).
"""

from typing import Final

from loadtest.arrival_profile import VIDEO_GAP_US, Integers
from loadtest.datagrams import send_datagram
from loadtest.packets import Octets, be_silent, begin_talk, write_packet
from loadtest.table import (
    AUDIO_SEQUENCE,
    AUDIO_SLOT,
    AUDIO_SSRC,
    BACK_NS,
    BIN_NS,
    BINS,
    BURST,
    BURST_SIZE,
    COMFORT_SLOT,
    CUT_FROM_NS,
    CUT_UNTIL_NS,
    DUE_NS,
    EXPECT_FROM_NS,
    EXPECT_UNTIL_NS,
    EXTRA,
    FRAME_STARTS,
    FROM_NS,
    KEYFRAME,
    KEYFRAME_ASKED,
    LAST_SENT_NS,
    MIDS_LEFT,
    OUT,
    OUT_AT_NS,
    OUT_FIELDS,
    OUT_OCTETS,
    OUT_PACKETS,
    OUT_TIMESTAMP,
    OUTBOUND,
    PERIOD_NS,
    PICTURE,
    PLACE,
    PROTECT_FAILED,
    ROUND_NS,
    SEND_FAILED,
    SENT,
    SILENT,
    TRAILER,
    TRANSPORT_NUMBER,
    TURN_FROM_NS,
    TURN_NS,
    UNTIL_NS,
    VIDEO_SEQUENCE,
    VIDEO_SSRC,
    VIDEO_TIMESTAMP,
)
from sfu.compiled import compiled
from sfu.native import (
    CLOCK_REALTIME,
    SRTP_OK,
    Records,
    read_clock,
    srtp_protect,
)

SLOT_TICKS: Final = 960  # of Opus's RTP clock, RFC 7587 section 4.1: 20 ms
COMFORT_SLOTS: Final = 20  # 400 ms, RFC 7587 section 3.1.3
COMFORT_SIZE: Final = 80  # with the SRTP trailer; the generator's stamp is most of it


@compiled
def _is_kept_silent(rows: Integers, row: int, turn_ns: int, now: int) -> bool:
    """Whether the audio of this slot is not sent; whose turn it is is noted."""
    slot = int(rows[row, AUDIO_SLOT])
    turn = (now - int(rows[row, TURN_FROM_NS])) // turn_ns
    if turn % 2 == 0:
        return False
    if rows[row, SILENT] == 0:
        rows[row, SILENT] = 1
    elif slot - rows[row, COMFORT_SLOT] < COMFORT_SLOTS:
        return True
    rows[row, COMFORT_SLOT] = slot
    return False


@compiled
def _missing_for(place: int, wanted: int, video: Integers, frame_end: Integers) -> int:
    """How many packets the frame that begins at ``place`` has less than ``wanted``."""
    has = 0
    for _ in range(video.size):
        if video[place] != 0:
            has += 1
            if frame_end[place] != 0:
                break
        place = (place + 1) % video.size
    return max(0, wanted - has)


@compiled
def _go_on(rows: Integers, row: int, run: Integers, place: int, at_us: Integers) -> None:
    """To the profile's next packet, which goes no sooner than the one before."""
    place += 1
    if place == at_us.size:
        place = 0
        rows[row, ROUND_NS] += run[PERIOD_NS]
    rows[row, PLACE] = place
    rows[row, DUE_NS] = max(int(rows[row, ROUND_NS] + at_us[place] * 1000), int(rows[row, DUE_NS]))


@compiled
def send_next(
    rows: Integers,
    row: int,
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
    ends = frame_end[place] != 0
    octets = int(size[place])
    extra = talk_begins = silent = False
    now = read_clock(clock, clock_address, CLOCK_REALTIME)
    if is_video:
        frame_starts = rows[row, FRAME_STARTS] != 0
        if frame_starts:
            rows[row, VIDEO_TIMESTAMP] = (now // 1000 * 9 // 100) & 0xFFFFFFFF
            rows[row, KEYFRAME] = keyframes[place]
            if rows[row, KEYFRAME_ASKED] != 0:
                rows[row, KEYFRAME_ASKED] = 0
                rows[row, KEYFRAME] = 1
                rows[row, EXTRA] = _missing_for(place, int(run[BURST]), video, frame_end)
            rows[row, PICTURE] += 1
        sequence = int(rows[row, VIDEO_SEQUENCE])
        rows[row, VIDEO_SEQUENCE] = (sequence + 1) & 0xFFFF
        ssrc = int(rows[row, VIDEO_SSRC])
        timestamp = int(rows[row, VIDEO_TIMESTAMP])
        extra = rows[row, EXTRA] > 0
        if extra:
            rows[row, EXTRA] -= 1
            ends = False
            octets = int(run[BURST_SIZE])
        rows[row, FRAME_STARTS] = ends
    else:
        frame_starts = False
        rows[row, AUDIO_SLOT] += 1
        if run[TURN_NS] > 0:
            if _is_kept_silent(rows, row, int(run[TURN_NS]), now):
                _go_on(rows, row, run, place, at_us)
                return
            silent = rows[row, COMFORT_SLOT] == rows[row, AUDIO_SLOT]
            talk_begins = rows[row, SILENT] != 0 and not silent
            if talk_begins:
                rows[row, SILENT] = 0
            if silent:
                octets = COMFORT_SIZE
        sequence = int(rows[row, AUDIO_SEQUENCE])
        rows[row, AUDIO_SEQUENCE] = (sequence + 1) & 0xFFFF
        ssrc = int(rows[row, AUDIO_SSRC])
        timestamp = (int(rows[row, AUDIO_SLOT]) * SLOT_TICKS) & 0xFFFFFFFF
    number = int(rows[row, TRANSPORT_NUMBER])
    rows[row, TRANSPORT_NUMBER] = (number + 1) & 0xFFFF
    with_mid = rows[row, MIDS_LEFT] > 0
    if with_mid:
        rows[row, MIDS_LEFT] -= 1
    plain = octets - int(run[TRAILER])
    cut = rows[row, CUT_FROM_NS] <= now < rows[row, CUT_UNTIL_NS]
    write_packet(
        packet,
        plain,
        is_video,
        frame_starts,
        ends,
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
    if talk_begins:
        begin_talk(packet)
    if silent:
        be_silent(packet)
    out = OUT + OUT_FIELDS if is_video else OUT
    rows[row, out + OUT_PACKETS] += 1
    rows[row, out + OUT_OCTETS] += plain - 12
    rows[row, out + OUT_TIMESTAMP] = timestamp
    rows[row, out + OUT_AT_NS] = now
    length[0] = plain  # read as int32: little-endian
    if srtp_protect(int(rows[row, OUTBOUND]), packet_address, length_address) != SRTP_OK:
        counts[PROTECT_FAILED] += 1
    elif not cut and not send_datagram(rows, row, names_address, packet_address, int(length[0])):
        counts[SEND_FAILED] += 1
    if not cut:
        if rows[row, LAST_SENT_NS] < rows[row, CUT_UNTIL_NS] <= now:
            rows[row, BACK_NS] = now
        rows[row, LAST_SENT_NS] = now
    if run[FROM_NS] <= now < run[UNTIL_NS] and not cut:
        if rows[row, EXPECT_FROM_NS] <= now < rows[row, EXPECT_UNTIL_NS]:
            rows[row, SENT] += 1
        late[min((now - int(rows[row, DUE_NS])) // BIN_NS, BINS - 1)] += 1
    if extra:
        rows[row, DUE_NS] += VIDEO_GAP_US * 1000
    else:
        _go_on(rows, row, run, place, at_us)
