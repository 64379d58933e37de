"""A downlink of 400 kbit/s for 20 s: does sound survive, and how soon is the picture back?

Runs through the node and runs of the two browsers directly with each other take turns, through the
same token bucket (``tc tbf``) on the way to the same machine. With ``Feedback.REMB`` neither
negotiates transport-wide feedback, so that the receiver's own estimate is all that a sender hears.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from statistics import median
from typing import Any

from benchmarks.calls import direct
from benchmarks.calls.arrangement import (
    CLIENT_HOST,
    FOLLOW_S,
    PICTURE,
    Arrangement,
    follow,
    shown_s,
)
from benchmarks.calls.received import Look, between, longest_gap_s, mean_bps, recovery_s
from benchmarks.disturbance import Disturbance, Watch
from tests.browser import media
from tests.browser.browser import Page
from tests.browser.network import Network
from tests.browser.people import Pair

MIN_BEFORE_BPS = 1_000_000
BACK_SHARE = 0.8
MAX_BEHIND_DIRECT_S = 3.0
# Sound is intact when not more than this of the time in the bottleneck is made up, or not much more
# than in the direct call: the queue fills before any congestion control can know, and takes sound
# with it.
MAX_CONCEALED_PCT = 2.0
MAX_MORE_CONCEALED_PCT = 1.0
NEVER_ABOVE_PCT = 5.0  # concealed, however bad the direct calls were
RATE_LIMIT, BURST, QUEUE = "400kbit", "4kb", "250ms"
TARGET = (
    f"from {MIN_BEFORE_BPS // 1_000_000} Mbit/s or more, 400 kbit/s down for 20 s, then free: sound"
    f" intact (at most {MAX_CONCEALED_PCT} % concealed, or {MAX_MORE_CONCEALED_PCT} point more than"
    f" in a direct call, never above {NEVER_ABOVE_PCT} %), video back to {BACK_SHARE:.0%} at most"
    f" {MAX_BEHIND_DIRECT_S} s later than in a direct call"
)
SETTLE_S = 12.0  # congestion control finds the rate
BEFORE_S = 8.0
RISE_WITHIN_S = 60.0
REMOTE_SDP = "() => __probe.connections.at(-1).pc.remoteDescription.sdp"


class Feedback(StrEnum):
    """What a sender's congestion control goes by."""

    TRANSPORT_CC = "transport-cc"
    REMB = "remb"

    @property
    def watched_s(self) -> float:
        """For how long a recovery is waited for: a REMB rises by 8 % a second, unprobed."""
        return 45.0 if self is Feedback.TRANSPORT_CC else 90.0


@dataclass(frozen=True)
class Phases:
    """How long the parts of a run take, in seconds; ``watched`` is the limit of a recovery."""

    narrow: float = 20.0
    watched: float = 45.0


@dataclass(frozen=True)
class Run:
    """One call through the bottleneck, seen by its receiver.

    Attributes:
        way: ``node`` or ``direct``.
        before_bps: video before it.
        recovery_s: from its end until video is back; None when it was not in the time.
        narrow: what was received in it (:func:`between`), and ``after`` it until the end.
        longest_gap_s: without a picture, from its beginning to the end.
        course_kbps: video, second by second from its beginning on.
        disturbance: what else happened on the machine, from the call's beginning on.
    """

    way: str
    before_bps: float
    recovery_s: float | None
    narrow: dict[str, float]
    after: dict[str, float]
    longest_gap_s: float
    course_kbps: list[int]
    disturbance: Disturbance


@contextmanager
def narrowed(network: Network, host: str) -> Iterator[None]:
    """A bottleneck on the way to a machine."""
    device = f"to-{host}"
    limit = ("rate", RATE_LIMIT, "burst", BURST, "latency", QUEUE)
    network.server.run("tc", "qdisc", "add", "dev", device, "root", "tbf", *limit)
    try:
        yield
    finally:
        network.server.run("tc", "qdisc", "del", "dev", device, "root")


def observe(arrangement: Arrangement, way: str, page: Page, phases: Phases) -> Run:
    """Take a call that is up through the bottleneck; ``page`` is the receiver's, at the client."""
    watch = Watch()
    time.sleep(SETTLE_S)
    deadline_s = time.time() + RISE_WITHIN_S
    while True:
        looks = follow(page, time.time() + BEFORE_S)
        before_bps = mean_bps(looks, looks[-1].at_s - BEFORE_S, looks[-1].at_s)
        if before_bps >= MIN_BEFORE_BPS or time.time() > deadline_s:
            break
    with narrowed(arrangement.network, CLIENT_HOST):
        narrow_s = time.time()
        looks += follow(page, narrow_s + phases.narrow)
    freed_s = time.time()
    narrow_end = looks[-1]
    back: float | None = None
    # A while beyond, so that a rate which does not last is seen in the course.
    until_s = freed_s + phases.watched
    while time.time() < until_s:
        looks += follow(page, time.time() + 5 * FOLLOW_S)
        if back is None:
            back = recovery_s(looks, freed_s, BACK_SHARE * before_bps)
            if back is not None:
                until_s = min(until_s, time.time() + 5)
    disturbance = watch.end()
    last = looks[-1]
    narrow_first = next(each for each in looks if each.at_s >= narrow_s)
    return Run(
        way,
        before_bps,
        back,
        between(narrow_first, narrow_end),
        between(narrow_end, last),
        longest_gap_s(shown_s(page, narrow_s), narrow_s, last.at_s),
        course_kbps(looks, narrow_s),
        disturbance,
    )


