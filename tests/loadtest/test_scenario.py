from dataclasses import replace
from pathlib import Path

import pytest

from loadtest.expectation import Expectation
from loadtest.plays import PLAYS
from loadtest.ramp import read_limits
from loadtest.report import read_expectations
from loadtest.scenario import (
    BUILT_IN,
    KINDS,
    MAX_SESSION_S,
    SCENARIOS,
    BadScenario,
    find_scenario,
    with_options,
)


def written(folder: Path, text: str) -> str:
    path = folder / "evening.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_each_kind_is_built_in_and_can_be_played() -> None:
    assert set(BUILT_IN) == set(KINDS) == set(PLAYS)
    for scenario in BUILT_IN.values():
        assert [Expectation.read(text).text for text in scenario.limits] == list(scenario.limits)


def test_a_file_says_what_differs_from_a_built_in_one(tmp_path: Path) -> None:
    text = 'scenario = "drops"\ncalls = 7\ncuts_s = [14, 16.5]\nfail_on = ["loss_pct>1"]\n'
    found = find_scenario(written(tmp_path, text))
    assert (found.name, found.kind, found.calls) == ("evening", "drops", 7)
    assert found.cuts_s == (14.0, 16.5)
    assert found.fail_on == ("loss_pct>1",)
    assert found.starts_per_s == BUILT_IN["drops"].starts_per_s


def test_each_scenario_that_comes_with_it_can_be_played_by_its_name() -> None:
    names = [each.stem for each in SCENARIOS.iterdir()]
    assert names == ["drops-200"]
    found = find_scenario("drops-200")
    assert (found.name, found.kind, found.calls) == ("drops-200", "drops", 200)
    read_expectations(found.fail_on)
    read_limits(found.limits)


def test_a_soak_may_go_on_for_longer_than_a_session() -> None:
    assert with_options(find_scenario("soak"), None, 24 * 3600).duration_s > MAX_SESSION_S


def test_the_command_line_has_the_last_word() -> None:
    found = with_options(find_scenario("steady"), 3, 5)
    assert (found.calls, found.duration_s) == (3, 5.0)
    assert with_options(found, None, None) == found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("scenario = ", "is no TOML"),
        ("calls = 3", "'scenario' must be one of steady, churn"),
        ('scenario = "storm"', "not 'storm'"),
        ('scenario = "steady"\ncall = 3', "there is no 'call'; there are scenario, attack_pps"),
        ('scenario = "steady"\nname = "x"', "there is no 'name'"),
        ('scenario = "steady"\ncalls = 0', "calls must be a whole number above 0"),
        ('scenario = "steady"\ncalls = true', "calls must be a whole number above 0"),
        ('scenario = "steady"\nduration_s = "long"', "duration_s must be a number above 0"),
        ('scenario = "steady"\nspread = 1', "spread must be true or false"),
        ('scenario = "drops"\ncuts_s = 5', "cuts_s must be a list"),
        ('scenario = "drops"\ncuts_s = ["a"]', "cuts_s must be a number above 0"),
        ('scenario = "steady"\nfail_on = [1]', "fail_on must be a text"),
        ('scenario = "steady"\nduration_s = inf', "duration_s must be a number above 0"),
        ('scenario = "steady"\nduration_s = nan', "duration_s must be a number above 0"),
        ('scenario = "drops"\ncuts_s = []', "cuts_s must not be empty"),
        ('scenario = "ramp"\nlimits = []', "limits must not be empty"),
        (
            'scenario = "hostile"\nattacks = ["typo"]',
            "there is no attack 'typo'; there are garbage",
        ),
        ('scenario = "drops"\nduration_s = 5', "duration_s changes nothing"),
        ('scenario = "soak"\nduration_s = 260000', "this would take 72 hours"),
        ('scenario = "soak"\nsession_s = 28000', "must be 7.5 hours at most"),
        ('scenario = "rejoin"\nduration_s = 30000', "a call of 'rejoin' is one session"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_one_line(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(BadScenario, match=said) as refused:
        find_scenario(written(tmp_path, text))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "said"),
    [("storm", "there is no scenario 'storm'"), ("gone.toml", "cannot read gone.toml")],
)
def test_a_scenario_that_is_not_there(name: str, said: str) -> None:
    with pytest.raises(BadScenario, match=said):
        find_scenario(name)


def test_impossible_numbers_on_the_command_line() -> None:
    with pytest.raises(BadScenario, match="command line: calls must be a whole number above 0"):
        with_options(find_scenario("steady"), -1, None)


def test_each_built_in_one_can_last_for_any_time() -> None:
    for each in BUILT_IN.values():
        assert isinstance(each.duration_s, float), f"--duration 20 fits {each.name}"
        if each.kind != "drops":
            assert with_options(each, None, 20.5).duration_s == 20.5
    whole = replace(BUILT_IN["ramp"], duration_s=300)
    assert with_options(whole, None, 20.5).duration_s == 20.5, "what it fits is the field's type"
