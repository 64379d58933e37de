"""RTCP packets, read and written in place (RFC 3550, 4585, 5104).

Pure compiled functions over a uint8 array and offsets. A packet is named by ``at``, the offset of
its header, and ``end``, the offset behind its payload (``payload_end``: padding left out). What
reads a packet first wants that packet to have passed ``step``; nothing raises and nothing is
allocated, whatever the bytes. Writers return the offset behind what they wrote, or −1 when ``out``
has no room. What was received of a stream, and the report on it, is in ``reception``.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from sfu.compiled import compiled

Octets = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]

SENDER_REPORT: Final = 200
RECEIVER_REPORT: Final = 201
SOURCE_DESCRIPTION: Final = 202
GOODBYE: Final = 203
EXTENDED_REPORT: Final = 207  # RFC 3611
TRANSPORT_FEEDBACK: Final = 205
PAYLOAD_FEEDBACK: Final = 206

FORMAT_NACK: Final = 1  # of TRANSPORT_FEEDBACK, RFC 4585 section 6.2.1
FORMAT_TRANSPORT_WIDE: Final = 15  # of TRANSPORT_FEEDBACK, draft-holmer-rmcat-transport-wide-cc
FORMAT_PLI: Final = 1  # of PAYLOAD_FEEDBACK, RFC 4585 section 6.3.1
FORMAT_FIR: Final = 4  # of PAYLOAD_FEEDBACK, RFC 5104 section 4.3.1
FORMAT_APPLICATION: Final = 15  # of PAYLOAD_FEEDBACK; REMB is one

MAX_REPORT_BLOCKS: Final = 31  # the count field has five bits
REPORT_BLOCK_LENGTH: Final = 24

# A sender report as ``read_sender_report`` leaves it in an int64 array
REPORT_SSRC: Final = 0
REPORT_NTP_SECONDS: Final = 1
REPORT_NTP_FRACTION: Final = 2
REPORT_RTP_TIMESTAMP: Final = 3
REPORT_PACKETS: Final = 4
REPORT_OCTETS: Final = 5
REPORT_FIELDS: Final = 6

# A report block as ``read_report_block`` leaves it and ``add_report_block`` takes it
BLOCK_SSRC: Final = 0
BLOCK_FRACTION_LOST: Final = 1  # of 256
BLOCK_PACKETS_LOST: Final = 2  # signed, 24 bits
BLOCK_HIGHEST_SEQUENCE: Final = 3  # extended, 32 bits
BLOCK_JITTER: Final = 4  # in timestamp units
BLOCK_LSR: Final = 5  # middle 32 bits of the NTP time of the last sender report, 0 = none
BLOCK_DLSR: Final = 6  # since then, in 1/65536 s
BLOCK_FIELDS: Final = 7

_SDES_CNAME: Final = 1
_REMB: Final = 0x52454D42  # "REMB"
_NTP_TO_UNIX_S: Final = 2_208_988_800  # from 1900 to 1970, RFC 5905 figure 4
_LONGEST_TRIP: Final = 30 << 16  # in 1/65536 s; beyond it a clock was set
_ROUNDING: Final = 66  # about 1 ms; the two ends round their delays and read clocks that drift
_NS: Final = 1_000_000_000
_MASK32: Final = 0xFFFFFFFF


@compiled
def get8(data: Octets, at: int) -> int:
    """One octet, widened: unsigned arithmetic differs between compiled and interpreted."""
    return int(np.int64(data[at]))


@compiled
def get16(data: Octets, at: int) -> int:
    """Two octets in network order."""
    return (get8(data, at) << 8) | get8(data, at + 1)


@compiled
def get32(data: Octets, at: int) -> int:
    """Four octets in network order."""
    return (get16(data, at) << 16) | get16(data, at + 2)


@compiled
def put16(out: Octets, at: int, value: int) -> None:
    """The low 16 bits of ``value`` in network order."""
    out[at] = (value >> 8) & 0xFF
    out[at + 1] = value & 0xFF


@compiled
def put32(out: Octets, at: int, value: int) -> None:
    """The low 32 bits of ``value`` in network order."""
    put16(out, at, (value >> 16) & 0xFFFF)
    put16(out, at + 2, value & 0xFFFF)


# The compound


@compiled
def step(data: Octets, at: int, end: int) -> int:
    """The offset behind the RTCP packet at ``at`` of a compound that ends at ``end``, or −1.

    Checks version, length and padding (RFC 3550 section 6.4.1). That a compound begins with a
    report is not asked for: browsers send feedback alone (RFC 5506).
    """
    if at < 0 or at + 4 > end or end > data.size:
        return -1
    if get8(data, at) >> 6 != 2:
        return -1
    behind = at + 4 + 4 * get16(data, at + 2)
    if behind > end:
        return -1
    if get8(data, at) & 0x20:
        padding = get8(data, behind - 1)
        # libwebrtc pads transport-wide feedback by any number of octets, and anywhere in a compound
        if padding == 0 or behind - padding < at + 4:
            return -1
    return behind


@compiled
def payload_end(data: Octets, at: int, behind: int) -> int:
    """Where the payload of the packet from ``at`` to ``behind`` ends: its padding left out."""
    if get8(data, at) & 0x20:
        return behind - get8(data, behind - 1)
    return behind


@compiled
def packet_type(data: Octets, at: int) -> int:
    """The packet type: ``SENDER_REPORT`` and so on."""
    return get8(data, at + 1)


@compiled
def packet_count(data: Octets, at: int) -> int:
    """The five bits that hold the number of report blocks, or the feedback format."""
    return get8(data, at) & 0x1F


@compiled
def sender_ssrc(data: Octets, at: int, end: int) -> int:
    """Who sent the packet; −1 when the packet is too short to say."""
    return get32(data, at + 4) if at + 8 <= end else -1


@compiled
def media_ssrc(data: Octets, at: int, end: int) -> int:
    """Whom a feedback packet is about; −1 when the packet is too short to say."""
    return get32(data, at + 8) if at + 12 <= end else -1


# Reports


@compiled
def read_sender_report(data: Octets, at: int, end: int, report: Integers) -> int:
    """Read a sender report into ``report`` (``REPORT_…``).

    Returns the offset of the first of its ``packet_count`` report blocks, all of which lie
    before ``end``, or −1 when the packet is not a whole sender report.
    """
    if at + 28 > end or packet_type(data, at) != SENDER_REPORT:
        return -1
    if at + 28 + REPORT_BLOCK_LENGTH * packet_count(data, at) > end:
        return -1
    for field in range(REPORT_FIELDS):
        report[field] = get32(data, at + 4 + 4 * field)
    return at + 28


@compiled
def read_receiver_report(data: Octets, at: int, end: int, report: Integers) -> int:
    """Like ``read_sender_report``, for a receiver report: sets ``REPORT_SSRC`` only."""
    if at + 8 > end or packet_type(data, at) != RECEIVER_REPORT:
        return -1
    if at + 8 + REPORT_BLOCK_LENGTH * packet_count(data, at) > end:
        return -1
    report[REPORT_SSRC] = get32(data, at + 4)
    return at + 8


@compiled
def read_report_block(data: Octets, at: int, block: Integers) -> None:
    """Read the report block at ``at`` into ``block`` (``BLOCK_…``)."""
    lost = get32(data, at + 4) & 0xFFFFFF
    block[BLOCK_SSRC] = get32(data, at)
    block[BLOCK_FRACTION_LOST] = get8(data, at + 4)
    block[BLOCK_PACKETS_LOST] = lost - 0x1000000 if lost & 0x800000 else lost
    block[BLOCK_HIGHEST_SEQUENCE] = get32(data, at + 8)
    block[BLOCK_JITTER] = get32(data, at + 12)
    block[BLOCK_LSR] = get32(data, at + 16)
    block[BLOCK_DLSR] = get32(data, at + 20)


@compiled
def _put_header(out: Octets, at: int, count: int, kind: int, length: int) -> None:
    """A header of an unpadded packet of ``length`` octets in all."""
    out[at] = 0x80 | count
    out[at + 1] = kind
    put16(out, at + 2, length // 4 - 1)


@compiled
def write_sender_report(out: Octets, at: int, report: Integers) -> int:
    """Write the sender report of ``report`` (``REPORT_…``), without report blocks."""
    if at + 28 > out.size:
        return -1
    _put_header(out, at, 0, SENDER_REPORT, 28)
    for field in range(REPORT_FIELDS):
        put32(out, at + 4 + 4 * field, int(report[field]))
    return at + 28


@compiled
def write_receiver_report(out: Octets, at: int, ssrc: int) -> int:
    """Write a receiver report of ``ssrc``, without report blocks."""
    if at + 8 > out.size:
        return -1
    _put_header(out, at, 0, RECEIVER_REPORT, 8)
    put32(out, at + 4, ssrc)
    return at + 8


@compiled
def add_report_block(out: Octets, at: int, behind: int, block: Integers) -> int:
    """Append ``block`` (``BLOCK_…``) to the report from ``at`` to ``behind`` just written."""
    count = packet_count(out, at) + 1
    if count > MAX_REPORT_BLOCKS or behind + REPORT_BLOCK_LENGTH > out.size:
        return -1
    lost = min(max(int(block[BLOCK_PACKETS_LOST]), -0x800000), 0x7FFFFF)
    put32(out, behind, int(block[BLOCK_SSRC]))
    put32(out, behind + 4, (int(block[BLOCK_FRACTION_LOST]) << 24) | (lost & 0xFFFFFF))
    put32(out, behind + 8, int(block[BLOCK_HIGHEST_SEQUENCE]))
    put32(out, behind + 12, int(block[BLOCK_JITTER]))
    put32(out, behind + 16, int(block[BLOCK_LSR]))
    put32(out, behind + 20, int(block[BLOCK_DLSR]))
    behind += REPORT_BLOCK_LENGTH
    _put_header(out, at, count, packet_type(out, at), behind - at)
    return behind


@compiled
def write_cname(out: Octets, at: int, ssrc: int, cname: Octets, cname_length: int) -> int:
    """Write a source description with ``ssrc``'s CNAME, of at most 255 octets."""
    length = (4 + 4 + 2 + cname_length + 1 + 3) & ~3  # at least one zero ends the items
    if cname_length < 0 or cname_length > min(255, cname.size) or at + length > out.size:
        return -1
    _put_header(out, at, 1, SOURCE_DESCRIPTION, length)
    put32(out, at + 4, ssrc)
    out[at + 8] = _SDES_CNAME
    out[at + 9] = cname_length
    for index in range(cname_length):
        out[at + 10 + index] = cname[index]
    for index in range(at + 10 + cname_length, at + length):
        out[index] = 0
    return at + length


