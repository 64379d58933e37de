"""What the contest amounts to: the table, and the targets. Pure."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from benchmarks.forwarding_report import SPREAD_FACTOR
from benchmarks.peers.contest import AWAKE, FLOOR, OURS, Entry, added_ms

PEERS: Final = ("rtpengine", "Janus", "asyncio", "aiortc")
"""All that can run: the cheapest of fewer may not be the cheapest."""
OF_ONE_PATTERN: Final = "aiortc"  # it gets real pictures, which come as they are coded
TARGET_ROOMS: Final = (40, 80)
NSS: Final = (
    "Debian's libsrtp2, which Janus uses, takes AES from NSS; with a libsrtp2 built on OpenSSL"
    " Janus costs about a fifth less."
)
TARGET_RATIO: Final = 0.5


def table(entries: Sequence[Entry]) -> str:
    """All entries, in Markdown."""
    floor = {each.rooms: each for each in entries if each.name == FLOOR}
    lines = [
        "| forwarder | rooms | µs CPU a packet | loss | added latency p50 / p99 | |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for each in entries:
        p50, p99 = (added_ms(each, floor, name) for name in ("p50", "p99"))
        if each.saturated:
            cells = ["saturated", f"{each.loss_pct:g} %", "", each.saturated]
        else:
            latency = "–" if p50 is None or p99 is None else f"{p50:.2f} / {p99:.2f} ms"
            if each.name == FLOOR:
                latency = f"(whole: {each.p50_ms:.2f} / {each.p99_ms:.2f} ms)"
            loss = f"{each.loss_pct:g} %"
            cells = [f"{each.cpu_us_per_packet:.1f}", loss, latency, each.spoiled or ""]
        lines.append(f"| {each.name} | {each.rooms} | {' | '.join(cells)} |")
    return "\n".join(lines)


def remarks(entries: Sequence[Entry]) -> list[str]:
    """What has to be known of the forwarders in the table."""
    return [NSS] if any(each.name == "Janus" for each in entries) else []


def results(
    entries: Sequence[Entry], command: str, srtp_profile: str, pattern: str
) -> list[dict[str, Any]]:
    """One object for each number of rooms that has a target; the first carries all details."""
    found: list[dict[str, Any]] = []
    is_spread = pattern == "spread"
    target = TARGET_RATIO * (SPREAD_FACTOR if is_spread else 1)
    wanted = [name for name in PEERS if not (is_spread and name == OF_ONE_PATTERN)]
    for rooms in TARGET_ROOMS:
        there = [each for each in entries if each.rooms == rooms]
        ours = next((each for each in there if each.name == OURS), None)
        if ours is None:
            continue
        # a peer that is saturated by fewer rooms is by these, too
        there += [each for each in entries if each.rooms < rooms and each.saturated]
        peers = [each for each in there if each.name not in (OURS, AWAKE, FLOOR)]
        measured, holds = _verdict(ours, peers, target)
        took_part = list(dict.fromkeys(each.name for each in peers))
        absent = [name for name in wanted if name not in took_part]
        if took_part:
            measured += f"; took part: {', '.join(took_part)}"
        if absent:
            measured += f"; not measured: {', '.join(absent)}"
        result = {
            "name": f"CPU per packet ÷ cheapest peer that runs, {rooms} rooms,"
            f" {srtp_profile}, {pattern}",
            "command": command,
            "target": f"≤ {target:g}, at a p99 no worse",
            "measured": measured,
            "holds": holds and not absent,
            "details": {},
        }
        if holds and absent:
            result["reason"] = "the cheapest of these may not be the cheapest that runs"
        found.append(result)
    if found:
        found[0]["details"] = {"entries": [asdict(each) for each in entries]}
    return found


def _verdict(ours: Entry, peers: Sequence[Entry], target: float) -> tuple[str, bool]:
    if not peers:
        return "no peer was run", False
    running = [each for each in peers if not each.saturated]
    if ours.saturated:
        return f"we are saturated: {ours.saturated}", False
    if not running:
        saturated = ", ".join(each.name for each in peers)
        return f"no peer carries it ({saturated}), so there is no ratio", False
    cheapest = min(running, key=lambda each: each.cpu_us_per_packet)
    ratio = ours.cpu_us_per_packet / cheapest.cpu_us_per_packet
    measured = f"{ratio:.2f} ({ours.cpu_us_per_packet:.1f} µs : {cheapest.name}"
    measured += f" {cheapest.cpu_us_per_packet:.1f} µs; p99 {ours.p99_ms} : {cheapest.p99_ms} ms)"
    spoiled = ours.spoiled or cheapest.spoiled
    if spoiled:
        measured += f"; spoiled: {spoiled}"
    in_time = cheapest.p99_ms is None or ours.p99_ms is None or ours.p99_ms <= cheapest.p99_ms
    return measured, ratio <= target and in_time and not spoiled
