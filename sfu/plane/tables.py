"""What the plane knows: arrays of records, and the reasons for which it drops.

The plane's thread alone writes the tables. Other threads may read single int64 values, which is
all that ``Plane`` does. Directions are the server's: *inbound* comes from a browser.

Every number is an int64, so that compiled and interpreted arithmetic agree; sequence and
transport-wide numbers are *unwrapped* (they count on past 65 535 and are never below 65 536), and
0 means that there is none yet. Times are CLOCK_REALTIME ns.
"""

from dataclasses import dataclass
from enum import IntEnum, unique
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from sfu.large_pages import LINE, LargePages
from sfu.native import (
    ADDRESS_SIZE,
    CONTROL_SIZE,
    POLLFD,
    SOL_UDP,
    TIMESPEC,
    UDP_SEGMENT,
    Messages,
    address_of,
)
from sfu.plane.feedback import ARRIVAL_FIELDS, ARRIVALS, MAX_DELTAS, SENT, TOLD_FIELDS
from sfu.plane.reception import RECEPTION_FIELDS
from sfu.plane.records import COMMAND, EVENT
from sfu.plane.rtcp import BLOCK_FIELDS, REPORT_FIELDS
from sfu.rtp.media import Codec, Extension, TrackKind

Octets = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]
Records = npt.NDArray[np.void]
Record = Any  # one np.void of a structured array: a view into it

MAX_PARTICIPANTS: Final = 512
"""How many slots there can be; the first two characters of an ICE ufrag name one."""

ADDRESSES: Final = 8  # validated addresses a slot
ADDRESS_WORDS: Final = ADDRESS_SIZE // 4
SOURCES: Final = 8  # a slot may have, those that only send RTCP included, and as many of RTX
INBOUND: Final = 2 * SOURCES
OUTBOUND: Final = 5
TRACKS: Final = len(TrackKind)
MID_SIZE: Final = 16  # RFC 8843 has no bound; the one-byte form of RFC 8285 has this one
CNAME_SIZE: Final = 32
EXTENSIONS: Final = len(Extension)
CODECS: Final = max(Codec) + 1

LOSS_REACH: Final = 512
"""How far behind the newest packet of a source a missing one can be asked for, in numbers."""

KEPT_PACKETS: Final = 512
"""Packets of one video stream in the history of a slot."""

RESEND_CREDIT: Final = 12_800
"""Percent of a packet that may be resent at once: 128 packets."""

OWED: Final = 32
"""Answers to a participant that wait until a round trip has passed."""

BATCH: Final = 128
"""Messages received in one turn of the loop."""

DATA_ROWS: Final = 2 * BATCH
"""Rows for datagrams: one a message, and as many for what else is in runs (``incoming``)."""

OVERFLOW_SIZE: Final = 1 << 16  # for the rest of a run, a message

LARGEST_DATAGRAM: Final = 1536
_HEADROOM: Final = 64  # an outgoing header may be longer than the one that came
_TAILROOM: Final = 160  # libsrtp's largest trailer
CONTROL_ROWS: Final = 64  # RTCP packets that wait for one ``sendmmsg``
CONTROL_ROW: Final = 2112
QUEUE: Final = DATA_ROWS + CONTROL_ROWS  # packets that wait to be sent
MAX_SEGMENTS: Final = 64  # packets in a run; UDP_MAX_SEGMENTS of kernels before 6.9