@compiled
def write_goodbye(out: Octets, at: int, ssrcs: Integers, count: int) -> int:
    """Say that the first ``count`` of ``ssrcs``, at most 31, have ended (RFC 3550 section 6.6)."""
    length = 4 + 4 * count
    if not 0 < count <= min(31, ssrcs.size) or at + length > out.size:
        return -1
    _put_header(out, at, count, GOODBYE, length)
    for index in range(count):
        put32(out, at + 4 + 4 * index, int(ssrcs[index]))
    return at + length


# Feedback on media


@compiled
def is_feedback(data: Octets, at: int, end: int, kind: int, form: int) -> bool:
    """Whether the packet is feedback of that type and format, with both its SSRCs."""
    return at + 12 <= end and packet_type(data, at) == kind and packet_count(data, at) == form


@compiled
def is_cut_feedback(data: Octets, at: int, end: int) -> bool:
    """Whether feedback is too short for both SSRCs, or for one entry of its format."""
    kind = packet_type(data, at)
    if kind != TRANSPORT_FEEDBACK and kind != PAYLOAD_FEEDBACK:
        return False
    form = packet_count(data, at)
    least = 12
    if kind == TRANSPORT_FEEDBACK:
        if form == FORMAT_NACK:
            least = 16
        elif form == FORMAT_TRANSPORT_WIDE:
            least = 20
    else:
        is_remb_begun = at + 16 <= end and get32(data, at + 12) == _REMB
        if form == FORMAT_FIR or (form == FORMAT_APPLICATION and is_remb_begun):
            least = 20
    return at + least > end


