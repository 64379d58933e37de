"""What the plane does about RTCP from a participant. RTCP ends here; little of it is passed on."""

from typing import Final

from sfu.compiled import compiled_within
from sfu.plane.addresses import hear_from
from sfu.plane.answering import RELAYED, relay_feedback, send_remb
from sfu.plane.bucket import level_after
from sfu.plane.counters import Counter, DropReason
from sfu.plane.extended_reports import block_end, delays, first_block, is_reference_time
from sfu.plane.feedback import is_transport_feedback
from sfu.plane.forwarding import count_failure, place_for_new
from sfu.plane.keyframes import ask_for_keyframes, want_keyframe
from sfu.plane.layouts import ADDRESSES, OUTBOUND, Role
from sfu.plane.outgoing import can_send_to
from sfu.plane.pointers import unprotect_rtcp
from sfu.plane.reports import note_clock
from sfu.plane.resending import resend
from sfu.plane.rtcp import (
    BLOCK_DLSR,
    BLOCK_FRACTION_LOST,
    BLOCK_HIGHEST_SEQUENCE,
    BLOCK_JITTER,
    BLOCK_LSR,
    BLOCK_PACKETS_LOST,
    BLOCK_SSRC,
    EXTENDED_REPORT,
    FORMAT_NACK,
    GOODBYE,
    RECEIVER_REPORT,
    REPORT_BLOCK_LENGTH,
    REPORT_NTP_FRACTION,
    REPORT_NTP_SECONDS,
    REPORT_RTP_TIMESTAMP,
    REPORT_SSRC,
    SENDER_REPORT,
    TRANSPORT_FEEDBACK,
    fir_entries,
    fir_number,
    fir_ssrc,
    get32,
    is_cut_feedback,
    is_feedback,
    is_pli,
    is_remb,
    media_ssrc,
    ntp_middle,
    ntp_to_unix_ns,
    packet_count,
    packet_type,
    payload_end,
    read_receiver_report,
    read_report_block,
    read_sender_report,
    remb_bitrate_bps,
    round_trip_ns,
    sender_ssrc,
    step,
)
from sfu.plane.sources import admit_source, find_source, is_ours
from sfu.plane.tables import Tables
from sfu.rtp.media import Extension, TrackKind

_RELAYED_A_COMPOUND: Final = 16  # feedback packets; one compound must not become a flood
_FEEDBACK_S: Final = 200  # packets and requests of a participant; a browser sends some 20


@compiled_within
def receive_rtcp(t: Tables, place: int, at: int, end: int, arrival_ns: int, now_ns: int) -> None:
    """Take the compound RTCP from ``at`` to ``end`` of the data, from the address at ``place``."""
    slot = place // ADDRESSES
    record = t.slots[slot]
    data = t.data
    ssrc = sender_ssrc(data, at, end)
    if ssrc < 0:
        t.drops[DropReason.MALFORMED_RTCP] += 1
        return
    source_at = find_source(t, slot, ssrc)
    is_new = source_at < 0
    if is_new:  # a browser that sends no media reports under an SSRC that it never declared
        source_at = place_for_new(t, slot, ssrc, False, now_ns)
        if source_at < 0:
            return
    left = unprotect_rtcp(t, slot, at, end)
    if left < 0:
        count_failure(t, -left)
        return
    hear_from(t, slot, place % ADDRESSES)
    if is_new:
        admit_source(t, source_at, ssrc, -1, False, False)
    t.sources[source_at]["heard_ns"] = arrival_ns
    record["packets_in"] += 1
    record["octets_in"] += end - at
    end = at + left
    relayed = 0
    while at < end:
        behind = step(data, at, end)
        if behind < 0:
            t.drops[DropReason.MALFORMED_RTCP] += 1
            return
        relayed += _respond(t, slot, at, payload_end(data, at, behind), relayed, arrival_ns, now_ns)
        at = behind


