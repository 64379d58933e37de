"""The word for a connection's quality."""

import pytest

from control.consultations.liveness import LinkState
from control.consultations.quality import Level, level


@pytest.mark.parametrize(
    ("up", "down", "rtt", "expected"),
    [
        (0.0, 0.0, 20.0, Level.EXCELLENT),
        (None, None, None, Level.EXCELLENT),
        (1.0, 1.0, 150.0, Level.EXCELLENT),
        (1.1, 0.0, 20.0, Level.GOOD),
        (0.0, 5.0, 20.0, Level.GOOD),
        (0.0, 0.0, 400.0, Level.GOOD),
        (0.0, 5.1, 20.0, Level.POOR),
        (0.0, 0.0, 401.0, Level.POOR),
        (100.0, None, None, Level.POOR),
    ],
)
def test_the_worst_of_what_was_measured_counts(
    up: float | None, down: float | None, rtt: float | None, expected: Level
) -> None:
    assert level(up, down, rtt, LinkState.CONNECTED) is expected


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        (LinkState.SUSPECT, Level.POOR),
        (LinkState.RECONNECTING, Level.LOST),
        (LinkState.DROPPED, Level.LOST),
    ],
)
def test_silence_is_not_good_whatever_was_measured_before(link: LinkState, expected: Level) -> None:
    assert level(0.0, 0.0, 20.0, link) is expected
