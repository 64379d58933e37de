"""The records of which the plane's tables are made, and how many of each there are.

Directions are the server's: *inbound* comes from a browser. Every number is an int64, so that
compiled and interpreted arithmetic agree; sequence and transport-wide numbers are *unwrapped*
(``unwrapping``), and 0 means that there is none yet. Times are CLOCK_REALTIME ns.
"""

from enum import IntEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sfu.large_pages import LINE
from sfu.native import ADDRESS_SIZE, CONTROL_SIZE, Messages
from sfu.plane.arrivals import ARRIVAL_FIELDS
from sfu.plane.reception import RECEPTION_FIELDS
from sfu.plane.tally import TOLD_FIELDS
from sfu.rtp.media import Codec, Extension, TrackKind

Octets = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]
Records = npt.NDArray[np.void]
Record = Any  # one np.void of a structured array: a view into it

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
HEADROOM: Final = 64  # an outgoing header may be longer than the one that came
TAILROOM: Final = 160  # libsrtp's largest trailer
CONTROL_ROWS: Final = 64  # RTCP packets that wait for one ``sendmmsg``
CONTROL_ROW: Final = 2112
QUEUE: Final = DATA_ROWS + CONTROL_ROWS  # packets that wait to be sent
MAX_SEGMENTS: Final = 64  # packets in a run; UDP_MAX_SEGMENTS of kernels before 6.9


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
        ("consent_full_ns", np.int64),
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
        ("ssrc", np.int64),  # of its RTCP from us, −1 for none yet
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
        ("jumps_full_ns", np.int64),
        ("paused", np.int64, (OUTBOUND,)),  # by Role, 1: nothing is sent again
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
        ("repaired", np.int64),
        ("given_up", np.int64),
        ("redundant", np.int64),  # packets of RED
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
        ("redundant", np.int64),  # packets of RED
        ("start", np.int64),  # the very first sequence number
        ("ssrc_before", np.int64),  # while it is not sent, or was not once; −1: it always was
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
        ("position", np.int64),  # in the batch
        ("count", np.int64),  # of the batch
        ("commands_checked", np.int64),  # in this batch, because of an unknown source
        ("messages", np.int64),  # received by the last ``recvmmsg``
        ("unpacked", np.int64),  # of these
        ("segmentation", np.int64),  # 1: runs may be sent
        ("refusals", np.int64),  # of runs, since one was sent
        ("queued", np.int64),
        ("control_rows", np.int64),
        ("next_tick_ns", np.int64),
        ("timers_due", np.int64),  # 1: not all open slots were looked at since the last tick
        ("timer", np.int64),  # the next of them
        ("open_count", np.int64),
        ("free_arena_count", np.int64),
        ("address_serial", np.int64),
        ("overflow_ns", np.int64),  # when the kernel last told of datagrams without room
        ("load", np.int64),  # see ``coalescing``
        ("steady_ns", np.int64),  # CLOCK_BOOTTIME at the beginning of the turn
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

FIRST_OCTET: Final = HEADROOM
STRIDE: Final = Messages(1, LARGEST_DATAGRAM, headroom=HEADROOM, tailroom=TAILROOM).stride
"""Datagram ``i`` of a batch begins at ``data[i * STRIDE + FIRST_OCTET]``."""

CONTROL_WORDS: Final = CONTROL_SIZE // 8
ADDRESSES_OFFSET: Final = int(SLOT.fields["addresses"][1]) if SLOT.fields else 0
SLOT_SIZE: Final = SLOT.itemsize
SOURCE_SIZE: Final = SOURCE.itemsize
STREAM_SIZE: Final = STREAM.itemsize
HOT_SLOT: Final = 7 * LINE  # of a slot, what most packets look at; of a source, and of a stream
HOT_SOURCE: Final = 3 * LINE
HOT_STREAM: Final = 3 * LINE
