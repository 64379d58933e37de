from typing import Any

import pytest

from loadtest.expectation import BadExpectation, Expectation

MEASURES: dict[str, Any] = {
    "loss_pct": 0.2,
    "setup_ms": {"p50": 100.0, "p95": 700.0},
    "server": {"cpu_pct": {}},
    "rejoin_ms": {},
    "capacity": None,
}


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("loss_pct>0.1", True),
        ("loss_pct > 0.2", False),
        ("loss_pct>=0.2", True),
        ("setup_ms.p95<800", True),
        ("setup_ms.p95<=-1", False),
        ("setup_ms.p50==100", True),
        ("rejoin_ms.p95>0", False),
        ("server.cpu_pct.max>0", False),
        ("capacity<100", False),
    ],
)
def test_a_condition_is_met_or_not(text: str, met: bool) -> None:
    assert Expectation.read(text).is_met(MEASURES) is met


def test_what_was_not_measured_has_no_value() -> None:
    assert Expectation.read("server.cpu_pct.max>0").value(MEASURES) is None


@pytest.mark.parametrize("text", ["", "loss_pct", "loss_pct>", "loss_pct>a", "a b>1", "loss>1;x"])
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(BadExpectation, match="is no condition"):
        Expectation.read(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lost>1", "there is no measure 'lost'; there are loss_pct, setup_ms"),
        ("setup_ms>1", "'setup_ms' are several: say which, as setup_ms.p95"),
        ("loss_pct.p95>1", "there is no measure 'loss_pct.p95'"),
    ],
)
def test_what_is_not_measured_is_refused(text: str, said: str) -> None:
    with pytest.raises(BadExpectation, match=said):
        Expectation.read(text).value(MEASURES)
