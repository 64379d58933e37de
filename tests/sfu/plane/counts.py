"""What the plane has counted of one connection, in plain numbers."""

from dataclasses import dataclass, field

import numpy as np

from sfu.plane import DownlinkCounts, Plane


@dataclass(frozen=True)
class ConnectionStatistics:
    """What the plane has counted of one connection since it was opened. Directions are the node's.

    Attributes:
        packets_in, octets_in: authentic SRTP and SRTCP from the browser, UDP payload.
        packets_out, octets_out: SRTP and SRTCP given to the socket for the browser.
        expected_in, received_in: RTP packets over all its sources (RFC 3550 appendix A.3).
        jitter_in_s: the largest interarrival jitter of its sources (RFC 3550 appendix A.8).
        media_packets_out: RTP packets sent to it.
        lost_out: of these, how many it reports lost in all; less than 0 when some came twice.
        round_trip_s: by its last report, None when not known.
        downlink: what ``sfu.survival`` judges by.
    """

    packets_in: int
    octets_in: int
    packets_out: int
    octets_out: int
    expected_in: int
    received_in: int
    jitter_in_s: float | None
    media_packets_out: int
    lost_out: int
    round_trip_s: float | None
    downlink: DownlinkCounts = field(default_factory=DownlinkCounts)


def counts_of(plane: Plane, slot: int) -> ConnectionStatistics:
    """The counts of ``slot``."""
    one = plane.snapshot([slot])
    record, used = one.slots[0], one.sources["ssrc"] >= 0
    jitter_s = one.jitter_s
    trip_ns = int(record["round_trip_ns"])
    return ConnectionStatistics(
        packets_in=int(record["packets_in"]),
        octets_in=int(record["octets_in"]),
        packets_out=int(record["packets_out"]),
        octets_out=int(record["octets_out"]),
        expected_in=int(one.expected[used].sum()),
        received_in=int(one.received[used].sum()),
        jitter_in_s=None if np.isnan(jitter_s).all() else float(np.nanmax(jitter_s)),
        media_packets_out=int(one.streams["packets"].sum()),
        lost_out=int(one.streams["packets_lost"].sum()),
        round_trip_s=trip_ns / 1e9 if trip_ns >= 0 else None,
        downlink=one.downlink_counts[0],
    )