@compiled_within
def _respond(
    t: Tables, slot: int, at: int, end: int, relayed: int, arrival_ns: int, now_ns: int
) -> int:
    """Take one RTCP packet; returns how many packets were made of it for the partner."""
    data = t.data
    kind = packet_type(data, at)
    if kind in (SENDER_REPORT, RECEIVER_REPORT):
        if kind == SENDER_REPORT:
            blocks = read_sender_report(data, at, end, t.report)
        else:
            blocks = read_receiver_report(data, at, end, t.report)
        if blocks < 0:
            t.drops[DropReason.MALFORMED_RTCP] += 1
            return 0
        if kind == SENDER_REPORT:
            _note_sender_report(t, slot, arrival_ns)
        _note_blocks(t, slot, blocks, packet_count(data, at), arrival_ns)
        return 0
    if is_cut_feedback(data, at, end):
        t.drops[DropReason.MALFORMED_RTCP] += 1
        return 0
    if is_transport_feedback(data, at, end):
        reason = DropReason.FEEDBACK_NOT_RELAYED.value
        if relayed < _RELAYED_A_COMPOUND and _may_respond(t, slot, now_ns):
            reason = relay_feedback(t, slot, data, at, end)
        if reason == RELAYED:
            return 1
        t.drops[reason] += 1
        return 0
    if is_feedback(data, at, end, TRANSPORT_FEEDBACK, FORMAT_NACK):
        place = _find_stream(t, slot, media_ssrc(data, at, end))
        if place >= 0 and can_send_to(t, slot):
            resend(t, slot, place, at, end, now_ns)
        else:
            t.drops[DropReason.FEEDBACK_NOT_RELAYED] += 1
        return 0
    if is_pli(data, at, end):
        if _may_respond(t, slot, now_ns):
            _ask_source(t, slot, media_ssrc(data, at, end), now_ns)
    elif is_remb(data, at, end):
        if relayed >= _RELAYED_A_COMPOUND or not _may_respond(t, slot, now_ns):
            t.drops[DropReason.FEEDBACK_NOT_RELAYED] += 1
        elif _relay_remb(t, slot, at):
            return 1
        else:
            t.drops[DropReason.REMB_SWALLOWED] += 1
    elif kind == EXTENDED_REPORT:
        _take_extended_report(t, slot, at, end, arrival_ns)
    elif kind == GOODBYE:
        t.drops[DropReason.BYE_IGNORED] += 1
    else:
        for entry in range(fir_entries(data, at, end)):
            if not _may_respond(t, slot, now_ns):
                break
            _take_intra_request(t, slot, at, end, entry, now_ns)
    return 0


@compiled_within
def _may_respond(t: Tables, slot: int, now_ns: int) -> bool:
    """Whether ``slot`` may have one more thing done that it asks for by RTCP."""
    record = t.slots[slot]
    full_ns = level_after(int(record["feedback_full_ns"]), now_ns, _FEEDBACK_S, _FEEDBACK_S)
    if full_ns < 0:
        t.counts[Counter.FEEDBACK_OVER_RATE] += 1
        return False
    record["feedback_full_ns"] = full_ns
    return True


@compiled_within
def _note_sender_report(t: Tables, slot: int, arrival_ns: int) -> None:
    """Keep the sender report in ``t.report``."""
    report = t.report
    place = find_source(t, slot, int(report[REPORT_SSRC]))
    if place < 0:
        return
    seconds = int(report[REPORT_NTP_SECONDS])
    fraction = int(report[REPORT_NTP_FRACTION])
    if seconds == 0 and fraction == 0:  # it has no clock, RFC 3550 section 6.4.1
        t.drops[DropReason.ABSURD_TIME] += 1
        return
    source = t.sources[place]
    source["report_ns"] = arrival_ns
    source["report_ntp_ns"] = ntp_to_unix_ns(seconds, fraction)
    source["report_middle"] = ntp_middle(seconds, fraction)
    source["report_timestamp"] = report[REPORT_RTP_TIMESTAMP]
    note_clock(t, slot, int(source["report_ntp_ns"]), arrival_ns)


@compiled_within
def _find_stream(t: Tables, slot: int, ssrc: int) -> int:
    """The place of the stream of that SSRC which is sent to ``slot``, or −1."""
    for place in range(slot * OUTBOUND, (slot + 1) * OUTBOUND):
        if ssrc >= 0 and t.streams[place]["ssrc"] == ssrc:
            return place
    return -1


@compiled_within
def _note_blocks(t: Tables, slot: int, at: int, count: int, arrival_ns: int) -> None:
    """Keep what the browser reports of the streams that it gets."""
    block = t.block
    for index in range(count):
        read_report_block(t.data, at + index * REPORT_BLOCK_LENGTH, block)
        place = _find_stream(t, slot, int(block[BLOCK_SSRC]))
        if place < 0:
            continue
        stream = t.streams[place]
        stream["reported_ns"] = arrival_ns
        stream["fraction_lost"] = block[BLOCK_FRACTION_LOST]
        stream["packets_lost"] = block[BLOCK_PACKETS_LOST]
        stream["reported_highest"] = block[BLOCK_HIGHEST_SEQUENCE]
        stream["reported_jitter"] = block[BLOCK_JITTER]
        stream["reported_gaps"] = stream["last"] - stream["packets"]
        _note_round_trip(t, slot, int(block[BLOCK_LSR]), int(block[BLOCK_DLSR]), arrival_ns)