@unique
class DropReason(IntEnum):
    """Why a datagram, or what was made of it, went no further."""

    EMPTY = 0
    OVERSIZED = 1
    UNKNOWN_PROTOCOL = 2
    UNKNOWN_SOURCE = 3
    MALFORMED_STUN = 4
    UNKNOWN_UFRAG = 5
    STUN_RATE = 6
    DTLS_RATE = 7
    EVENTS_FULL = 8
    NO_KEYS_YET = 9
    MEDIA_RATE = 10
    MALFORMED_RTP = 11
    MALFORMED_RTCP = 12
    UNKNOWN_SSRC = 13
    NOT_AUTHENTIC = 14
    REPLAYED = 15
    UNKNOWN_PAYLOAD_TYPE = 16
    NO_PARTNER = 17
    PARTNER_LACKS_CODEC = 18
    MALFORMED_RED = 19
    BEFORE_EPOCH = 20
    NOT_PROTECTED = 21
    NOT_SENT = 22
    SOCKET_OVERFLOW = 23
    REMB_SWALLOWED = 24
    BYE_IGNORED = 25
    FEEDBACK_NOT_RELAYED = 26
    FAULT = 27
    ABSURD_TIME = 28  # in RTCP: a round trip or a clock that cannot be
    # Feedback
    FEEDBACK_ABSURD = 29  # about more packets than any receiver lets wait
    FEEDBACK_UNSENT = 30  # about packets that were never sent
    # Sources
    SOURCES_FULL = 31  # one more SSRC than a participant may have
    SSRC_COLLISION = 32  # an SSRC that is ours, or that two tracks share (RFC 3550 section 8.2)


@unique
class Counter(IntEnum):
    """What the plane counts beside drops (``t.counts``): events, and bounds that were reached."""

    ADDRESS_REPLACED = 0  # the oldest of a slot's validated addresses gave way to a new one
    ADDRESS_MOVED = 1  # an address went over to the slot that validated it last
    SOURCE_REPLACED = 2  # an undeclared source gave way to a new one
    BATCH_FULL = 3  # a turn received as much as it may: more may be waiting
    FLUSHED_EARLY = 4  # what was to be sent did not fit into one batch
    # keyframes
    KEYFRAME_REQUEST = 5  # a receiver's PLI or FIR about a stream that it gets
    KEYFRAME_REQUEST_REPEATED = 6  # an FIR with the number of the last one: no new request
    KEYFRAME_ASKED = 7  # a PLI sent to a source
    KEYFRAME_ARRIVED = 8  # one that was wanted begins to arrive
    KEYFRAME_GIVEN_UP = 9  # a source was asked as often as it may be, and sent none
    # Loss repair
    LOSSES = 10  # numbers found missing in what browsers send
    LOSSES_REPAIRED = 11  # of these, come by retransmission
    LOSSES_LATE = 12  # of these, only late: the packet itself came
    LOSSES_GIVEN_UP = 13  # of these, asked for too often or for too long
    LOSSES_OVERTAKEN = 14  # of these, made needless by a keyframe that began after them
    LOSSES_BEYOND_REACH = 15  # gaps larger than the list of missing numbers
    NACKS = 16  # sent
    NACK_NUMBERS = 17  # asked for in these
    # RTCP
    REMB_RELAYED = 18  # a receiver's estimate passed on to a sender
    BYE_SENT = 19
    CLOCK_STEPPED = 20  # a source's timestamps stepped, and were mapped anew
    # Batches
    RECEIVES = 21  # calls of ``recvmmsg``: how often the plane woke up
    MESSAGES_RECEIVED = 22  # plain datagrams, and runs
    GRO_RUNS_RECEIVED = 23  # messages that held several datagrams
    GRO_DATAGRAMS_RECEIVED = 24  # in these
    SENDS = 25  # calls of ``sendmmsg``
    GSO_RUNS_SENT = 26  # messages of several packets
    GSO_PACKETS_SENT = 27  # in these
    GSO_RUNS_REFUSED = 28  # by the kernel, and then sent packet by packet
    GSO_GIVEN_UP = 29  # 1: refused so often that none are sent any more
    RESENDS = 30  # packets sent again from the history
    RESENDS_NOT_KEPT = 31  # asked for, but never got, or too old
    RESENDS_TOO_SOON = 32  # asked for again within a round trip
    RESENDS_TOO_OFTEN = 33
    RESENDS_OVER_RATE = 34  # more than their share of the video
    RESENDS_WITHOUT_RTX = 35  # asked for by a receiver, or of a stream, that has none
    NACKS_OVER_RATE = 36  # not looked at
    RETRANSMISSIONS_RELAYED = 37  # RTX packets of browsers, probes included
    RETRANSMISSIONS_UNWRAPPED = 38  # the same for a receiver without RTX
    # Transport-wide numbers
    TRANSPORT_NUMBERS_REPEATED = 39  # that came before: their packets went on without one
    TRANSPORT_NUMBERS_RESTARTED = 40  # by a sender that began anew
    RESENDS_NOT_OWED = 41  # too soon, and more of them than may wait
    FEEDBACK_WAITED = 42  # more arrivals than a turn may tell of
    COMMANDS_WAITED = 43  # more commands than a turn may carry out
    FEEDBACK_OVER_RATE = 44  # RTCP that asks for something, more of it than a participant may send


