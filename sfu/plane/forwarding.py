"""One RTP packet from a participant to the partner: authenticated, measured, rewritten, queued.

The payload stays where the kernel put it; the new header is written right before it.
"""

from typing import Final

from sfu.compiled import compiled_inline, compiled_within
from sfu.plane.addresses import hear_from
from sfu.plane.answering import (
    carry_transport_number,
    note_transport_number,
    note_withheld,
)
from sfu.plane.bucket import level_after
from sfu.plane.continuity import (
    clock_rate,
    follow,
    follow_time,
    follows,
    newest_timestamp,
    next_sequence,
    next_timestamp,
    take_back_sequence,
)
from sfu.plane.counters import Counter, DropReason
from sfu.plane.history import keep
from sfu.plane.keyframes import (
    ask_for_keyframes,
    media_role,
    note_payload,
    note_silence,
    want_keyframe,
)
from sfu.plane.layouts import ADDRESSES, OUTBOUND
from sfu.plane.losses import forget_losses, note_packet
from sfu.plane.outgoing import can_send_to, queue_media
from sfu.plane.packet import header_end, packet_ssrc, payload_end, read_elements, write_header
from sfu.plane.pictures import continue_pictures
from sfu.plane.pointers import DATA, copy, unprotect_rtp
from sfu.plane.reception import note_sequence, note_timestamp
from sfu.plane.redundancy import has_opus, map_blocks, primary_block
from sfu.plane.resending import allow_resends
from sfu.plane.retransmissions import forward_retransmission
from sfu.plane.rtcp import get8, get16, get32
from sfu.plane.sources import (
    admit_source,
    carries,
    find_source,
    is_ours,
    is_rtx,
    kind_by_mid,
    place_for_source,
)
from sfu.plane.tables import Tables
from sfu.plane.unwrapping import unwrap_near
from sfu.rtp.media import Codec, Extension

_REPLAY_FAIL: Final = 9  # srtp_err_status_t
_REPLAY_OLD: Final = 10
_ATTEMPTS_S: Final = 20  # packets of unknown sources tried on libsrtp a second


@compiled_within
def _take_attempt(t: Tables, slot: int, now_ns: int) -> bool:
    """Whether ``slot`` may try one more packet of an unknown source on libsrtp."""
    record = t.slots[slot]
    full_ns = level_after(int(record["attempts_full_ns"]), now_ns, _ATTEMPTS_S, _ATTEMPTS_S)
    if full_ns < 0:
        return False
    record["attempts_full_ns"] = full_ns
    return True


@compiled_within
def place_for_new(t: Tables, slot: int, ssrc: int, rtx: bool, now_ns: int) -> int:
    """Where a source of that SSRC may go once it has proved authentic; −1 for nowhere (counted)."""
    if is_ours(t, slot, ssrc):
        t.drops[DropReason.SSRC_COLLISION] += 1
        return -1
    place = place_for_source(t, slot, rtx, now_ns)
    if place < 0:
        t.drops[DropReason.SOURCES_FULL] += 1
    elif not _take_attempt(t, slot, now_ns):
        t.drops[DropReason.UNKNOWN_SSRC] += 1
        return -1
    return place


@compiled_within
def count_failure(t: Tables, status: int) -> None:
    """Count a packet that libsrtp refused."""
    if status in (_REPLAY_FAIL, _REPLAY_OLD):
        t.drops[DropReason.REPLAYED] += 1
    else:
        t.drops[DropReason.NOT_AUTHENTIC] += 1


