"""What crosses between the shell and the plane: commands in, events out, as fixed-size records.

Each record is one message of a SOCK_SEQPACKET pair: the kernel bounds and orders them.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

DATA_SIZE: Final = 1536
"""The largest STUN or DTLS datagram that is passed up, in octets."""

MAX_MIDS: Final = 3


class CommandKind(IntEnum):
    """What the shell asks for."""

    STOP = 0
    OPEN = 1
    UFRAG = 2
    ADDRESS = 3
    REMOTE = 4
    SRTP = 5
    MEDIA = 6
    PAIR = 7
    CLOSE = 8
    PAUSE = 9


COMMAND = np.dtype(
    [
        ("kind", np.int64),
        ("slot", np.int64),
        ("first", np.int64),  # partner, inbound srtp_t, or 1 for a paused camera
        ("second", np.int64),  # outbound srtp_t, or 1 for a paused screen
        ("ufrag", np.uint8, (8,)),
        ("address", np.int32, (7,)),
        ("codec_of", np.uint8, (128,)),
        ("extension_of", np.uint8, (16,)),
        ("inbound_ssrcs", np.int64, (MAX_MIDS, 2)),  # media and RTX, −1 for none declared
        ("inbound", np.int64, (MAX_MIDS,)),  # 1 when the track is there
        ("mids", np.uint8, (MAX_MIDS, 16)),
        ("mid_lengths", np.int64, (MAX_MIDS,)),
        ("outbound_ssrcs", np.int64, (5,)),  # by Role, −1 for none
        ("starts", np.int64, (5,)),  # first sequence numbers
        ("cname", np.uint8, (32,)),
        ("cname_length", np.int64),
        ("ssrc", np.int64),  # that the node reports under where it sends nothing
    ]
)


class EventKind(IntEnum):
    """What the plane tells."""

    STUN = 0
    DTLS = 1
    RELEASED = 2
    FAULTED = 3


EVENT = np.dtype(
    [
        ("kind", np.int64),
        ("slot", np.int64),
        ("at_ns", np.int64),
        ("length", np.int64),
        ("address", np.int32, (7,)),
        ("data", np.uint8, (DATA_SIZE,)),
    ]
)

EVENT_HEADER: Final = int(EVENT.fields["data"][1]) if EVENT.fields else 0
"""Only this much and the data is sent."""


@dataclass(frozen=True)
class StunReceived:
    """A STUN packet whose username names ``slot``, from any address, not authenticated yet.

    ``at_ns`` is CLOCK_BOOTTIME.
    """

    slot: int
    address: bytes
    data: bytes
    at_ns: int


@dataclass(frozen=True)
class DtlsReceived:
    """A DTLS record from a validated address of ``slot``."""

    slot: int
    address: bytes
    data: bytes


@dataclass(frozen=True)
class Released:
    """The plane has let go of ``slot``: its SRTP contexts may be freed, and it may be reused."""

    slot: int


@dataclass(frozen=True)
class Faulted:
    """Three of the packets of ``slot`` raised in the plane: our own error. Close its room."""

    slot: int


PlaneEvent = StunReceived | DtlsReceived | Released | Faulted


def read_event(record: bytes) -> PlaneEvent:
    """The event in one message of the channel."""
    event = np.frombuffer(record.ljust(EVENT.itemsize, b"\0"), EVENT)[0]
    slot = int(event["slot"])
    address = event["address"].tobytes()
    data = event["data"][: int(event["length"])].tobytes()
    match EventKind(int(event["kind"])):
        case EventKind.STUN:
            return StunReceived(slot, address, data, int(event["at_ns"]))
        case EventKind.DTLS:
            return DtlsReceived(slot, address, data)
        case EventKind.RELEASED:
            return Released(slot)
        case EventKind.FAULTED:
            return Faulted(slot)