class Role(IntEnum):
    """An outbound stream of a slot."""

    AUDIO = 0
    VIDEO = 1
    VIDEO_RTX = 2
    SCREEN = 3
    SCREEN_RTX = 4


class Phase(IntEnum):
    """What the loop was doing; it says where to go on after an exception."""

    WAIT = 0
    COMMANDS = 1
    PACKETS = 2
    TIMERS = 3


@dataclass(frozen=True)
class PlaneSettings:
    """Bounds and intervals of the plane.

    Attributes:
        max_participants: slots 0 … n−1 exist.
        alone_bitrate_bps: what a browser without a partner is held to (REMB).
        alone_grace_ns: how long it is let run freely first, for most partners are back soon.
        free_bitrate_bps: the REMB that lets it go again.
        keyframe_interval_ns: the least time between two PLIs to one source.
        feedback_interval_ns: between transport-wide feedback made by the node.
        silence_ns: a partner not heard for this long does not answer feedback; an address not
            heard for this long gives way to another one.
        report_interval_ns: between compound RTCP reports.
        tick_ns: how often timers are looked at.
        media_packets_s: RTP and RTCP packets a second that a participant may send, on average.
        send_runs: whether packets to one destination may leave as one message, where the kernel
            can do that (``UDP_SEGMENT``).
        receive_runs: whether datagrams from one source may come as one message (``UDP_GRO``).
        coalesce_ns: the longest sleep after a small batch under load (below 1 s), 0 for none.
        repair_ns: for how long a missing video packet is asked for before a keyframe is.
        history_octets: of video kept for a participant, so that it can be sent again; 0 for none.
        history_ns: how long it can be.
        resend_percent: resends from there, of the video packets sent to a participant.
    """

    max_participants: int = MAX_PARTICIPANTS
    alone_bitrate_bps: int = 500_000
    alone_grace_ns: int = 5_000_000_000
    free_bitrate_bps: int = 1_000_000_000
    keyframe_interval_ns: int = 300_000_000
    feedback_interval_ns: int = 60_000_000
    silence_ns: int = 1_000_000_000
    report_interval_ns: int = 1_000_000_000
    tick_ns: int = 10_000_000
    media_packets_s: int = 5_000
    coalesce_ns: int = 500_000
    send_runs: bool = True
    receive_runs: bool = True
    repair_ns: int = 1_000_000_000
    history_octets: int = 384 * 1024
    history_ns: int = 1_000_000_000
    resend_percent: int = 50