@compiled_inline
def receive_rtp(t: Tables, place: int, at: int, end: int, arrival_ns: int, now_ns: int) -> None:
    """Take the RTP packet from ``at`` to ``end`` of the data, from the address at ``place``."""
    slot = place // ADDRESSES
    record = t.slots[slot]
    data = t.data
    payload = header_end(data, at, end)
    if payload < 0:
        t.drops[DropReason.MALFORMED_RTP] += 1
        return
    codec = get8(record["codec_of"], get8(data, at + 1) & 0x7F)
    ssrc = packet_ssrc(data, at)
    is_whole = read_elements(data, at, payload, record["extension_of"], t.elements)

    source_at = find_source(t, slot, ssrc)
    kind = -1
    is_new = False
    if source_at < 0:  # learn it by its MID, but only once it has proved authentic
        kind = kind_by_mid(record, data, t.elements)
        if not carries(kind, is_rtx(codec), codec):
            t.drops[DropReason.UNKNOWN_SSRC] += 1
            return
        source_at = place_for_new(t, slot, ssrc, is_rtx(codec), now_ns)
        if source_at < 0:
            return
        is_new = True
    elif t.sources[source_at]["kind"] < 0:  # it sent RTCP first
        kind = kind_by_mid(record, data, t.elements)

    left = unprotect_rtp(t, slot, at, end)
    if left < 0:
        count_failure(t, -left)
        return
    hear_from(t, slot, place % ADDRESSES)
    record["packets_in"] += 1
    record["octets_in"] += end - at
    end = at + left
    if not is_whole:
        t.counts[Counter.EXTENSIONS_CUT] += 1
    transport = -1
    if t.elements[Extension.TRANSPORT_WIDE_CC] >= 0:
        number = int(t.elements[Extension.TRANSPORT_WIDE_CC])
        transport = note_transport_number(t, slot, number, arrival_ns, now_ns)
        if transport < 0:
            t.elements[Extension.TRANSPORT_WIDE_CC] = -1
    source = t.sources[source_at]
    if is_new:
        admit_source(t, source_at, ssrc, kind, is_rtx(codec), False)
    elif kind >= 0:
        source["kind"] = kind
        source["rtx"] = 1 if is_rtx(codec) else 0
    elif t.elements[Extension.MID] >= 0:
        named = kind_by_mid(record, data, t.elements)
        if named >= 0 and named != source["kind"]:  # two tracks send with one SSRC
            t.drops[DropReason.SSRC_COLLISION] += 1
            note_withheld(t, slot, transport)
            return
    sequence = get16(data, at + 2)
    if source["packets"] == 0:
        unwrapped = int(source["highest"]) + sequence
    else:
        unwrapped = unwrap_near(int(source["highest"]), sequence)
    source["highest"] = max(int(source["highest"]), unwrapped)
    source["packets"] += 1
    source["heard_ns"] = arrival_ns
    note_sequence(source["reception"], sequence)
    if not _pass_on(
        t, slot, source_at, at, payload, end, codec, unwrapped, transport, arrival_ns, now_ns
    ):
        note_withheld(t, slot, transport)


@compiled_inline
def _pass_on(
    t: Tables,
    slot: int,
    source_at: int,
    at: int,
    payload: int,
    end: int,
    codec: int,
    unwrapped: int,
    transport: int,
    arrival_ns: int,
    now_ns: int,
) -> bool:
    """Forward the authentic packet of a source of ``slot``, media or RTX, as it was noted.

    False when it goes no further (counted).
    """
    data = t.data
    source = t.sources[source_at]
    if not carries(int(source["kind"]), source["rtx"] != 0, codec):
        t.drops[DropReason.UNKNOWN_PAYLOAD_TYPE] += 1
        return False
    if source["rtx"] == 0:
        note_silence(source, arrival_ns)
        rate = clock_rate(int(source["kind"]))
        note_timestamp(source["reception"], get32(data, at + 4), arrival_ns, rate)
    partner = int(t.slots[slot]["partner"])
    if not can_send_to(t, partner) or t.slots[partner]["media"] == 0:
        forget_losses(t, source_at)
        t.drops[DropReason.NO_PARTNER] += 1
        return False
    if source["rtx"] != 0:
        return forward_retransmission(
            t, slot, source_at, at, payload, end, codec, transport, arrival_ns, now_ns
        )
    if codec >= Codec.VP8:
        data_end = payload_end(data, at, payload, end)
        note_packet(t, source_at, unwrapped, payload, data_end, codec, now_ns)
    return forward(
        t, slot, source_at, at, payload, end, codec, unwrapped, transport, arrival_ns, now_ns
    )


