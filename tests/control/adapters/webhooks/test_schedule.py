"""When an undelivered webhook is tried again."""

from itertools import pairwise

import pytest

from control.adapters.webhooks.schedule import next_attempt

QUEUED_AT = 1_800_000_000.0
DAY_S = 86_400.0


def attempts(spread: float) -> list[float]:
    """The seconds after the queuing at which each attempt is made, if all fail at once."""
    times: list[float] = [0.0]
    while True:
        at = next_attempt(QUEUED_AT, len(times), QUEUED_AT + times[-1], spread)
        if at is None:
            return times
        times.append(at - QUEUED_AT)


@pytest.mark.parametrize("spread", [0.0, 0.5, 0.999])
def test_it_backs_off_for_a_day(spread: float) -> None:
    times = attempts(spread)
    delays = [after - before for before, after in pairwise(times)]
    assert delays[0] <= 6
    assert times[-1] == DAY_S
    assert 25 < len(times) < 50
    # All but the last grow, up to an hour give or take.
    assert delays[:-1] == sorted(delays[:-1])
    assert delays[-2] <= 3600 * 1.2


def test_the_delays_spread() -> None:
    low, middle, high = (next_attempt(0.0, 3, 100.0, spread) for spread in (0.0, 0.5, 1.0))
    assert (low, middle, high) == (116.0, 120.0, 124.0)


def test_given_up_after_a_day_even_if_nobody_looked_meanwhile() -> None:
    assert next_attempt(QUEUED_AT, 2, QUEUED_AT + DAY_S, 0.5) is None
    assert next_attempt(QUEUED_AT, 2, QUEUED_AT + 3 * DAY_S, 0.5) is None
    assert next_attempt(QUEUED_AT, 2, QUEUED_AT + DAY_S - 1, 0.5) == QUEUED_AT + DAY_S


def test_the_receivers_wish_is_heeded_within_reason() -> None:
    assert next_attempt(0.0, 1, 0.0, 0.5, retry_after_s=60.0) == 60.0
    assert next_attempt(0.0, 1, 0.0, 0.5, retry_after_s=0.0) == 5.0
    assert next_attempt(0.0, 1, 0.0, 0.5, retry_after_s=1e9) == 3600.0


def test_any_number_of_attempts_has_a_time() -> None:
    assert next_attempt(0.0, 100_000, 0.0, 0.5) == 3600.0