def _in_lines(fields: list[Any]) -> np.dtype[np.void]:
    """A record that fills whole lines of the cache, so that none is shared by two."""
    kind = np.dtype(fields)
    parts = [(name, *kind.fields[name][:2]) for name in kind.names or () if kind.fields]
    names, formats, offsets = zip(*parts, strict=True)
    return np.dtype(
        {
            "names": names,
            "formats": formats,
            "offsets": offsets,
            "itemsize": -(-kind.itemsize // LINE) * LINE,
        }
    )


SLOT = _in_lines(
    [
        # First what forwarding looks at, eight numbers a line of the cache: what is used together
        ("open", np.int64),
        ("srtp_in", np.int64),  # srtp_t, or 0
        ("srtp_out", np.int64),
        ("media", np.int64),  # 1 when the fields of MediaMap below are set
        ("partner", np.int64),  # slot, or −1
        ("remote", np.int64),  # the index in ``addresses`` of the one sent to, or −1
        ("faults", np.int64),
        ("media_full_ns", np.int64),  # a token bucket (``bucket``)
        # …
        ("last_heard_ns", np.int64),
        ("packets_in", np.int64),
        ("octets_in", np.int64),
        ("packets_out", np.int64),
        ("octets_out", np.int64),
        ("feedback_by_partner", np.int64),
        ("epoch", np.int64),  # of what is sent here: one a partner
        ("pressing", np.int64),  # 1: a timer is due soon, see ``loop``
        # …
        ("arrival", np.int64, (ARRIVAL_FIELDS,)),  # of what comes from here (``feedback``)
        ("transport_epoch", np.int64),  # the epoch in which ``transport_shift`` holds
        ("transport_shift", np.int64),  # our transport-wide number less the partner's
        ("transport_first", np.int64),  # ours
        ("transport_last", np.int64),  # ours
        ("resend_credit", np.int64),  # see ``resending``
        # …
        ("arena", np.int64),  # of its history, −1 for none yet
        ("history_from", np.int64),  # what was written there before belongs to someone else
        ("numbered_packets", np.int64),  # sent with a transport-wide number
        ("numbered_octets", np.int64),  # as the link sees them
        ("payload_of", np.int16, (CODECS,)),  # of MediaMap, −1 for none
        ("_gap1", np.uint8, (2,)),
        # …
        ("extension_of", np.uint8, (16,)),
        ("id_of", np.uint8, (EXTENSIONS,)),  # 0 for none
        ("_gap2", np.uint8, (1,)),
        ("alone_since_ns", np.int64),  # 0: the partner is there
        ("feedback_due_ns", np.int64),
        ("remb_due_ns", np.int64),
        ("report_due_ns", np.int64),
        ("round_trip_ns", np.int64),  # −1 when not known
        # …
        ("address_heard_ns", np.int64, (ADDRESSES,)),
        # Addresses in the kernel's form
        ("addresses", np.int32, (ADDRESSES, ADDRESS_WORDS)),
        ("address_count", np.int64),
        ("stun_full_ns", np.int64),  # token buckets
        ("dtls_full_ns", np.int64),
        ("attempts_full_ns", np.int64),
        # …
        ("codec_of", np.uint8, (128,)),
        # From here on what most packets do not look at
        ("listed", np.int64),  # 1 when it is in ``open_slots``
        ("ufrag", np.uint8, (8,)),
        ("ufrag_before", np.uint8, (8,)),  # the one before an ICE restart, or zeros
        ("address_added", np.int64, (ADDRESSES,)),  # counts up: the least is the oldest
        ("fault_untold", np.int64),  # 1: the event waits for room
        ("release_untold", np.int64),
        # MediaMap
        ("mids", np.uint8, (TRACKS, MID_SIZE)),
        ("mid_lengths", np.int64, (TRACKS,)),
        ("cname", np.uint8, (CNAME_SIZE,)),
        ("cname_length", np.int64),
        # Feedback about what comes from here
        ("feedback_from", np.int64),  # the first number that the partner answers
        ("feedback_told", np.int64),  # the last number that the partner has answered
        ("feedback_count", np.int64),
        ("feedback_reference", np.int64),  # last reference time sent, −1 for none
        ("feedback_shift", np.int64),
        ("feedback_fresh", np.int64),  # 1: the answerer changed, the shift is not chosen yet
        ("remb_frees", np.int64),  # how often the REMB that frees is still to be sent
        ("remb_relayed", np.int64),  # 1: the partner's REMB holds it
        ("clock_known", np.int64),
        ("clock_offset_ns", np.int64),  # node's clock less the browser's, from sender reports
        ("nack_full_ns", np.int64),  # token buckets
        ("feedback_full_ns", np.int64),
        ("owed_count", np.int64),
        ("owed", np.int64, (OWED,)),  # unwrapped numbers, ours, each twice its value + video track
        # Survival: what feedback told of the packets sent with a transport-wide number
        ("told", np.int64, (TOLD_FIELDS,)),
        ("told_last", np.int64),  # ours: the highest number told of
        ("keyframe_requests", np.int64),  # of this receiver: PLI and FIR
        ("withheld_last", np.int64),  # ours: the highest whose packet was not sent on
        # Transport-wide numbers from here that came before: how many in a row, and behind which
        ("repeated", np.int64),
        ("repeated_at", np.int64),
    ]
)

SOURCE = _in_lines(
    [
        ("ssrc", np.int64),  # −1: this place is free
        ("kind", np.int64),  # TrackKind, or −1 for a source of RTCP alone
        ("rtx", np.int64),
        ("heard_ns", np.int64),
        ("highest", np.int64),
        ("packets", np.int64),
        ("media_ns", np.int64),  # when its last media packet came, 0 for never
        ("keyframe_wanted", np.int64),
        ("next_number", np.int64),  # the unwrapped number that would be no gap
        ("missing", np.int64),  # how many numbers are in the list
        ("reception", np.int64, (RECEPTION_FIELDS,)),
        # What most packets do not look at
        ("declared", np.int64),
        ("report_ns", np.int64),  # when its last sender report came, 0 for never
        ("report_ntp_ns", np.int64),  # what that said, as Unix time of the browser's clock
        ("report_middle", np.int64),  # the middle 32 bits of its NTP time
        ("report_timestamp", np.int64),
        # Keyframes (``keyframes``)
        ("keyframe_asked_ns", np.int64),
        ("keyframe_tries", np.int64),  # requests sent since it is wanted
        # Loss repair, see ``losses``
        ("oldest_missing", np.int64),  # no number below it is in the list
        ("ask_ns", np.int64),  # when the next NACK is due
        ("tolerance_ns", np.int64),  # how late a packet may be without being lost
        ("tolerance_from_ns", np.int64),  # since when it fades
        ("lost", np.int64),  # numbers that were missing; those that came late do not count
        ("repaired", np.int64),
        ("given_up", np.int64),
        ("frame_gaps", np.int64),  # pauses of a camera (``keyframes.note_silence``)
        ("frame_gaps_ns", np.int64),
        # Extended reports: its last reference time that is not answered yet
        ("reference_ns", np.int64),  # when that came, 0 for none
        ("reference_middle", np.int64),  # the middle 32 bits of its NTP time
    ]
)
"""A source in a slot: place ``slot * INBOUND + i``."""

LOSS = np.dtype(
    [
        ("number", np.int64),  # 0: this place is free
        ("noticed_ns", np.int64),
        ("asked_ns", np.int64),
        ("tries", np.int64),
    ]
)
"""A missing packet of a source: place ``source_place * LOSS_REACH + number % LOSS_REACH``."""

STREAM = _in_lines(
    [
        ("ssrc", np.int64),  # −1 for none
        ("epoch", np.int64),  # the epoch in which ``shift`` holds
        ("source", np.int64),  # SSRC of the source then
        ("shift", np.int64),  # our sequence number less the source's
        ("first", np.int64),  # ours, of the epoch
        ("last", np.int64),  # ours, the highest sent
        ("packets", np.int64),
        ("octets", np.int64),  # of payload, RFC 3550 section 6.4.1
        # The timestamps of a track: kept by its media stream, used by its RTX stream
        ("time_epoch", np.int64),
        ("time_source", np.int64),
        ("time_shift", np.int64),
        ("time_shift_before", np.int64),  # the one before the source's clock was set
        ("time_last", np.int64),
        ("time_last_ns", np.int64),  # 0: nothing sent yet
        # Picture ids (``pictures``), kept by a media stream and used by its RTX stream
        ("picture_epoch", np.int64),  # the epoch and the source in which the shifts hold
        ("picture_source", np.int64),
        ("picture_settled", np.int64),  # 1: ``picture_shift`` is known
        ("picture_shift", np.int64),  # our picture id less the source's
        ("picture_last", np.int64),  # ours, the highest sent, of 15 bits; −1 for none
        ("layer_settled", np.int64),
        ("layer_shift", np.int64),  # the same for TL0PICIDX
        ("layer_last", np.int64),
        # The receiver's last report block
        ("reported_ns", np.int64),
        ("fraction_lost", np.int64),  # of 256
        ("packets_lost", np.int64),
        ("reported_highest", np.int64),  # extended highest sequence number, 32 bits
        ("reported_jitter", np.int64),  # in timestamp units
        ("reported_gaps", np.int64),  # ``last`` less ``packets`` then: numbers that we lacked
        # Keyframe requests: the last full intra request of the receiver (RFC 5104)
        ("fir_sender", np.int64),
        ("fir_number", np.int64),  # −1 for none
        ("resends", np.int64),  # of this media stream, from the history
        ("start", np.int64),  # the very first sequence number
    ]
)
"""A stream that is sent to a slot: place ``slot * OUTBOUND + role``."""

DATAGRAM = np.dtype(
    [
        ("row", np.int64),  # of ``data``
        ("message", np.int64),  # that it came in
        ("place", np.int64),  # of the address it came from, or −1
        ("length", np.int64),
        ("truncated", np.int64),
        ("arrival_ns", np.int64),
    ]
)

QUEUED = np.dtype(
    [
        ("slot", np.int64),  # the receiver
        ("remote", np.int64),  # index of its address
        ("arena", np.int64),  # see ``pointers``
        ("at", np.int64),
        ("length", np.int64),
        ("leads", np.int64),  # 1: the first for its receiver (``runs``)
        ("next", np.int64),  # for the same receiver, −1 for none
    ]
)
KEPT = np.dtype(
    [
        ("number", np.int64),  # unwrapped, ours
        ("position", np.int64),  # octets ever written into the arena before its payload
        ("length", np.int64),
        ("timestamp", np.int64),
        ("marker", np.int64),
        ("codec", np.int64),
        ("orientation", np.int64),  # header extensions, −1 for none
        ("playout_delay", np.int64),
        ("sent_ns", np.int64),
        ("resends", np.int64),
        ("resent_ns", np.int64),
        ("owed", np.int64),  # 1: asked for within a round trip of ``resent_ns``
    ]
)
"""A packet in the history: see ``history.kept_place``."""


STATE = np.dtype(
    [
        ("running", np.int64),
        ("phase", np.int64),
        ("slot", np.int64),  # whose packet or timer it is, or −1
        ("position", np.int64),  # in the batch, or among the timers
        ("count", np.int64),  # of the batch
        ("commands_checked", np.int64),  # in this batch, because of an unknown source
        ("messages", np.int64),  # received by the last ``recvmmsg``
        ("unpacked", np.int64),  # of these
        ("segmentation", np.int64),  # 1: runs may be sent
        ("refusals", np.int64),  # of runs, since one was sent
        ("queued", np.int64),
        ("control_rows", np.int64),
        ("next_tick_ns", np.int64),
        ("open_count", np.int64),
        ("free_arena_count", np.int64),
        ("address_serial", np.int64),
        ("load", np.int64),  # see ``coalescing``
        ("steady_ns", np.int64),  # CLOCK_MONOTONIC at the beginning of the turn
        ("turned_ns", np.int64),  # when ``load`` was brought up to date
        # Descriptors
        ("socket", np.int32),
        ("command_channel", np.int32),
        ("event_channel", np.int32),
        # Addresses of memory
        ("poll_address", np.int64),
        ("clock_address", np.int64),
        ("sleep_address", np.int64),
        ("receive_address", np.int64),
        ("send_address", np.int64),
        ("data_address", np.int64),
        ("rows_address", np.int64),
        ("history_address", np.int64),
        ("slots_address", np.int64),
        ("sources_address", np.int64),
        ("streams_address", np.int64),
        ("length_address", np.int64),
        ("command_address", np.int64),
        ("event_address", np.int64),
        ("overflow_address", np.int64),
        ("vectors_address", np.int64),
        ("control_address", np.int64),
        # Settings
        ("alone_bitrate_bps", np.int64),
        ("alone_grace_ns", np.int64),
        ("free_bitrate_bps", np.int64),
        ("keyframe_interval_ns", np.int64),
        ("feedback_interval_ns", np.int64),
        ("silence_ns", np.int64),
        ("report_interval_ns", np.int64),
        ("tick_ns", np.int64),
        ("media_packets_s", np.int64),
        ("coalesce_ns", np.int64),
        ("repair_ns", np.int64),
        ("history_octets", np.int64),
        ("history_ns", np.int64),
        ("resend_percent", np.int64),
    ]
)


class Tables(NamedTuple):
    """Everything that the compiled functions share."""

    slots: Records
    sources: Records
    streams: Records
    losses: Records
    kept: Records
    history: Octets  # ``history_octets`` an arena
    arenas: Integers  # octets ever written into each
    free_arenas: Integers  # the first ``free_arena_count`` of it
    places: npt.NDArray[np.int32]  # hash of an address → slot * ADDRESSES + index, or −1
    open_slots: npt.NDArray[np.int64]  # the first ``open_count`` are those with something to do
    rings: npt.NDArray[np.int64]  # arrivals by transport-wide number, one row a slot
    sizes: npt.NDArray[np.uint16]  # of what was sent, by transport-wide number, one row a slot
    drops: Integers
    counts: Integers  # by Counter
    state: Records  # one record
    # Receiving
    datagrams: Records
    data: Octets
    names: npt.NDArray[np.int32]
    control: Integers
    overflow: Octets
    receive_headers: Records
    # Sending
    send_headers: Records
    send_vectors: Records
    send_control: Integers
    queue: Records
    order: Integers  # see ``runs``
    ends: Integers
    chains: Integers
    rows: Octets  # RTCP being written
    # One blank record of each kind
    blank_slot: Records
    blank_source: Records
    blank_stream: Records
    # Scratch
    poll: Records
    clock: Records
    sleep: Records
    length: npt.NDArray[np.int32]
    command: Records
    event: Records
    elements: Integers  # header extensions of the packet at hand, by Extension; −1 for none
    deltas: Integers
    report: Integers
    block: Integers
    ssrcs: Integers
    acknowledged: Integers


FIRST_OCTET: Final = _HEADROOM
STRIDE: Final = Messages(1, LARGEST_DATAGRAM, headroom=_HEADROOM, tailroom=_TAILROOM).stride
"""Datagram ``i`` of a batch begins at ``data[i * STRIDE + FIRST_OCTET]``."""

CONTROL_WORDS: Final = CONTROL_SIZE // 8
ADDRESSES_OFFSET: Final = int(SLOT.fields["addresses"][1]) if SLOT.fields else 0
SLOT_SIZE: Final = SLOT.itemsize
SOURCE_SIZE: Final = SOURCE.itemsize
STREAM_SIZE: Final = STREAM.itemsize
HOT_SLOT: Final = 7 * LINE  # of a slot, what most packets look at; of a source, and of a stream
HOT_SOURCE: Final = 3 * LINE
HOT_STREAM: Final = 3 * LINE


def make_tables(settings: PlaneSettings) -> tuple[Tables, tuple[Messages, Messages]]:
    """Empty tables, and the message structures that they point into (keep both)."""
    slots = settings.max_participants
    if not 1 <= slots <= MAX_PARTICIPANTS:
        raise ValueError(f"max_participants must be 1 to {MAX_PARTICIPANTS}, not {slots}")
    pages = LargePages()
    incoming = Messages(
        BATCH,
        LARGEST_DATAGRAM,
        headroom=_HEADROOM,
        tailroom=_TAILROOM,
        control=True,
        overflow=OVERFLOW_SIZE if settings.receive_runs else 0,
        spare=DATA_ROWS - BATCH,
        zeros=pages.zeros,
    )
    outgoing = Messages(QUEUE + MAX_SEGMENTS, 0, control=True, zeros=pages.zeros)
    outgoing.control[0::CONTROL_WORDS] = 18  # CMSG_LEN of 16 bits
    outgoing.control[1::CONTROL_WORDS] = SOL_UDP | UDP_SEGMENT << 32
    tables = Tables(
        slots=pages.zeros(slots, SLOT),
        sources=pages.zeros(slots * INBOUND, SOURCE),
        streams=pages.zeros(slots * OUTBOUND, STREAM),
        losses=np.zeros(slots * INBOUND * LOSS_REACH, LOSS),  # touched only where packets are lost
        kept=np.zeros(slots * 2 * KEPT_PACKETS, KEPT),  # and these where there is video
        history=np.zeros(max(slots * settings.history_octets, 1), np.uint8),
        arenas=np.zeros(slots, np.int64),
        free_arenas=np.arange(slots, dtype=np.int64)[::-1].copy(),
        # at most half full, so that a chain of collisions stays short
        places=pages.zeros(1 << (slots * ADDRESSES * 2 - 1).bit_length(), np.int32),
        open_slots=np.zeros(slots, np.int64),
        rings=np.zeros((slots, ARRIVALS), np.int64),
        sizes=np.zeros((slots, SENT), np.uint16),
        drops=np.zeros(len(DropReason), np.int64),
        counts=np.zeros(len(Counter), np.int64),
        state=np.zeros(1, STATE),
        datagrams=pages.zeros(DATA_ROWS, DATAGRAM),
        data=incoming.data,
        names=incoming.names.view(np.int32),
        control=incoming.control,
        overflow=incoming.overflow,
        receive_headers=incoming.headers,
        send_headers=outgoing.headers,
        send_vectors=outgoing.vectors,
        send_control=outgoing.control,
        queue=pages.zeros(QUEUE, QUEUED),
        order=np.zeros(QUEUE, np.int64),
        ends=np.zeros(QUEUE, np.int64),
        chains=np.full(slots, -1, np.int64),
        rows=np.zeros(CONTROL_ROWS * CONTROL_ROW, np.uint8),
        blank_slot=np.zeros(1, SLOT),
        blank_source=np.zeros(1, SOURCE),
        blank_stream=np.zeros(1, STREAM),
        poll=np.zeros(2, POLLFD),
        clock=np.zeros(1, TIMESPEC),
        sleep=np.zeros(1, TIMESPEC),
        length=np.zeros(1, np.int32),
        command=np.zeros(1, COMMAND),
        event=np.zeros(1, EVENT),
        elements=np.zeros(EXTENSIONS, np.int64),
        deltas=np.zeros(MAX_DELTAS, np.int64),
        report=np.zeros(REPORT_FIELDS, np.int64),
        block=np.zeros(BLOCK_FIELDS, np.int64),
        ssrcs=np.zeros(INBOUND, np.int64),
        acknowledged=np.zeros(1, np.int64),
    )
    for field, value in (
        ("partner", -1),
        ("remote", -1),
        ("round_trip_ns", -1),
        ("feedback_reference", -1),
        ("payload_of", -1),
        ("arena", -1),
        ("resend_credit", RESEND_CREDIT),
    ):
        tables.blank_slot[field] = value
    tables.blank_source["ssrc"] = -1
    for field in ("ssrc", "picture_last", "layer_last", "fir_number"):
        tables.blank_stream[field] = -1
    tables.places[:] = -1
    tables.slots[:] = tables.blank_slot
    tables.sources[:] = tables.blank_source
    tables.streams[:] = tables.blank_stream
    state = tables.state[0]
    state["slot"] = -1
    tables.datagrams["row"] = tables.datagrams["message"] = np.arange(DATA_ROWS)
    state["free_arena_count"] = slots
    for field, array in (
        ("poll_address", tables.poll),
        ("clock_address", tables.clock),
        ("sleep_address", tables.sleep),
        ("receive_address", incoming.headers),
        ("send_address", outgoing.headers),
        ("data_address", tables.data),
        ("rows_address", tables.rows),
        ("history_address", tables.history),
        ("slots_address", tables.slots),
        ("sources_address", tables.sources),
        ("streams_address", tables.streams),
        ("length_address", tables.length),
        ("command_address", tables.command),
        ("event_address", tables.event),
        ("overflow_address", tables.overflow),
        ("vectors_address", tables.send_vectors),
        ("control_address", tables.send_control),
    ):
        state[field] = address_of(array)
    for field in (
        "alone_bitrate_bps",
        "alone_grace_ns",
        "free_bitrate_bps",
        "keyframe_interval_ns",
        "feedback_interval_ns",
        "silence_ns",
        "report_interval_ns",
        "tick_ns",
        "media_packets_s",
        "coalesce_ns",
        "repair_ns",
        "history_octets",
        "history_ns",
        "resend_percent",
    ):
        state[field] = getattr(settings, field)
    return tables, (incoming, outgoing)
