"""What happened on each connection between two snapshots of the plane's counters. Pure.

Loss upwards is that of RFC 3550 appendix A.3: what each source has counted on by, less what came.
libsrtp drops repeated packets before they are counted, and RTX streams are packets of the leg like
any other. Loss downwards is what the receiver says: its transport-wide feedback, number by number,
where there is any; else the cumulative loss of its report blocks, less the numbers that the node
itself never had (they were lost on the other side's way up).
"""

from typing import Final, NamedTuple

import numpy as np

from sfu.plane import Column, Role, Snapshot
from sfu.plane.layouts import Records
from sfu.plane.reception import FIRST
from sfu.plane.tally import TOLD, TOLD_AUDIO, TOLD_AUDIO_LOST, TOLD_LOST
from sfu.rtp.media import CLOCK_RATE_AUDIO, CLOCK_RATE_VIDEO, TrackKind

_FRESH_NS: Final = 8_000_000_000  # browsers report of audio every 2.5 to 7.5 s
_RATES: Final = np.where(np.arange(len(Role)) == Role.AUDIO, CLOCK_RATE_AUDIO, CLOCK_RATE_VIDEO)
_MASK32: Final = 0xFFFFFFFF


class Leg(NamedTuple):
    """One direction of each connection; float64[n] each.

    Attributes:
        packets: SRTP and SRTCP.
        octets: of them, UDP payload.
        expected: RTP packets whose fate became known: sent by the browser; or told of by it.
        lost: of these. Less than 0 when packets that were counted as lost came late.
        audio_expected, audio_lost: the same of audio alone.
        redundant: packets of audio that had copies of earlier ones, RED (RFC 2198).
        repaired: packets that came again after they were lost; downwards, that were sent again.
        given_up: lost packets of video that are not asked for any more.
        jitter_ms: interarrival jitter of audio (RFC 3550 section 6.4.1), NaN when not known.
        video_jitter_ms: the same of the camera.
        frame_gaps: pauses of 250 ms to 1 s of a camera; downwards, keyframes that the browser had
            to ask for.
        frame_gaps_s: how long they lasted, NaN downwards.
        silent_s: since the last packet, NaN when there was none.
    """

    packets: Column
    octets: Column
    expected: Column
    lost: Column
    audio_expected: Column
    audio_lost: Column
    redundant: Column
    repaired: Column
    given_up: Column
    jitter_ms: Column
    video_jitter_ms: Column
    frame_gaps: Column
    frame_gaps_s: Column
    silent_s: Column


class Measurement(NamedTuple):
    """Both legs of each connection, and the round trip between browser and node.

    Attributes:
        rtt_ms: float64[n], by the last report that showed one; NaN when not known.
        transit_ms: arrival of the last sender report less its time by the browser's clock: by how
            much it changes, the way up has; NaN before the first. (The timestamps of media change
            against that clock when a busy browser captures too little sound.)
    """

    up: Leg
    down: Leg
    rtt_ms: Column
    transit_ms: Column


def measure(before: Snapshot, after: Snapshot, unheard_s: Column) -> Measurement:
    """What happened between two snapshots of the same connections.

    ``unheard_s`` is for how long nothing authentic came from each, checks included.
    """
    trip_ns = after.slots["round_trip_ns"]
    return Measurement(
        up=_up(before, after, unheard_s),
        down=_down(before, after),
        transit_ms=_transit_ms(after.sources),
        rtt_ms=np.where(trip_ns >= 0, trip_ns / 1e6, np.nan),
    )


def _up(before: Snapshot, after: Snapshot, unheard_s: Column) -> Leg:
    sources = after.sources
    used = sources["ssrc"] >= 0
    same = used & (before.sources["ssrc"] == sources["ssrc"])
    # a source that has begun anew counts anew
    goes_on = same & (before.received > 0)
    goes_on &= before.sources["reception"][..., FIRST] == sources["reception"][..., FIRST]

    def since(now: Column, earlier: Column, counted_on: Column) -> Column:
        return np.where(used, now - np.where(counted_on, earlier, 0), 0)

    expected = since(after.expected, before.expected, goes_on)
    received = since(after.received, before.received, goes_on)
    repaired = since(sources["repaired"], before.sources["repaired"], same)
    given_up = since(sources["given_up"], before.sources["given_up"], same)
    redundant = since(sources["redundant"], before.sources["redundant"], same)
    gaps = since(sources["frame_gaps"], before.sources["frame_gaps"], same)
    gaps_ns = since(sources["frame_gaps_ns"], before.sources["frame_gaps_ns"], same)
    is_media = used & (sources["rtx"] == 0)
    is_audio = is_media & (sources["kind"] == TrackKind.AUDIO)
    is_camera = is_media & (sources["kind"] == TrackKind.VIDEO)
    lost = expected - received
    # without RTX the packet itself comes again, and has filled its gap
    has_rtx = (used & (sources["rtx"] != 0)).any(1)
    came_again = np.where(has_rtx, 0, repaired.sum(1))
    return Leg(
        packets=_column(after.slots["packets_in"] - before.slots["packets_in"]),
        octets=_column(after.slots["octets_in"] - before.slots["octets_in"]),
        expected=_column(expected.sum(1)),
        lost=_column(lost.sum(1) + came_again),
        audio_expected=_column(np.where(is_audio, expected, 0).sum(1)),
        audio_lost=_column(np.where(is_audio, lost, 0).sum(1)),
        redundant=_column(redundant.sum(1)),
        repaired=_column(repaired.sum(1)),
        given_up=_column(given_up.sum(1)),
        jitter_ms=_largest(after.jitter_s * 1e3, is_audio & (received > 0)),
        video_jitter_ms=_largest(after.jitter_s * 1e3, is_camera & (received > 0)),
        frame_gaps=_column(gaps.sum(1)),
        frame_gaps_s=gaps_ns.sum(1) / 1e9,
        silent_s=unheard_s,
    )


