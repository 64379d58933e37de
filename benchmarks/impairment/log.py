"""The log of the proxy: what became of every packet, and the truth that can be computed from it.

A file of records of :data:`RECORD`, one a packet in the order in which their passages ended. SRTP
leaves the RTP header in clear, and SRTCP the first eight octets, so the records say which stream a
packet belongs to (:class:`Kind` as RFC 7983 tells them apart).
"""

import struct
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.impairment.line import Fate, Passage


class Kind(IntEnum):
    """What a datagram is."""

    OTHER = 0
    STUN = 1
    DTLS = 2
    RTP = 3
    RTCP = 4


RECORD = np.dtype(
    [
        ("arrived_ns", "<i8"),  # at the proxy, by the kernel's stamp; Unix time, as the others
        ("due_ns", "<i8"),  # when it was to leave
        ("sent_ns", "<i8"),  # when it left; 0: it did not
        ("client", "<u2"),  # Client.number
        ("host", "S39"),  # of the client
        ("port", "<u2"),
        ("direction", "u1"),  # Direction
        ("fate", "u1"),  # Fate
        ("held", "u1"),  # 1: chosen to be passed by others
        ("copy", "u1"),  # 1: second copy of a datagram that was to arrive twice
        ("size", "<u2"),  # of the UDP payload, in octets
        ("kind", "u1"),  # Kind
        # RTP payload type, RTCP packet type of the first packet, STUN message type, DTLS content
        # type
        ("type", "<u2"),
        ("format", "u1"),  # RTP marker; FMT or count of the first RTCP packet
        ("sequence", "<u2"),  # RTP
        ("timestamp", "<u4"),  # RTP
        ("ssrc", "<u4"),  # RTP, and the sender's of the first RTCP packet
    ]
)

_PACKED = struct.Struct("<qqqH39sHBBBBHBHBHII")  # as RECORD, a fifth of the work
Records = np.ndarray[Any, np.dtype[np.void]]


def describe(data: bytes) -> tuple[Kind, int, int, int, int, int]:
    """Kind, and ``type``, ``format``, ``sequence``, ``timestamp``, ``ssrc`` of a datagram."""
    first = data[0] if data else 255
    if first < 4 and len(data) >= 2:
        return Kind.STUN, int.from_bytes(data[:2]), 0, 0, 0, 0
    if 20 <= first <= 63:
        return Kind.DTLS, first, 0, 0, 0, 0
    if 128 <= first <= 191 and len(data) >= 8:
        if 192 <= data[1] <= 223:  # RFC 5761 section 4
            return Kind.RTCP, data[1], first & 0x1F, 0, 0, int.from_bytes(data[4:8])
        if len(data) >= 12:
            return (
                *(Kind.RTP, data[1] & 0x7F, data[1] >> 7),
                *(int.from_bytes(data[2:4]), int.from_bytes(data[4:8])),
                int.from_bytes(data[8:12]),
            )
    return Kind.OTHER, 0, 0, 0, 0, 0


def record(passage: Passage, sent_ns: int) -> bytes:
    """The record of a passage that has ended; ``sent_ns`` is 0 unless it was sent."""
    kind, type_, format_, sequence, timestamp, ssrc = describe(passage.data)
    client = passage.client
    return _PACKED.pack(
        *(passage.arrived_ns, passage.due_ns, sent_ns, client.number, client.host.encode()),
        *(client.port, passage.direction, passage.fate, passage.held, passage.copy),
        *(len(passage.data), kind, type_, format_, sequence, timestamp, ssrc),
    )


def read_log(path: Path, skipped: int = 0) -> Records:
    """All records of a log. One that was cut short at the end is left out.

    ``skipped``: octets at its beginning that are not wanted; of a record in part none is.
    """
    with path.open("rb") as file:
        file.seek(-(-skipped // RECORD.itemsize) * RECORD.itemsize)
        octets = file.read()
    return np.frombuffer(octets[: len(octets) // RECORD.itemsize * RECORD.itemsize], RECORD)


def loss_pct(records: Records) -> float:
    """Share of the datagrams that arrived at the proxy and did not leave; copies do not count.

    Take the records of one direction, host or stream. What was still under way does not count.
    """
    first = records[(records["copy"] == 0) & (records["fate"] != Fate.UNDERWAY)]
    return 100 * float(np.mean(first["fate"] != Fate.SENT)) if len(first) else 0.0


def delays_ms(records: Records) -> np.ndarray[Any, np.dtype[np.float64]]:
    """How long each datagram that left was in the proxy."""
    sent = records[records["fate"] == Fate.SENT]
    return np.asarray((sent["sent_ns"] - sent["arrived_ns"]) / 1e6, np.float64)


def jitter_ms(records: Records, clock_hz: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The interarrival jitter behind the proxy after each packet, as RFC 3550 A.8 has it.

    Args:
        records: of one RTP stream in one direction.
        clock_hz: of its timestamps: 48000 for Opus, 90000 for video.
    """
    sent = np.sort(records[records["fate"] == Fate.SENT], order="sent_ns", kind="stable")
    arrivals = sent["sent_ns"] * (clock_hz / 1e9)
    # Timestamps wrap; their differences are read as signed 32-bit numbers.
    steps = np.diff(sent["timestamp"]).view(np.int32)
    moves = np.abs(np.diff(arrivals) - steps)
    found = np.zeros(len(sent))
    jitter = 0.0
    for index, move in enumerate(moves):
        jitter += (move - jitter) / 16
        found[index + 1] = jitter
    return found * (1000 / clock_hz)
