"""Bounds and intervals of the plane, as who starts it chooses them."""

from dataclasses import dataclass
from typing import Final

MAX_PARTICIPANTS: Final = 512
"""How many slots there can be; the first two characters of an ICE ufrag name one."""

MOST_COALESCE_NS: Final = 500_000


@dataclass(frozen=True)
class PlaneSettings:
    """Bounds and intervals of the plane; ValueError for a sleep that is too long.

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
        coalesce_ns: the longest sleep after a small batch under load, 0 for none to
            ``MOST_COALESCE_NS``.
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
    coalesce_ns: int = MOST_COALESCE_NS
    send_runs: bool = True
    receive_runs: bool = True
    repair_ns: int = 1_000_000_000
    history_octets: int = 384 * 1024
    history_ns: int = 1_000_000_000
    resend_percent: int = 50

    def __post_init__(self) -> None:
        if not 0 <= self.coalesce_ns <= MOST_COALESCE_NS:
            raise ValueError(
                f"coalesce_ns must be 0 to {MOST_COALESCE_NS}, not {self.coalesce_ns}:"
                " packets would wait for each other longer than they may"
            )