@compiled_within
def _note_round_trip(t: Tables, slot: int, last: int, delay: int, arrival_ns: int) -> None:
    """Keep the round trip that a browser's answer to a report of ours shows, if it shows one."""
    if last == 0:  # it has had none
        return
    trip_ns = round_trip_ns(arrival_ns, last, delay)
    if trip_ns < 0:
        t.drops[DropReason.ABSURD_TIME] += 1
        return
    t.slots[slot]["round_trip_ns"] = trip_ns


@compiled_within
def _take_extended_report(t: Tables, slot: int, at: int, end: int, arrival_ns: int) -> None:
    """Keep a reference time until our next report, and the round trips that delays show."""
    data = t.data
    block = first_block(at)
    while block < end:
        behind = block_end(data, block, end)
        if behind < 0:
            t.drops[DropReason.MALFORMED_RTCP] += 1
            return
        if is_reference_time(data, block, behind):
            place = find_source(t, slot, sender_ssrc(data, at, end))
            if place >= 0:
                source = t.sources[place]
                source["reference_ns"] = arrival_ns
                source["reference_middle"] = ntp_middle(
                    get32(data, block + 4), get32(data, block + 8)
                )
        for index in range(delays(data, block, behind)):
            delay = block + 4 + 12 * index
            if is_ours(t, slot, get32(data, delay)):
                last = get32(data, delay + 4)
                _note_round_trip(t, slot, last, get32(data, delay + 8), arrival_ns)
        block = behind


@compiled_within
def _relay_remb(t: Tables, slot: int, at: int) -> bool:
    """Pass a receiver's estimate on to the sender, unless transport-wide feedback tells it more.

    That takes both ends. Where one lacks it the estimate is all that the sender hears of this hop.
    """
    partner = int(t.slots[slot]["partner"])
    if not can_send_to(t, partner):
        return False
    wide = Extension.TRANSPORT_WIDE_CC
    if t.slots[slot]["id_of"][wide] != 0 and t.slots[partner]["id_of"][wide] != 0:
        return False
    t.slots[partner]["remb_relayed"] = 1
    t.slots[partner]["remb_frees"] = 0
    t.counts[Counter.REMB_RELAYED] += 1
    send_remb(t, partner, remb_bitrate_bps(t.data, at))
    return True


@compiled_within
def _take_intra_request(t: Tables, slot: int, at: int, end: int, entry: int, now_ns: int) -> None:
    """Take one entry of the full intra request from ``at`` to ``end`` (RFC 5104 section 4.3.1)."""
    place = _find_stream(t, slot, fir_ssrc(t.data, at, entry))
    if place < 0:
        t.drops[DropReason.FEEDBACK_NOT_RELAYED] += 1
        return
    stream = t.streams[place]
    sender = sender_ssrc(t.data, at, end)
    number = fir_number(t.data, at, entry)
    if stream["fir_number"] == number and stream["fir_sender"] == sender:
        t.counts[Counter.KEYFRAME_REQUEST_REPEATED] += 1
        return
    stream["fir_number"] = number
    stream["fir_sender"] = sender
    _ask_source(t, slot, int(stream["ssrc"]), now_ns)


@compiled_within
def _ask_source(t: Tables, slot: int, ssrc: int, now_ns: int) -> None:
    """``slot`` wants a keyframe of the stream of that SSRC."""
    place = _find_stream(t, slot, ssrc)
    partner = int(t.slots[slot]["partner"])
    role = place % OUTBOUND
    has_keyframes = place >= 0 and role in (Role.VIDEO, Role.SCREEN)
    if partner < 0 or not has_keyframes:
        t.drops[DropReason.FEEDBACK_NOT_RELAYED] += 1
        return
    t.counts[Counter.KEYFRAME_REQUEST] += 1
    t.slots[slot]["keyframe_requests"] += 1
    kind = TrackKind.VIDEO.value if role == Role.VIDEO else TrackKind.SCREEN.value
    want_keyframe(t, partner, kind)
    ask_for_keyframes(t, partner, now_ns)
