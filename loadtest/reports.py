"""RTCP sender and receiver reports of a virtual participant (RFC 3550 section 6.4).

By them the node knows of its own way to the participant: loss, jitter, and round trips. Audio and
camera are reported on in one compound, each under the SSRC of what the participant sends itself.
"""

from typing import Final

from loadtest.arrival_profile import Integers
from loadtest.datagrams import send_rtcp
from loadtest.packets import Octets, get, put
from loadtest.session_description import OPUS, VP8
from loadtest.table import (
    AUDIO_SSRC,
    CUT_FROM_NS,
    CUT_UNTIL_NS,
    IN,
    IN_EXPECTED_BEFORE,
    IN_FIELDS,
    IN_FIRST,
    IN_HIGHEST,
    IN_JITTER_SCALED,
    IN_PACKETS,
    IN_PACKETS_BEFORE,
    IN_REPORT_MIDDLE,
    IN_REPORT_NS,
    IN_SSRC,
    IN_TRANSIT,
    OUT,
    OUT_AT_NS,
    OUT_FIELDS,
    OUT_OCTETS,
    OUT_PACKETS,
    OUT_TIMESTAMP,
    VIDEO_SSRC,
)
from sfu.compiled import compiled

REPORT_EVERY_S: Final = 1.0
AUDIO_HZ: Final = 48_000
VIDEO_HZ: Final = 90_000

_SENDER_REPORT: Final = 200
_RECEIVER_REPORT: Final = 201
_TO_1900_S: Final = 2_208_988_800  # from NTP's epoch to Unix's
_MOST_LOST: Final = 0x7FFFFF


@compiled
def take(rows: Integers, row: int, kind: int, data: Octets, at: int, arrived_ns: int) -> None:
    """Count the RTP packet at ``at`` for the next report (appendices A.1 and A.8)."""
    if kind == OPUS:
        place, hz = IN, AUDIO_HZ
    elif kind == VP8:
        place, hz = IN + IN_FIELDS, VIDEO_HZ
    else:
        return
    sequence, timestamp, ssrc = get(data, at + 2, 2), get(data, at + 4, 4), get(data, at + 8, 4)
    # microseconds, for nanoseconds times a clock rate do not fit
    transit = arrived_ns // 1000 * (hz // 1000) // 1000 - timestamp
    if rows[row, place + IN_HIGHEST] < 0 or rows[row, place + IN_SSRC] != ssrc:
        for field in range(IN_FIELDS):
            rows[row, place + field] = 0
        rows[row, place + IN_SSRC] = ssrc
        rows[row, place + IN_FIRST] = sequence
        rows[row, place + IN_HIGHEST] = sequence
    else:
        highest = int(rows[row, place + IN_HIGHEST])
        ahead = ((sequence - highest + 0x8000) & 0xFFFF) - 0x8000
        rows[row, place + IN_HIGHEST] = max(highest, highest + ahead)
        difference = transit - int(rows[row, place + IN_TRANSIT])
        difference = abs(((difference + (1 << 31)) & 0xFFFFFFFF) - (1 << 31))
        scaled = int(rows[row, place + IN_JITTER_SCALED])
        rows[row, place + IN_JITTER_SCALED] = scaled + difference - (scaled + 8) // 16
    rows[row, place + IN_TRANSIT] = transit
    rows[row, place + IN_PACKETS] += 1


@compiled
def note_reports(
    rows: Integers, row: int, data: Octets, at: int, end: int, arrived_ns: int
) -> None:
    """Keep what has to be said back of the sender reports in the RTCP of these octets."""
    while end - at >= 8:
        if get(data, at + 1, 1) == _SENDER_REPORT and end - at >= 28:
            ssrc = get(data, at + 4, 4)
            for place in (IN, IN + IN_FIELDS):
                if rows[row, place + IN_SSRC] == ssrc and rows[row, place + IN_HIGHEST] >= 0:
                    rows[row, place + IN_REPORT_MIDDLE] = get(data, at + 10, 4)
                    rows[row, place + IN_REPORT_NS] = arrived_ns
        at += 4 + 4 * get(data, at + 2, 2)


