"""A page that is loaded anew mid-call, and a partner who need not care."""

import pytest

from tests.browser import media
from tests.browser.people import Pair, Person

RELOADS = 10
BACK_WITHIN_S = 2.0


def reload_s(reloaded: Person, other: Person) -> tuple[float, float]:
    """Reload one page; seconds from the navigation's start to media at it and at the other."""
    reloaded.page.reload()
    # Whatever arrives at the other page from here on was sent by the new connection.
    connected = media.connected_at(reloaded.page)
    started = reloaded.page.evaluate("() => __probe.navigatedAt") / 1000
    return (
        media.back_at(reloaded.page, started) - started,
        media.back_at(other.page, connected) - started,
    )


@pytest.mark.parametrize("side", ["client", "specialist"])
def test_ten_reloads_bring_media_back_both_ways(calling_pair: Pair, side: str) -> None:
    reloaded, other = calling_pair.people
    if side == "specialist":
        reloaded, other = other, reloaded
    before = media.negotiation(other.page)
    times = [reload_s(reloaded, other) for _ in range(RELOADS)]
    print(side, [f"{own:.2f}/{theirs:.2f}" for own, theirs in times])
    assert max(max(pair) for pair in times) <= BACK_WITHIN_S, times
    assert media.negotiation(other.page) == before, "the other page had to do something"
    assert calling_pair.faults() == []