@compiled
def is_pli(data: Octets, at: int, end: int) -> bool:
    """A picture loss indication: ``media_ssrc`` wants a keyframe."""
    return is_feedback(data, at, end, PAYLOAD_FEEDBACK, FORMAT_PLI)


@compiled
def fir_entries(data: Octets, at: int, end: int) -> int:
    """How many streams a full intra request names; 0 when the packet is none."""
    if not is_feedback(data, at, end, PAYLOAD_FEEDBACK, FORMAT_FIR):
        return 0
    return (end - at - 12) // 8


@compiled
def fir_ssrc(data: Octets, at: int, entry: int) -> int:
    """The stream that entry ``entry`` of a full intra request names."""
    return get32(data, at + 12 + 8 * entry)


@compiled
def fir_number(data: Octets, at: int, entry: int) -> int:
    """The command sequence number of entry ``entry``: a repeated one is no new request."""
    return get8(data, at + 16 + 8 * entry)


@compiled
def write_pli(out: Octets, at: int, sender: int, media: int) -> int:
    """Ask for a keyframe of ``media``."""
    if at + 12 > out.size:
        return -1
    _put_header(out, at, FORMAT_PLI, PAYLOAD_FEEDBACK, 12)
    put32(out, at + 4, sender)
    put32(out, at + 8, media)
    return at + 12


@compiled
def is_remb(data: Octets, at: int, end: int) -> bool:
    """A receiver's estimate of the bitrate (draft-alvestrand-rmcat-remb-03)."""
    return (
        at + 20 <= end
        and is_feedback(data, at, end, PAYLOAD_FEEDBACK, FORMAT_APPLICATION)
        and get32(data, at + 12) == _REMB
    )