def course_kbps(looks: Sequence[Look], from_s: float) -> list[int]:
    """The rate of video in each second since then."""
    seconds = int(looks[-1].at_s - from_s)
    return [
        round(mean_bps(looks, from_s + each, from_s + each + 1) / 1000) for each in range(seconds)
    ]


def through_the_node(arrangement: Arrangement, phases: Phases, feedback: Feedback) -> Run:
    """A call as users have it, by the page."""
    preload = [media.WITHOUT_TRANSPORT_CC] if feedback is Feedback.REMB else []
    browsers = (arrangement.client, arrangement.specialist)
    pair = Pair(arrangement.server.url, *browsers, PICTURE, preload)
    try:
        pair.sign_in()
        pair.start_call()
        for person in pair.people:
            check_feedback(person.page.evaluate(REMOTE_SDP), feedback)
        return observe(arrangement, "node", pair.client.page, phases)
    finally:
        pair.close()


def directly(arrangement: Arrangement, phases: Phases, feedback: Feedback) -> Run:
    """A call of the browsers with each other."""
    with direct.calling(arrangement, feedback is Feedback.TRANSPORT_CC) as (page, other):
        for each in (page, other):
            check_feedback(each.evaluate(REMOTE_SDP), feedback)
        return observe(arrangement, "direct", page, phases)


def check_feedback(remote_sdp: str, feedback: Feedback) -> None:
    """Raises RuntimeError when that is not what was negotiated."""
    negotiated = Feedback.TRANSPORT_CC if "transport-cc" in remote_sdp else Feedback.REMB
    if negotiated is not feedback:
        raise RuntimeError(f"{negotiated} was negotiated, not {feedback}")


def measure(
    arrangement: Arrangement, runs: int, phases: Phases, feedback: Feedback
) -> dict[str, Any]:
    """As many runs of either way, in turns; the report of them."""
    with narrowed(arrangement.network, CLIENT_HOST):
        pass  # a bucket that the kernel lacks is told before the first call
    found = []
    for _ in range(runs):
        found.append(through_the_node(arrangement, phases, feedback))
        found.append(directly(arrangement, phases, feedback))
    return report(found, phases, feedback)


def report(
    runs: Sequence[Run], phases: Phases, feedback: Feedback = Feedback.TRANSPORT_CC
) -> dict[str, Any]:
    """The result, without machine. A recovery that was not seen counts as the limit."""
    ways: dict[str, dict[str, Any]] = {}
    for way in ("node", "direct"):
        chosen = [run for run in runs if run.way == way]
        ways[way] = {
            "recovery_s": round(
                median(
                    phases.watched if run.recovery_s is None else run.recovery_s for run in chosen
                ),
                2,
            ),
            "not_recovered": sum(run.recovery_s is None for run in chosen),
            "before_bps": round(median(run.before_bps for run in chosen)),
            **{
                name: round(median(run.narrow[name] for run in chosen), 3)
                for name in ("audio_concealed_pct", "audio_lost_pct", "video_bps", "frozen_pct")
            },
            "runs": [
                {
                    "recovery_s": None if run.recovery_s is None else round(run.recovery_s, 2),
                    "before_bps": round(run.before_bps),
                    "longest_gap_s": round(run.longest_gap_s, 2),
                    "narrow": run.narrow,
                    "after": run.after,
                    "course_kbps": run.course_kbps,
                    "disturbance": asdict(run.disturbance),
                }
                for run in chosen
            ],
        }
    node, straight = ways["node"], ways["direct"]
    behind_s = round(node["recovery_s"] - straight["recovery_s"], 2)
    concealed = node["audio_concealed_pct"]
    direct_concealed = straight["audio_concealed_pct"]
    as_direct = max(MAX_CONCEALED_PCT, direct_concealed + MAX_MORE_CONCEALED_PCT)
    intact = concealed <= min(as_direct, NEVER_ABOVE_PCT)
    fast = all(way["before_bps"] >= MIN_BEFORE_BPS for way in ways.values())
    by_remb = feedback is Feedback.REMB
    return {
        "name": "calls by REMB, bottleneck" if by_remb else "calls bottleneck",
        "target": f"without transport-wide feedback: {TARGET}" if by_remb else TARGET,
        "measured": {
            "back after": f"{node['recovery_s']:.1f} s",
            "direct": f"{straight['recovery_s']:.1f} s",
            "behind by": f"{behind_s:.1f} s",
            "sound concealed": f"{concealed:.2f} %",
            "direct sound": f"{direct_concealed:.2f} %",
        },
        "holds": bool(
            fast and intact and behind_s <= MAX_BEHIND_DIRECT_S and not node["not_recovered"]
        ),
        "bottleneck": {"rate": RATE_LIMIT, "burst": BURST, "queue": QUEUE},
        "seconds": phases.narrow,
        "ways": ways,
    }


def in_words(result: dict[str, Any]) -> str:
    """The result for people."""
    lines = []
    for name, way in result["ways"].items():
        each = ", ".join(
            "never" if run["recovery_s"] is None else f"{run['recovery_s']} s"
            for run in way["runs"]
        )
        lines.append(
            f"  {name}: {way['before_bps'] / 1000:.0f} kbit/s before,"
            f" {way['video_bps'] / 1000:.0f} kbit/s in the bottleneck, back after"
            f" {way['recovery_s']} s (runs: {each}); audio concealed"
            f" {way['audio_concealed_pct']} %, lost {way['audio_lost_pct']} %"
        )
        for number, run in enumerate(way["runs"], 1):
            disturbance = Disturbance(**run["disturbance"])
            lines.append(f"    run {number}: meanwhile {disturbance.in_words()}")
    return "\n".join(lines)
