"""The word for a connection's quality."""

import pytest

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
    assert level(up, down, rtt, reconnecting=False) is expected


def test_silence_is_lost_whatever_was_measured_before() -> None:
    assert level(0.0, 0.0, 20.0, reconnecting=True) is Level.LOST