@compiled
def remb_bitrate_bps(data: Octets, at: int) -> int:
    """What an ``is_remb`` says. What no link can carry is cut: at most 2⁵⁸."""
    value = get32(data, at + 16)
    return (value & 0x3FFFF) << min((value >> 18) & 0x3F, 40)


@compiled
def write_remb(
    out: Octets, at: int, sender: int, bitrate_bps: int, ssrcs: Integers, count: int
) -> int:
    """Hold the sender of the first ``count`` of ``ssrcs`` to ``bitrate_bps``, rounded down."""
    length = 20 + 4 * count
    if count < 0 or count > min(255, ssrcs.size) or at + length > out.size or bitrate_bps < 0:
        return -1
    exponent = 0
    mantissa = bitrate_bps
    while mantissa > 0x3FFFF:
        mantissa >>= 1
        exponent += 1
    _put_header(out, at, FORMAT_APPLICATION, PAYLOAD_FEEDBACK, length)
    put32(out, at + 4, sender)
    put32(out, at + 8, 0)
    put32(out, at + 12, _REMB)
    put32(out, at + 16, (count << 24) | (exponent << 18) | mantissa)
    for index in range(count):
        put32(out, at + 20 + 4 * index, int(ssrcs[index]))
    return at + length


@compiled
def write_nack(out: Octets, at: int, sender: int, media: int) -> int:
    """Begin a generic NACK (RFC 4585 section 6.2.1) about ``media``; it asks for nothing yet."""
    if at + 12 > out.size:
        return -1
    _put_header(out, at, FORMAT_NACK, TRANSPORT_FEEDBACK, 12)
    put32(out, at + 4, sender)
    put32(out, at + 8, media)
    return at + 12


@compiled
def add_to_nack(out: Octets, at: int, behind: int, number: int) -> int:
    """Ask for one more packet in the NACK from ``at`` to ``behind`` just written.

    Numbers come in ascending order: those within 16 of one share its entry (PID and BLP).
    """
    if behind > at + 12:
        after = (number - get16(out, behind - 4)) & 0xFFFF
        if 1 <= after <= 16:
            put16(out, behind - 2, get16(out, behind - 2) | (1 << (after - 1)))
            return behind
    if behind + 4 > out.size:
        return -1
    put16(out, behind, number)
    put16(out, behind + 2, 0)
    behind += 4
    _put_header(out, at, FORMAT_NACK, TRANSPORT_FEEDBACK, behind - at)
    return behind


# Time


@compiled
def ntp_seconds(unix_ns: int) -> int:
    """The seconds of the NTP timestamp of a Unix time, modulo 2³²."""
    return (unix_ns // _NS + _NTP_TO_UNIX_S) & _MASK32


@compiled
def ntp_fraction(unix_ns: int) -> int:
    """The fraction of the NTP timestamp of a Unix time, in 1/2³² s."""
    return ((unix_ns % _NS) << 32) // _NS


@compiled
def ntp_to_unix_ns(seconds: int, fraction: int) -> int:
    """The Unix time of an NTP timestamp, taken to lie between 1970 and 2106."""
    return ((seconds - _NTP_TO_UNIX_S) & _MASK32) * _NS + ((fraction * _NS + (1 << 31)) >> 32)


@compiled
def ntp_middle(seconds: int, fraction: int) -> int:
    """The middle 32 bits of an NTP timestamp, which LSR carries, in 1/65536 s."""
    return ((seconds & 0xFFFF) << 16) | (fraction >> 16)


@compiled
def delay_since(earlier_ns: int, now_ns: int) -> int:
    """What DLSR carries for a sender report that came at ``earlier_ns``, in 1/65536 s."""
    elapsed_us = min(max((now_ns - earlier_ns) // 1000, 0), 65_535_000_000)
    return (elapsed_us << 16) // 1_000_000


@compiled
def round_trip_ns(arrival_ns: int, lsr: int, dlsr: int) -> int:
    """The round trip that a report block come at ``arrival_ns`` shows (RFC 3550 section 6.4.1).

    The numbers of a DLRR sub-block (RFC 3611 section 4.5) mean the same. −1 when they cannot be:
    the delay is longer than the time that passed, or a clock was set in between.
    """
    now = ntp_middle(ntp_seconds(arrival_ns), ntp_fraction(arrival_ns))
    elapsed = (now - lsr - dlsr) & _MASK32
    if elapsed >= (1 << 32) - _ROUNDING:
        return 0
    return (elapsed * _NS) >> 16 if elapsed <= _LONGEST_TRIP else -1