@compiled
def write_reports(rows: Integers, row: int, data: Octets, now_ns: int) -> int:
    """Write both reports at the start of ``data``; the size, 0 when there is nothing to say."""
    end = 0
    for media in range(2):
        out, into = OUT + media * OUT_FIELDS, IN + media * IN_FIELDS
        sends = rows[row, out + OUT_PACKETS] > 0
        hears = rows[row, into + IN_HIGHEST] >= 0
        if not (sends or hears):
            continue
        begin = end
        data[begin] = 0x80 | (1 if hears else 0)
        data[begin + 1] = _SENDER_REPORT if sends else _RECEIVER_REPORT
        end = put(data, begin + 4, int(rows[row, AUDIO_SSRC if media == 0 else VIDEO_SSRC]), 4)
        if sends:
            ticks_a_ms = (AUDIO_HZ if media == 0 else VIDEO_HZ) // 1000
            since_us = (now_ns - int(rows[row, out + OUT_AT_NS])) // 1000
            timestamp = int(rows[row, out + OUT_TIMESTAMP]) + since_us * ticks_a_ms // 1000
            end = put(data, end, now_ns // 1_000_000_000 + _TO_1900_S, 4)
            end = put(data, end, (now_ns % 1_000_000_000 << 32) // 1_000_000_000, 4)
            end = put(data, end, timestamp & 0xFFFFFFFF, 4)
            end = put(data, end, int(rows[row, out + OUT_PACKETS]) & 0xFFFFFFFF, 4)
            end = put(data, end, int(rows[row, out + OUT_OCTETS]) & 0xFFFFFFFF, 4)
        if hears:
            end = _write_block(rows, row, into, data, end, now_ns)
        put(data, begin + 2, (end - begin) // 4 - 1, 2)
    return end


@compiled
def _write_block(rows: Integers, row: int, into: int, data: Octets, at: int, now_ns: int) -> int:
    """A report block on what came, and begin to count for the next (appendix A.3)."""
    highest, packets = int(rows[row, into + IN_HIGHEST]), int(rows[row, into + IN_PACKETS])
    expected = highest - int(rows[row, into + IN_FIRST]) + 1
    expected_now = expected - int(rows[row, into + IN_EXPECTED_BEFORE])
    lost_now = expected_now - (packets - int(rows[row, into + IN_PACKETS_BEFORE]))
    rows[row, into + IN_EXPECTED_BEFORE] = expected
    rows[row, into + IN_PACKETS_BEFORE] = packets
    fraction = 0
    if expected_now > 0 and lost_now > 0:
        fraction = min(255, (lost_now << 8) // expected_now)
    lost = max(-_MOST_LOST - 1, min(expected - packets, _MOST_LOST))
    since_ns = now_ns - int(rows[row, into + IN_REPORT_NS])
    heard = rows[row, into + IN_REPORT_NS] != 0
    at = put(data, at, int(rows[row, into + IN_SSRC]), 4)
    at = put(data, at, fraction, 1)
    at = put(data, at, lost & 0xFFFFFF, 3)
    at = put(data, at, highest & 0xFFFFFFFF, 4)
    at = put(data, at, int(rows[row, into + IN_JITTER_SCALED]) // 16, 4)
    at = put(data, at, int(rows[row, into + IN_REPORT_MIDDLE]), 4)
    return put(data, at, (since_ns << 16) // 1_000_000_000 if heard else 0, 4)


@compiled
def send_report(
    rows: Integers,
    row: int,
    now_ns: int,
    names_address: int,
    packet: Octets,
    packet_address: int,
    length: Integers,
    length_address: int,
) -> None:
    """Send the reports of ``row``, unless its line is cut."""
    if rows[row, CUT_FROM_NS] <= now_ns < rows[row, CUT_UNTIL_NS]:
        return
    length[0] = write_reports(rows, row, packet, now_ns)
    if length[0] > 0:
        send_rtcp(rows, row, names_address, packet_address, length, length_address)
