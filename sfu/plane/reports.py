"""The compound RTCP report that each participant gets once a second (RFC 3550 section 6.4).

A sender report for each stream that is being sent, reception reports about what comes from the
participant, a CNAME, and extended reports for the round trip where sender reports give none. The
times of all the streams of one source participant are mapped by one clock offset, or the receiver's
lips and sound part ways. Streams of retransmissions have no sender reports: no browser reads them.
Who is sent nothing gets the rest all the same, from the SSRC of its slot.
"""

from typing import Final

from sfu.compiled import compiled_within
from sfu.plane.continuity import clock_rate, clock_ticks, time_ahead
from sfu.plane.counters import Counter, DropReason
from sfu.plane.extended_reports import add_delay, add_reference_time, write_extended_report
from sfu.plane.keyframes import media_role
from sfu.plane.layouts import INBOUND, OUTBOUND, TRACKS, Octets
from sfu.plane.outgoing import ROW_ROOM, can_send_to, control_row, flush, queue_control
from sfu.plane.reception import RECEIVED, fill_report_block
from sfu.plane.rtcp import (
    REPORT_NTP_FRACTION,
    REPORT_NTP_SECONDS,
    REPORT_OCTETS,
    REPORT_PACKETS,
    REPORT_RTP_TIMESTAMP,
    REPORT_SSRC,
    add_report_block,
    delay_since,
    ntp_fraction,
    ntp_seconds,
    write_cname,
    write_goodbye,
    write_receiver_report,
    write_sender_report,
)
from sfu.plane.sources import find_source
from sfu.plane.tables import Tables

_MOST_APART_S: Final = 10  # a report and the media it is about
_MASK32: Final = 0xFFFFFFFF
_CLOCK_STEP_NS: Final = 1_000_000_000  # beyond it the browser's clock was set
_DRIFT_PARTS: Final = 64


@compiled_within
def note_clock(t: Tables, slot: int, browser_ns: int, arrival_ns: int) -> None:
    """Measure the browser's clock by a sender report that said ``browser_ns``.

    The least offset is that of the report that was least delayed. It is let grow slowly, for
    clocks drift apart.
    """
    record = t.slots[slot]
    offset = arrival_ns - browser_ns
    known = int(record["clock_offset_ns"])
    is_new = record["clock_known"] == 0 or abs(offset - known) > _CLOCK_STEP_NS
    if is_new or offset < known:
        record["clock_offset_ns"] = offset
    else:
        record["clock_offset_ns"] = known + (offset - known) // _DRIFT_PARTS
    record["clock_known"] = 1


@compiled_within
def _write_stream_report(t: Tables, slot: int, kind: int, row: Octets, at: int, now_ns: int) -> int:
    """Write the sender report of one stream; ``at`` when there is nothing to say, or −1."""
    record = t.slots[slot]
    stream = t.streams[slot * OUTBOUND + media_role(kind)]
    partner = int(record["partner"])
    if partner < 0 or stream["packets"] == 0 or stream["epoch"] != record["epoch"]:
        return at
    source_at = find_source(t, partner, int(stream["source"]))
    if source_at < 0 or t.slots[partner]["clock_known"] == 0:
        return at
    source = t.sources[source_at]
    if source["report_ns"] == 0:
        return at
    # the source's report was true at this time of the node's clock
    true_ns = int(source["report_ntp_ns"]) + int(t.slots[partner]["clock_offset_ns"])
    passed_ns = now_ns - true_ns
    rate = clock_rate(kind)
    passed = clock_ticks(passed_ns, rate)
    timestamp = int(source["report_timestamp"]) + int(stream["time_shift"]) + passed
    # a report from before the source's clock was set, or of a clock that has nothing to do with
    # its media, would part lips and sound
    now = int(stream["time_last"]) + clock_ticks(now_ns - int(stream["time_last_ns"]), rate)
    if abs(time_ahead(timestamp, now)) > _MOST_APART_S * rate:
        t.drops[DropReason.ABSURD_TIME] += 1
        return at
    report = t.report
    report[REPORT_SSRC] = stream["ssrc"]
    report[REPORT_NTP_SECONDS] = ntp_seconds(now_ns)
    report[REPORT_NTP_FRACTION] = ntp_fraction(now_ns)
    report[REPORT_RTP_TIMESTAMP] = timestamp & _MASK32
    report[REPORT_PACKETS] = int(stream["packets"]) & _MASK32
    report[REPORT_OCTETS] = int(stream["octets"]) & _MASK32
    return write_sender_report(row, at, report)


