"""Does the picture freeze when both participants' lines lose 5 % each way and take 50 ms?"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from statistics import fmean
from typing import Any

import numpy as np

from benchmarks.calls.arrangement import PICTURE, Arrangement, look, shown_s
from benchmarks.calls.received import between, frozen_s, longest_gap_s, share_pct
from benchmarks.disturbance import Disturbance, Watch
from benchmarks.impairment.line import Direction, Impairment
from benchmarks.impairment.log import Kind, Records, loss_pct
from tests.browser.people import Pair

MAX_FROZEN_PCT = 1.0
MIN_VIDEO_BPS = 500_000
WIDTH, HEIGHT = 640, 360
TARGET = (
    f"5 % random loss each way and 50 ms round trip on both hops: video of {WIDTH}×{HEIGHT} frozen"
    f" at most {MAX_FROZEN_PCT} % of the time at {MIN_VIDEO_BPS // 1000} kbit/s or more, at both"
)
LOOK_EVERY_S = 5.0  # a sender that makes its picture smaller keeps it so for longer
LEGS = ("client", "specialist")


@dataclass(frozen=True)
class Call:
    """One call over impaired lines.

    Attributes:
        from_s, until_s: what was measured of it; Unix seconds.
        receivers: by participant: what came from one look to the other, and freezes; ``width`` and
            ``height`` are of the smallest picture that was seen.
        plane: what the node counted meanwhile.
        disturbance: what else happened on the machine meanwhile.
        injected_loss_pct: what was really lost, by participant and direction.
    """

    from_s: float
    until_s: float
    receivers: dict[str, dict[str, Any]]
    plane: dict[str, float]
    disturbance: Disturbance
    injected_loss_pct: dict[str, float] = field(default_factory=dict)

    @property
    def frozen_pct(self) -> float:
        """At the worse of the two, by the worse of both measures: the browser's own, and ours by
        the pictures that were shown."""
        return float(
            max(
                max(each["frozen_pct"], each["frozen_by_pictures_pct"])
                for each in self.receivers.values()
            )
        )

    @property
    def video_bps(self) -> float:
        """At the worse of the two."""
        return float(min(each["video_bps"] for each in self.receivers.values()))

    @property
    def picture(self) -> tuple[int, int]:
        """Width and height at the one with the smaller picture."""
        return min((each["width"], each["height"]) for each in self.receivers.values())


def measure(
    arrangement: Arrangement, line: Impairment, calls: int, seconds: float, warm_up_s: float
) -> dict[str, Any]:
    """Hold calls over impaired lines, one after the other; the report of them."""
    proxy = arrangement.proxy
    assert proxy is not None
    proxy.impair(up=line, down=line)
    held = [hold(arrangement, seconds, warm_up_s) for _ in range(calls)]
    summary, records = proxy.end()
    held = [
        replace(call, injected_loss_pct=_injected(records, arrangement, call.from_s, call.until_s))
        for call in held
    ]
    return report(held, line, {name: summary[name] for name in ("late_us", "not_read_in_time")})


def hold(arrangement: Arrangement, seconds: float, warm_up_s: float) -> Call:
    """Hold one call over the lines as they are."""
    pair = Pair(arrangement.server.url, arrangement.client, arrangement.specialist, PICTURE)
    pages = [person.page for person in pair.people]
    try:
        pair.sign_in()
        pair.start_call()
        time.sleep(warm_up_s)
        plane_before = pair.api.metrics()
        watch = Watch()
        began_s = time.time()
        seen = [[look(page)] for page in pages]
        while (left_s := began_s + seconds - time.time()) > 0:
            time.sleep(min(left_s, LOOK_EVERY_S))
            for page, looks in zip(pages, seen, strict=True):
                looks.append(look(page))
        disturbance = watch.end()
        shown = [
            [at for at in shown_s(page, began_s) if at <= looks[-1].at_s]
            for page, looks in zip(pages, seen, strict=True)
        ]
        sending = [page.evaluate("() => __probe.outgoing()") for page in pages]
        plane_after = pair.api.metrics()
    finally:
        pair.close()
    receivers = {}
    for index, leg in enumerate(LEGS):
        first, last = seen[index][0], seen[index][-1]
        width, height = min((each.width, each.height) for each in seen[index])
        shown_frozen_s = frozen_s(shown[index], last.at_s)
        receivers[leg] = {
            **between(first, last),
            "width": width,
            "height": height,
            "frozen_by_pictures_pct": round(share_pct(shown_frozen_s, last.at_s - first.at_s), 3),
            "longest_gap_s": round(longest_gap_s(shown[index], first.at_s, last.at_s), 3),
            "picture_gaps_ms": _gaps_ms(shown[index]),
            "available_to_send_bps": sending[index]["availableBps"],
        }
    return Call(
        seen[0][0].at_s,
        seen[0][-1].at_s,
        receivers,
        _plane(plane_before, plane_after),
        disturbance,
    )


def report(calls: Sequence[Call], line: Impairment, proxy: dict[str, Any]) -> dict[str, Any]:
    """The result, without name and machine."""
    frozen_pct = fmean(call.frozen_pct for call in calls)  # they are of one length
    bps = min(call.video_bps for call in calls)
    each = ", ".join(f"{call.frozen_pct:.2f}" for call in calls)
    width, height = min(call.picture for call in calls)
    return {
        "target": TARGET,
        "measured": {
            "frozen": f"{frozen_pct:.2f} % of all calls (each: {each})",
            "video": f"{bps / 1000:.0f} kbit/s at least",
            "picture": f"{width}×{height}",
        },
        "holds": frozen_pct <= MAX_FROZEN_PCT and bps >= MIN_VIDEO_BPS and width == WIDTH,
        "calls": [
            {"frozen_pct": call.frozen_pct, "video_bps": call.video_bps, **asdict(call)}
            for call in calls
        ],
        "line": asdict(line),
        "proxy": proxy,
    }


def in_words(result: dict[str, Any]) -> str:
    """The result for people."""
    lines = []
    for number, call in enumerate(result["calls"], 1):
        lines.append(f"  call {number}: frozen {call['frozen_pct']:.2f} %")
        for leg, each in call["receivers"].items():
            lines.append(
                f"    {leg} receives {each['width']}×{each['height']},"
                f" {each['video_bps'] / 1000:.0f} kbit/s,"
                f" {each['frames_per_s']} frames/s, frozen {each['frozen_pct']} %"
                f" (by pictures {each['frozen_by_pictures_pct']} %, longest"
                f" {each['longest_gap_s']} s), audio concealed {each['audio_concealed_pct']} %;"
                f" {each['video_lost']} of {each['video_packets']} video packets lost,"
                f" {each['resent']} resent, {each['nacks']} NACK, {each['plis']} PLI"
            )
        lost = ", ".join(f"{leg} {pct} %" for leg, pct in call["injected_loss_pct"].items())
        lines.append(f"    lost on purpose: {lost}")
        lines.append(f"    meanwhile {Disturbance(**call['disturbance']).in_words()}")
    return "\n".join(lines)


def _gaps_ms(shown: list[float]) -> dict[str, float]:
    gaps = np.diff(shown) * 1000
    if not len(gaps):
        return {}
    found = np.percentile(gaps, [50, 95, 99, 100])
    return dict(zip(("p50", "p95", "p99", "max"), (round(float(x), 1) for x in found), strict=True))


def _injected(
    records: Records, arrangement: Arrangement, from_s: float, until_s: float
) -> dict[str, float]:
    media = records[
        (records["kind"] == Kind.RTP)
        & (records["arrived_ns"] >= from_s * 1e9)
        & (records["arrived_ns"] < until_s * 1e9)
    ]
    found = {}
    for leg in LEGS:
        of_leg = media[media["host"] == arrangement.network.address(leg).encode()]
        for direction in Direction:
            chosen = of_leg[of_leg["direction"] == direction]
            found[f"{leg} {direction.name.lower()}"] = round(loss_pct(chosen), 3)
    return found


def _plane(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """What the node counted meanwhile: its events and drops that did occur."""
    return {
        name: value - before.get(name, 0.0)
        for name, value in after.items()
        if name.startswith(("rodrun_plane_events_total", "rodrun_dropped_packets_total"))
        and value != before.get(name, 0.0)
    }
