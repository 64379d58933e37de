"""RTX packets from a browser (RFC 4588): unwrapped as they come, wrapped anew for the partner.

The original sequence number in front of the payload becomes ours. All that goes out on an RTX
stream, relayed or resent from the history, is numbered by that stream's one counter. Like
everything with a transport-wide number, probes of padding alone and repairs of what was there
already are passed on; of a packet from before the epoch the number and padding. A partner without
RTX gets the media packet itself; libsrtp refuses it when that number was sent before. Of what does
not go on the node tells the sender that it came (``answering.note_withheld``).
"""

from sfu.compiled import compiled_within
from sfu.plane.answering import carry_transport_number
from sfu.plane.continuity import (
    clock_rate,
    follow_time,
    follows,
    next_of_our_own,
    next_timestamp,
    original_sequence,
)
from sfu.plane.counters import Counter, DropReason
from sfu.plane.history import find_kept, keep, note_relayed
from sfu.plane.keyframes import media_role, note_payload
from sfu.plane.layouts import OUTBOUND, Octets
from sfu.plane.losses import media_source_of, note_keyframe, note_repair
from sfu.plane.outgoing import control_row, queue_media, queue_row
from sfu.plane.packet import ROOM_FOR_HEADER, payload_end, write_header
from sfu.plane.payloads import starts_keyframe
from sfu.plane.pictures import continue_pictures
from sfu.plane.pointers import DATA, ROWS, copy
from sfu.plane.rtcp import get8, get16, get32, put16
from sfu.plane.tables import Tables
from sfu.plane.unwrapping import unwrap_near
from sfu.rtp.media import RTX_OFFSET

_ORIGINAL = 2  # octets of the original sequence number, RFC 4588 section 4
_MOST_PADDING = 255  # octets, RFC 3550 section 5.1


@compiled_within
def forward_retransmission(
    t: Tables,
    slot: int,
    source_at: int,
    at: int,
    payload: int,
    end: int,
    codec: int,
    transport: int,
    arrival_ns: int,
    now_ns: int,
) -> bool:
    """Rewrite an authentic RTX packet of ``slot`` for the partner, which is there, and queue it.

    ``payload`` to ``end`` is the payload with its padding, ``codec`` the RTX one, ``transport`` the
    unwrapped transport-wide number or −1. False when nothing of it goes further (counted).
    """
    data = t.data
    partner = int(t.slots[slot]["partner"])
    receiver = t.slots[partner]
    epoch = int(receiver["epoch"])
    kind = int(t.sources[source_at]["kind"])
    role = media_role(kind)
    media = t.streams[partner * OUTBOUND + role]
    rtx = t.streams[partner * OUTBOUND + role + 1]
    media_at = media_source_of(t, source_at)

    data_end = payload_end(data, at, payload, end)
    if data_end < 0:
        t.drops[DropReason.MALFORMED_RTP] += 1
        return False
    flags = (get8(data, at) & 0x20) | (get8(data, at + 1) & 0x80)
    timestamp = get32(data, at + 4)
    is_probe = data_end - payload < _ORIGINAL
    picture = payload + _ORIGINAL
    of_picture = codec - RTX_OFFSET
    rtx_type = int(receiver["payload_of"][codec])
    is_wrapped = rtx["ssrc"] >= 0 and rtx_type >= 0
    lacks = media["ssrc"] < 0 or receiver["payload_of"][of_picture] < 0
    if lacks or (is_probe and not is_wrapped):
        t.drops[DropReason.PARTNER_LACKS_CODEC] += 1
        return False

    original = -1
    if not is_probe:
        if media_at >= 0:
            _note_repair(t, media_at, get16(data, payload), picture, data_end, of_picture)
        if media_at >= 0 and follows(media, epoch, int(t.sources[media_at]["ssrc"])):
            original = original_sequence(media, get16(data, payload))
        if original < 0:
            t.drops[DropReason.BEFORE_EPOCH] += 1
            if transport < 0 or not is_wrapped:
                return False
            end = _leave_padding(data, payload, end)
            data_end = payload
            flags = 0x20
    if media["time_epoch"] != epoch:  # a probe came before any picture
        ssrc = int(t.sources[source_at if media_at < 0 else media_at]["ssrc"])
        follow_time(media, epoch, ssrc, timestamp, arrival_ns, clock_rate(kind))
    if not carry_transport_number(t, slot, transport, end - payload, kind, now_ns):
        t.drops[DropReason.BEFORE_EPOCH] += 1
        return False
    our_timestamp = next_timestamp(media, timestamp, arrival_ns)

    if original >= 0:
        media["last"] = max(int(media["last"]), original)
        of_source = int(media["source"])
        continue_pictures(data, picture, data_end, of_picture, media, epoch, of_source)
        note_payload(t, t.sources[media_at], data, picture, data_end, of_picture)
    if not is_wrapped:
        return _queue_unwrapped(
            t, partner, role, original, our_timestamp, flags, of_picture, picture, data_end, end
        )
    if original >= 0:
        put16(data, payload, original & 0xFFFF)
        kept_at = find_kept(t, partner, role, original, now_ns)
        if kept_at < 0:
            mark = flags & 0x80
            of = of_picture
            kept_at = keep(
                t, partner, role, original, picture, data_end, our_timestamp, mark, of, now_ns
            )
        if kept_at >= 0:
            note_relayed(t, kept_at, now_ns)
    begin = write_header(
        data,
        payload,
        flags,
        rtx_type,
        next_of_our_own(rtx) & 0xFFFF,
        our_timestamp,
        int(rtx["ssrc"]),
        receiver,
        t.elements,
    )
    if not queue_media(t, partner, begin, end):
        return False
    t.counts[Counter.RETRANSMISSIONS_RELAYED] += 1
    rtx["packets"] += 1
    rtx["octets"] += data_end - payload
    return True