def _down(before: Snapshot, after: Snapshot) -> Leg:
    told = after.slots["told"] - before.slots["told"]
    streams, earlier = after.streams, before.streams
    counted = (earlier["reported_ns"] != 0) & (streams["reported_ns"] != earlier["reported_ns"])
    passed = (streams["reported_highest"] - earlier["reported_highest"]) & _MASK32
    counted &= passed < 1 << 31
    gaps = streams["reported_gaps"] - earlier["reported_gaps"]
    reported = np.where(counted, passed - gaps, 0)
    reported_lost = np.where(counted, streams["packets_lost"] - earlier["packets_lost"] - gaps, 0)
    by_number = after.slots["told"][:, TOLD] > 0
    # a browser may number its video alone
    audio_by_number = after.slots["told"][:, TOLD_AUDIO] > 0
    audio = np.where(audio_by_number, told[:, TOLD_AUDIO], reported[:, Role.AUDIO])
    audio_lost = np.where(audio_by_number, told[:, TOLD_AUDIO_LOST], reported_lost[:, Role.AUDIO])
    video = np.where(
        by_number, told[:, TOLD] - told[:, TOLD_AUDIO], reported[:, Role.VIDEO :].sum(1)
    )
    video_lost = np.where(
        by_number,
        told[:, TOLD_LOST] - told[:, TOLD_AUDIO_LOST],
        reported_lost[:, Role.VIDEO :].sum(1),
    )
    jitter_ms = 1e3 * streams["reported_jitter"] / _RATES
    is_fresh = (streams["reported_ns"] != 0) & (after.at_ns - streams["reported_ns"] < _FRESH_NS)
    sent_ns = streams["time_last_ns"].max(1)
    requests = after.slots["keyframe_requests"] - before.slots["keyframe_requests"]
    return Leg(
        packets=_column(after.slots["packets_out"] - before.slots["packets_out"]),
        octets=_column(after.slots["octets_out"] - before.slots["octets_out"]),
        expected=_column(audio + video),
        lost=_column(audio_lost + video_lost),
        audio_expected=_column(audio),
        audio_lost=_column(audio_lost),
        redundant=_column((streams["redundant"] - earlier["redundant"]).sum(1)),
        repaired=_column((streams["resends"] - earlier["resends"]).sum(1)),
        given_up=np.zeros(len(told)),
        jitter_ms=_largest(jitter_ms, is_fresh & (np.arange(len(Role)) == Role.AUDIO)),
        video_jitter_ms=_largest(jitter_ms, is_fresh & (np.arange(len(Role)) == Role.VIDEO)),
        frame_gaps=_column(requests),
        frame_gaps_s=np.full(len(told), np.nan),
        silent_s=np.where(sent_ns > 0, (after.at_ns - sent_ns) / 1e9, np.nan),
    )


def _transit_ms(sources: Records) -> Column:
    reported_ns = np.where(sources["ssrc"] >= 0, sources["report_ns"], 0)
    latest = reported_ns.argmax(1)[:, None]
    at_ns = np.take_along_axis(reported_ns, latest, 1)[:, 0]
    said_ns = np.take_along_axis(sources["report_ntp_ns"], latest, 1)[:, 0]
    return np.where(at_ns > 0, (at_ns - said_ns) / 1e6, np.nan)


def _column(counts: Column) -> Column:
    return counts.astype(np.float64)


def _largest(values: Column, where: Column) -> Column:
    """The largest value of each row where there is one, else NaN."""
    most = np.where(where, values, -1.0).max(1)
    return np.where(most >= 0, most, np.nan)