@compiled_inline
def forward(
    t: Tables,
    slot: int,
    source_at: int,
    at: int,
    payload: int,
    end: int,
    codec: int,
    sequence: int,
    transport: int,
    arrival_ns: int,
    now_ns: int,
) -> bool:
    """Rewrite an authentic media packet of ``slot`` for the partner, which is there, and queue it.

    ``payload`` to ``end`` is the payload with its padding; ``sequence`` and ``transport`` are
    the unwrapped numbers (``transport`` −1 for none). False when it goes no further (counted).
    """
    data = t.data
    sender = t.slots[slot]
    partner = int(sender["partner"])
    receiver = t.slots[partner]
    source = t.sources[source_at]
    kind = int(source["kind"])
    role = media_role(kind)
    stream = t.streams[partner * OUTBOUND + role]

    data_end = payload_end(data, at, payload, end)
    if data_end < 0:
        t.drops[DropReason.MALFORMED_RTP] += 1
        return False
    flags = (get8(data, at) & 0x20) | (get8(data, at + 1) & 0x80)
    timestamp = get32(data, at + 4)
    payload_type = int(receiver["payload_of"][codec])

    if codec == Codec.RED:
        primary = primary_block(data, payload, data_end)
        if primary < 0:
            t.drops[DropReason.MALFORMED_RED] += 1
            return False
        if not has_opus(data, payload, sender):
            t.drops[DropReason.UNKNOWN_PAYLOAD_TYPE] += 1
            return False
        source["redundant"] += 1
        if payload_type >= 0 and map_blocks(data, payload, data_end, sender, receiver):
            stream["redundant"] += 1
        else:
            payload_type = int(receiver["payload_of"][Codec.OPUS])
            t.counts[Counter.RED_UNWRAPPED] += 1
            # libsrtp wants packets aligned to four octets: move the block to where RED began
            copy(t, DATA, primary, DATA, payload, end - primary)
            end -= primary - payload
            data_end -= primary - payload
    if payload_type < 0 or stream["ssrc"] < 0:
        t.drops[DropReason.PARTNER_LACKS_CODEC] += 1
        return False

    epoch = int(receiver["epoch"])
    ssrc = int(source["ssrc"])
    if not follows(stream, epoch, ssrc):
        follow(stream, epoch, ssrc, sequence)
        want_keyframe(t, slot, kind)
    if stream["time_epoch"] != epoch or stream["time_source"] != ssrc:
        follow_time(stream, epoch, ssrc, timestamp, arrival_ns, clock_rate(kind))
    last = int(stream["last"])
    ours = next_sequence(stream, sequence)
    if ours < 0:
        t.drops[DropReason.BEFORE_EPOCH] += 1
        return False
    if not carry_transport_number(t, slot, transport, end - payload, kind, now_ns):
        take_back_sequence(stream, last)
        t.drops[DropReason.BEFORE_EPOCH] += 1
        return False
    if ours == stream["last"]:
        our_timestamp = newest_timestamp(t, stream, timestamp, arrival_ns, clock_rate(kind))
    else:
        our_timestamp = next_timestamp(stream, timestamp, arrival_ns)

    if codec >= Codec.VP8:
        continue_pictures(data, payload, data_end, codec, stream, epoch, ssrc)
        note_payload(t, source, data, payload, data_end, codec)
        if source["keyframe_wanted"] != 0:
            sender["pressing"] = 1
            if source["keyframe_tries"] == 0:
                ask_for_keyframes(t, slot, now_ns)
        mark = flags & 0x80
        keep(t, partner, role, ours, payload, data_end, our_timestamp, mark, codec, now_ns)
        allow_resends(t, partner)

    begin = write_header(
        data,
        payload,
        flags,
        payload_type,
        ours & 0xFFFF,
        our_timestamp,
        int(stream["ssrc"]),
        receiver,
        t.elements,
    )
    if not queue_media(t, partner, begin, end):
        return False
    stream["packets"] += 1
    stream["octets"] += data_end - payload
    return True