@compiled_within
def _leave_padding(data: Octets, payload: int, end: int) -> int:
    """Make padding of the first octets of a payload, for whom it is not meant; where it ends."""
    octets = min(end - payload, _MOST_PADDING)
    for index in range(payload, payload + octets):
        data[index] = 0
    data[payload + octets - 1] = octets
    return payload + octets


@compiled_within
def _note_repair(
    t: Tables, media_at: int, number: int, picture: int, data_end: int, codec: int
) -> None:
    """The packet of that 16-bit number of a media source came inside an RTX packet."""
    original = unwrap_near(int(t.sources[media_at]["highest"]), number)
    note_repair(t, media_at, original)
    if starts_keyframe(t.data, picture, data_end, codec):
        note_keyframe(t, media_at, original)


@compiled_within
def _queue_unwrapped(
    t: Tables,
    slot: int,
    role: int,
    number: int,
    timestamp: int,
    flags: int,
    codec: int,
    picture: int,
    data_end: int,
    end: int,
) -> bool:
    """Send ``slot`` the media packet that was inside an RTX packet; False when libsrtp refuses."""
    record = t.slots[slot]
    media = t.streams[slot * OUTBOUND + role]
    # libsrtp wants packets aligned to four octets, and ``picture`` is two off
    payload = control_row(t) + ROOM_FOR_HEADER
    copy(t, DATA, picture, ROWS, payload, end - picture)
    begin = write_header(
        t.rows,
        payload,
        flags,
        int(record["payload_of"][codec]),
        number & 0xFFFF,
        timestamp,
        int(media["ssrc"]),
        record,
        t.elements,
    )
    if not queue_row(t, slot, begin, payload + end - picture):
        return False
    t.counts[Counter.RETRANSMISSIONS_UNWRAPPED] += 1
    media["packets"] += 1
    media["octets"] += data_end - picture
    return True
