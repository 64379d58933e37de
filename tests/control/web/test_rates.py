"""How often someone may ask, in simulated time."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.errors import TooManyRequests
from control.settings import Rate
from control.web import rates
from control.web.rates import Rates

NOW = 1_800_000_000.0


@pytest.fixture
def take() -> Callable[[float], float]:
    """Ask at a time: 0 when it is allowed, else how long to wait. 3 at once, 2 a second."""
    made = Rates(Rate(per_s=2, burst=3))
    return lambda at: _wait_s(made, "maria", NOW + at)


def _wait_s(made: Rates, key: str, now: float) -> float:
    try:
        made.take(key, now)
    except TooManyRequests as refused:
        return refused.wait_s
    return 0.0


def test_a_burst_and_then_so_many_a_second(take: Callable[[float], float]) -> None:
    assert [take(0) for _ in range(4)] == [0, 0, 0, pytest.approx(0.5)]
    assert take(0.4) == pytest.approx(0.1, abs=1e-5)
    assert [take(0.5), take(0.5)] == [0, pytest.approx(0.5)]
    assert [take(60) for _ in range(4)] == [0, 0, 0, pytest.approx(0.5)]


def test_whoever_is_refused_waits_no_longer_for_it(take: Callable[[float], float]) -> None:
    for _ in range(100):
        take(0)
    assert take(0.5) == 0


def test_a_clock_that_is_set_back_costs_a_burst_at_most(take: Callable[[float], float]) -> None:
    assert take(3600) == 0
    assert take(0) == pytest.approx(0.5)
    assert take(0.5) == 0


def test_each_key_has_its_own() -> None:
    made = Rates(Rate(per_s=1, burst=1))
    assert [_wait_s(made, key, NOW) for key in ("maria", "ivan", "maria")] == [0, 0, 1]


def test_no_number_of_keys_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MAX_KEYS", 10)
    made = Rates(Rate(per_s=1, burst=1))
    for n in range(1000):
        made.take(f"stranger {n}", NOW)
        assert _wait_s(made, "maria", NOW) == (0 if n == 0 else 1)
    assert len(made) == 10


@given(st.lists(st.floats(0, 3), max_size=60), st.floats(0.1, 50), st.integers(1, 9))
def test_it_allows_what_a_bucket_of_tokens_does(
    pauses: list[float], per_s: float, burst: int
) -> None:
    made = Rates(Rate(per_s, burst))
    now, tokens = NOW, float(burst)
    for pause in pauses:
        now += pause
        tokens = min(burst, tokens + pause * per_s)
        wait_s = _wait_s(made, "maria", now)
        if wait_s == 0:
            tokens -= 1
        assert tokens >= -1e-4 * per_s
        if wait_s > 0:
            assert wait_s == pytest.approx((1 - tokens) / per_s, abs=1e-4)


@pytest.mark.parametrize(("per_s", "burst"), [(0, 1), (-1, 1), (1, 0)])
def test_a_rate_that_lets_nobody_in_is_refused(per_s: float, burst: int) -> None:
    with pytest.raises(ValueError, match="at least"):
        Rate(per_s, burst)
