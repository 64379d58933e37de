"""What the plane counts: the reasons for which it drops, and events.

The names in small letters are labels of metrics and stand in docs/media-plane.md; the numbers are
places in ``Tables.drops`` and ``Tables.counts``.
"""

from enum import IntEnum, unique


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
    FEEDBACK_RELAYED = 45  # a receiver's transport-wide feedback passed on to the sender
    TRANSPORT_NUMBERS_WITHHELD = 46  # of packets that go no further: the node tells they came
    RED_UNWRAPPED = 47  # redundant audio sent on as its primary block alone
    RESENDS_PAUSED = 48  # of a picture that the receiver's link did not carry
    EXTENSIONS_CUT = 49  # packets whose header extension ends within an element: what fits is read
    TRANSPORT_JUMPS_OVER_RATE = 50  # far ahead or begun anew too often: those go without a number
    NACKS_WITHHELD = 51  # while the node's own socket overflows
