"""Does the picture freeze when both participants' lines lose 5 % each way and take 50 ms?"""

import time
from dataclasses import asdict
from typing import Any

import numpy as np

from benchmarks.calls.arrangement import PICTURE, Arrangement, look, shown_s
from benchmarks.calls.received import between, frozen_s, longest_gap_s, share_pct
from benchmarks.impairment.line import Direction, Impairment
from benchmarks.impairment.log import Kind, Records, loss_pct
from tests.browser.people import Pair

MAX_FROZEN_PCT = 1.0
MIN_VIDEO_BPS = 500_000
TARGET = (
    "5 % random loss each way and 50 ms round trip on both hops: video frozen at most"
    f" {MAX_FROZEN_PCT} % of the time at {MIN_VIDEO_BPS // 1000} kbit/s or more, at both"
)
LEGS = ("client", "specialist")


def measure(
    arrangement: Arrangement, line: Impairment, seconds: float, warm_up_s: float
) -> dict[str, Any]:
    """Hold a call over impaired lines; the report of it."""
    proxy = arrangement.proxy
    assert proxy is not None
    proxy.impair(up=line, down=line)
    pair = Pair(arrangement.server.url, arrangement.client, arrangement.specialist, PICTURE)
    pages = [person.page for person in pair.people]
    try:
        pair.sign_in()
        pair.start_call()
        time.sleep(warm_up_s)
        plane_before = pair.api.metrics()
        began_s = time.time()
        before = [look(page) for page in pages]
        time.sleep(seconds)
        after = [look(page) for page in pages]
        shown = [
            [at for at in shown_s(page, began_s) if at <= last.at_s]
            for page, last in zip(pages, after, strict=True)
        ]
        sending = [page.evaluate("() => __probe.outgoing()") for page in pages]
        plane_after = pair.api.metrics()
    finally:
        pair.close()
    summary, records = proxy.end()
    receivers = {}
    for index, leg in enumerate(LEGS):
        first, last = before[index], after[index]
        shown_frozen_s = frozen_s(shown[index], last.at_s)
        receivers[leg] = {
            **between(first, last),
            "frozen_by_pictures_pct": round(share_pct(shown_frozen_s, last.at_s - first.at_s), 3),
            "longest_gap_s": round(longest_gap_s(shown[index], first.at_s, last.at_s), 3),
            "picture_gaps_ms": _gaps_ms(shown[index]),
            "available_to_send_bps": sending[index]["availableBps"],
        }
    return report(
        receivers,
        line,
        _injected(records, arrangement, before[0].at_s, after[0].at_s),
        _plane(plane_before, plane_after),
        {name: summary[name] for name in ("late_us", "not_read_in_time")},
    )


def report(
    receivers: dict[str, dict[str, Any]],
    line: Impairment,
    injected: dict[str, Any],
    plane: dict[str, float],
    proxy: dict[str, Any],
) -> dict[str, Any]:
    """The result of a call, without name and machine."""
    # Both measures of a freeze: the browser's own, and ours by the pictures that were shown.
    frozen = max(
        max(each["frozen_pct"], each["frozen_by_pictures_pct"]) for each in receivers.values()
    )
    bps = min(each["video_bps"] for each in receivers.values())
    return {
        "target": TARGET,
        "measured": {"frozen": f"{frozen:.2f} %", "video": f"{bps / 1000:.0f} kbit/s"},
        "holds": frozen <= MAX_FROZEN_PCT and bps >= MIN_VIDEO_BPS,
        "receivers": receivers,
        "line": asdict(line),
        "injected_loss_pct": injected,
        "plane": plane,
        "proxy": proxy,
    }


def in_words(result: dict[str, Any]) -> str:
    """The result for people."""
    lines = []
    for leg, each in result["receivers"].items():
        lines.append(
            f"  {leg} receives {each['video_bps'] / 1000:.0f} kbit/s,"
            f" {each['frames_per_s']} frames/s, frozen {each['frozen_pct']} %"
            f" (by pictures {each['frozen_by_pictures_pct']} %, longest"
            f" {each['longest_gap_s']} s), audio concealed {each['audio_concealed_pct']} %;"
            f" {each['video_lost']} of {each['video_packets']} video packets lost,"
            f" {each['resent']} resent, {each['nacks']} NACK, {each['plis']} PLI"
        )
    injected = ", ".join(f"{leg} {pct} %" for leg, pct in result["injected_loss_pct"].items())
    return "\n".join([*lines, f"  lost on purpose: {injected}"])


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
