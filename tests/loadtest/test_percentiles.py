import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.percentiles import of_histogram, of_values


def test_of_a_hundred_values() -> None:
    found = of_values([float(value) for value in range(100, 0, -1)])
    assert found == {"p50": 50.0, "p95": 95.0, "p99": 99.0, "max": 100.0}


def test_of_nothing_there_is_nothing() -> None:
    assert of_values([]) == {}
    assert of_histogram(np.zeros(10, np.int64), 1) == {}


@given(st.lists(st.integers(0, 999), min_size=1, max_size=300))
def test_a_histogram_says_what_its_values_say(values: list[int]) -> None:
    counts = np.bincount(values, minlength=1000).astype(np.int64)
    exact = of_values([float(value) for value in values])
    assert of_histogram(counts, 1_000_000) == pytest.approx(exact)