@compiled_within
def _add_blocks(t: Tables, slot: int, row: Octets, at: int, behind: int, now_ns: int) -> int:
    """Append what was received from ``slot`` to the report just written; −1 without room."""
    for place in range(slot * INBOUND, (slot + 1) * INBOUND):
        source = t.sources[place]
        if source["ssrc"] < 0 or source["reception"][RECEIVED] == 0:
            continue
        lsr = 0
        dlsr = 0
        if source["report_ns"] != 0:
            lsr = int(source["report_middle"])
            dlsr = delay_since(int(source["report_ns"]), now_ns)
        fill_report_block(source["reception"], int(source["ssrc"]), lsr, dlsr, t.block)
        behind = add_report_block(row, at, behind, t.block)
        if behind < 0:
            return -1
    return behind


@compiled_within
def send_report(t: Tables, slot: int, now_ns: int) -> None:
    """Send ``slot`` its report."""
    record = t.slots[slot]
    if not can_send_to(t, slot) or record["media"] == 0:
        return
    ssrc = int(record["ssrc"])
    name_length = int(record["cname_length"])
    begin = control_row(t)
    row = t.rows[begin : begin + ROW_ROOM]
    length = 0
    reported = 0  # a bit for each kind
    for kind in range(TRACKS):
        at = length
        length = _write_stream_report(t, slot, kind, row, at, now_ns)
        if length > at:
            reported |= 1 << kind
        if at == 0 and length > 0:
            length = _add_blocks(t, slot, row, at, length, now_ns)
        if length < 0:
            return
    sends_media = reported != 0
    if not sends_media:
        length = write_receiver_report(row, 0, ssrc)
        length = _add_blocks(t, slot, row, 0, length, now_ns)
        if length > 0:
            length = write_cname(row, length, ssrc, record["cname"], name_length)
    for kind in range(TRACKS):
        if reported & (1 << kind) and length > 0:
            sent = int(t.streams[slot * OUTBOUND + media_role(kind)]["ssrc"])
            length = write_cname(row, length, sent, record["cname"], name_length)
    if length > 0:
        length = _add_extended(t, slot, row, length, sends_media, now_ns)
    if length > 0:
        queue_control(t, slot, length)


@compiled_within
def _add_extended(
    t: Tables, slot: int, row: Octets, length: int, sends_media: bool, now_ns: int
) -> int:
    """Append an extended report, if there is something to say; −1 without room.

    A browser that sends no media asks for its round trip, and hears of its last question once.
    Where we send none it is we who ask.
    """
    asks = False
    is_heard = False
    for place in range(slot * INBOUND, (slot + 1) * INBOUND):
        source = t.sources[place]
        if source["ssrc"] >= 0:
            asks = asks or source["reference_ns"] != 0
            is_heard = is_heard or source["reception"][RECEIVED] != 0
    if not asks and (sends_media or not is_heard):
        return length
    at = length
    length = write_extended_report(row, at, int(t.slots[slot]["ssrc"]))
    if length > 0 and is_heard and not sends_media:
        length = add_reference_time(row, at, length, now_ns)
    for place in range(slot * INBOUND, (slot + 1) * INBOUND):
        source = t.sources[place]
        if source["ssrc"] >= 0 and source["reference_ns"] != 0 and length > 0:
            delay = delay_since(int(source["reference_ns"]), now_ns)
            middle = int(source["reference_middle"])
            length = add_delay(row, at, length, int(source["ssrc"]), middle, delay)
            source["reference_ns"] = 0
    return length


@compiled_within
def send_goodbye(t: Tables, slot: int) -> None:
    """Tell ``slot`` that what we sent it has ended, and send what is queued.

    For a participant whom we let go. It is no end for the tracks of a page: browsers mute them.
    """
    record = t.slots[slot]
    if not can_send_to(t, slot) or record["media"] == 0:
        return
    ssrc = int(record["ssrc"])
    count = 0
    for place in range(slot * OUTBOUND, (slot + 1) * OUTBOUND):
        if t.streams[place]["ssrc"] >= 0:
            t.ssrcs[count] = t.streams[place]["ssrc"]
            count += 1
    if count == 0:
        t.ssrcs[0] = ssrc
        count = 1
    begin = control_row(t)
    row = t.rows[begin : begin + ROW_ROOM]
    # a compound begins with a report and has a CNAME, RFC 3550 section 6.1
    length = write_receiver_report(row, 0, ssrc)
    length = write_cname(row, length, ssrc, record["cname"], int(record["cname_length"]))
    length = write_goodbye(row, length, t.ssrcs, count)
    if length > 0 and queue_control(t, slot, length):
        t.counts[Counter.BYE_SENT] += 1
    flush(t)  # the address that it goes to is about to be forgotten


@compiled_within
def report_when_due(t: Tables, slot: int, now_ns: int) -> None:
    """The timer of this module for ``slot``."""
    record = t.slots[slot]
    interval_ns = int(t.state[0]["report_interval_ns"])
    due_ns = int(record["report_due_ns"])
    if now_ns < due_ns <= now_ns + interval_ns:
        return
    send_report(t, slot, now_ns)
    record["report_due_ns"] = now_ns + interval_ns
