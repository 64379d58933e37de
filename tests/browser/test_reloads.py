"""A page that is loaded anew mid-call, and a partner who need not care."""

from dataclasses import dataclass
from statistics import median

import pytest

from tests.browser import media
from tests.browser.browser import Kind, Page
from tests.browser.people import Pair, Person

RELOADS = 10
BACK_WITHIN_S = 2.0
# Of the estimate before the reloads. One reload may meet a moment in which a busy machine keeps
# packets waiting, and congestion control heeds that: the median counts.
LOW, HIGH = 0.5, 2.0
SETTLED_WITHIN_S = 20.0

# Notes what the browser believes it may send, five times a second. Firefox does not tell.
NOTE_ESTIMATES = """() => {
  globalThis.__estimates = [];
  setInterval(async () => {
    const found = await __probe.outgoing();
    if (found?.availableBps) __estimates.push([found.at, found.availableBps]);
  }, 200);
}"""
# What that was over the last two seconds, when it hardly moved.
SETTLED = """() => {
  const last = __estimates.slice(-10).map(([, bps]) => bps);
  const least = Math.min(...last);
  return last.length === 10 && Math.max(...last) <= 1.1 * least && least;
}"""


@dataclass(frozen=True)
class Reload:
    """One reload: when it began and was over, and what it took to have media again at either."""

    began: float
    over: float
    own_s: float
    others_s: float


def reload(reloaded: Person, other: Person) -> Reload:
    """Reload one page; seconds are from the navigation's start on."""
    reloaded.page.reload()
    # Whatever arrives at the other page from here on was sent by the new connection.
    connected = media.connected_at(reloaded.page)
    started = reloaded.page.evaluate("() => __probe.navigatedAt") / 1000
    own, others = media.back_at(reloaded.page, started), media.back_at(other.page, connected)
    return Reload(started, max(own, others), own - started, others - started)


def extremes(page: Page, reloads: list[Reload]) -> list[tuple[float, float]]:
    """The lowest and the highest estimate over each reload and until the next one, in bit/s."""
    noted: list[tuple[float, float]] = page.evaluate("() => __estimates")
    found = []
    for index, each in enumerate(reloads):
        until = reloads[index + 1].began if index + 1 < len(reloads) else each.over + 1
        over = [bps for at, bps in noted if each.began <= at / 1000 < until]
        found.append((min(over), max(over)))
    return found


@pytest.mark.parametrize("side", ["client", "specialist"])
def test_ten_reloads_bring_media_back_both_ways(calling_pair: Pair, side: str) -> None:
    reloaded, other = calling_pair.people
    if side == "specialist":
        reloaded, other = other, reloaded
    tells_estimates = other.browser.kind is Kind.CHROMIUM
    estimate_bps = 0.0
    if tells_estimates:
        other.page.evaluate(NOTE_ESTIMATES)
        estimate_bps = other.page.wait_for(SETTLED, timeout_s=SETTLED_WITHIN_S)
    before = media.negotiation(other.page)
    reloads = [reload(reloaded, other) for _ in range(RELOADS)]
    print(side, [f"{each.own_s:.2f}/{each.others_s:.2f}" for each in reloads])
    assert max(max(each.own_s, each.others_s) for each in reloads) <= BACK_WITHIN_S, reloads
    assert media.negotiation(other.page) == before, "the other page had to do something"
    if tells_estimates:  # while the partner is away the node answers: that must not show
        found = extremes(other.page, reloads)
        print(f"{estimate_bps / 1000:.0f} kbit/s before,", found)
        assert median(low for low, _ in found) >= LOW * estimate_bps, found
        assert median(high for _, high in found) <= HIGH * estimate_bps, found
    assert calling_pair.faults() == []
