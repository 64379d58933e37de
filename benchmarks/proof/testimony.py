"""What node and browser said of a leg, and what the truth of just that is. Pure.

The node speaks in the periods of ``GET …/quality``, of five seconds from ``at`` on. The browser
speaks in its diary (``benchmarks.proof.calls``): its statistics, looked at once a second.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from benchmarks.impairment.line import Direction
from benchmarks.proof.conditions import Leg
from benchmarks.proof.truth import Lost, Moments, Path

Entry = Mapping[str, Any]
"""A look at the statistics: ``at`` in Unix ms, and reports by type and kind."""


class Figures(NamedTuple):
    """Of one leg; None: not known."""

    loss_pct: float | None
    jitter_ms: float | None
    rtt_ms: float | None


class Told(NamedTuple):
    """What a witness said, and what it should have."""

    said: Figures
    true: Figures


class Streams(NamedTuple):
    """The SSRC of a party's audio, sent and received by the browser."""

    sent: int
    received: int


def streams(diary: Sequence[Entry]) -> Streams:
    """Those of the last look."""
    last = diary[-1]
    return Streams(last["outbound-rtp audio"]["ssrc"], last["inbound-rtp audio"]["ssrc"])


def by_node(periods: Sequence[Mapping[str, Any]], leg: Leg, path: Path, audio: Streams) -> Told:
    """The node's, over periods that follow one another."""
    told = [period["legs"][leg.name] for period in periods]
    said = Figures(
        Lost(sum(each["expected"] for each in told), sum(each["lost"] for each in told)).pct,
        _mean([each["jitter_ms"] for each in told]),
        _mean([each["rtt_ms"] for each in told]),
    )
    ticks = _moments(
        [
            period["at"] + 1 + second
            for period in periods
            for second in range(round(period["duration_s"]))
        ],
        1e9,
    )
    from_ns, until_ns = round(periods[0]["at"] * 1e9), int(ticks[-1])
    if leg.direction == Direction.UP:
        jitter = path.jitter(Direction.UP, audio.sent)
    else:
        jitter = path.jitter_reported(Direction.DOWN, audio.received)
    true = Figures(
        path.lost(leg.direction, from_ns, until_ns).pct,
        jitter.mean(ticks),
        path.round_trips_at_node().mean(ticks),
    )
    return Told(said, true)


def by_browser(diary: Sequence[Entry], leg: Leg, path: Path) -> Told:
    """The browser's, from the first look to the last."""
    audio = streams(diary)
    looked = _moments([entry["at"] for entry in diary], 1e6)
    if leg.direction == Direction.UP:
        lost, truly = _lost_up(diary, path)
        reported = [entry["remote-inbound-rtp audio"]["jitter"] for entry in diary]
        jitter = path.jitter_reported(Direction.UP, audio.sent)
    else:
        lost, truly = _lost_down(diary, path)
        reported = [entry["inbound-rtp audio"]["jitter"] for entry in diary]
        jitter = path.jitter(Direction.DOWN, audio.received)
    trips = [entry["remote-inbound-rtp audio"]["roundTripTime"] for entry in diary]
    said = Figures(lost.pct, _mean(reported, 1000), _mean(trips, 1000))
    true = Figures(
        truly.pct, jitter.mean(looked), path.round_trips_at_browser(audio.sent).mean(looked)
    )
    return Told(said, true)


def _lost_up(diary: Sequence[Entry], path: Path) -> tuple[Lost, Lost]:
    """By the node's reports as the browser has them, of the time between two of them.

    They count what was lost, not of how many: those are as the log has them.
    """
    said, true = Lost(0, 0), Lost(0, 0)
    for kind in ("audio", "video"):
        first, last = (diary[place][f"remote-inbound-rtp {kind}"] for place in (0, -1))
        between = _moments([first["timestamp"], last["timestamp"]], 1e6)
        found = path.lost(Direction.UP, int(between[0]), int(between[1]), [first["ssrc"]])
        said = _sum(said, Lost(found.packets, last["packetsLost"] - first["packetsLost"]))
        true = _sum(true, found)
    return said, true


def _lost_down(diary: Sequence[Entry], path: Path) -> tuple[Lost, Lost]:
    """Before repair; with what the partner's way up lost, for the numbers lack it."""
    said, true = Lost(0, 0), Lost(0, 0)
    between = _moments([diary[0]["at"], diary[-1]["at"]], 1e6)
    for kind in ("audio", "video"):
        first, last = (diary[place][f"inbound-rtp {kind}"] for place in (0, -1))
        came, lost, again = (
            (last[field] or 0) - (first[field] or 0)  # nothing came again yet: null
            for field in ("packetsReceived", "packetsLost", "retransmittedPacketsReceived")
        )
        said = _sum(said, Lost(came - again + lost, lost))
        found = path.missing(Direction.DOWN, int(between[0]), int(between[1]), first["ssrc"])
        true = _sum(true, found)
    return said, true


def _sum(one: Lost, other: Lost) -> Lost:
    return Lost(one.packets + other.packets, one.lost + other.lost)


def _moments(times: Sequence[float], unit_ns: float) -> Moments:
    return np.rint(np.array(times) * unit_ns).astype(np.int64)


def _mean(values: Sequence[float | None], scale: float = 1.0) -> float | None:
    known = [each * scale for each in values if each is not None]
    return sum(known) / len(known) if known else None
