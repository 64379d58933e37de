"""From a record to JSON, terminal, page and comparison."""

import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from loadtest import table
from loadtest.arrival_profile import PROFILES, fitted, read_profile
from loadtest.comparison import compare, flatten
from loadtest.expectation import BadExpectation, Expectation
from loadtest.html_report import WATERFALL, make_html
from loadtest.media import Media
from loadtest.plot import nice_ticks
from loadtest.record import Record, Step, Tick, Verdict, losses_pct
from loadtest.report import (
    MEASURES,
    BadReport,
    has_failed,
    make_report,
    read_expectations,
    read_report,
    write_report,
)
from loadtest.scenario import BUILT_IN
from loadtest.summary import progress, summarise
from loadtest.virtual_consultation import CallFailed, Phases


@pytest.fixture(scope="module")
def media() -> Media:
    """Of one pair, of whose 1000 packets one was lost and another came by a retransmission."""
    made = Media(fitted(read_profile(PROFILES / "chromium-vp8.json")), 2, 16)
    made.rows[0, table.SENT] = 1000
    made.rows[1, table.RECEIVED] = 999
    made.rows[1, table.RECOVERED] = 1
    made.latency[30] = 990
    made.latency[500] = 9
    made.late[10] = 1000
    return made


def tick(t: float, **changed: Any) -> Tick:
    values: dict[str, Any] = {
        "t": t,
        "calls": 2,
        "failed": 0,
        "sent": 500,
        "received": 500,
        "recovered": 0,
        "latency_ms": {"p50": 0.3, "p95": 0.4, "p99": 5.0, "max": 6.0},
        "jitter_ms": {"p50": 0.1, "p95": 0.2, "p99": 0.3, "max": 0.3},
        "api_ms": {},
        "generator_cpu_pct": 12.0,
        "lag_ms": 1.0,
        "cpu_pct": 30.0,
        "memory_mib": 200.0,
    }
    return Tick(**(values | changed))


@pytest.fixture
def record() -> Record:
    made = Record(started=3, ended=2)
    made.setups = [Phases(made.begun + 1, 5, 4, 20, 3, 8, 10, 30, 61), Phases(made.begun + 2)]
    made.fail(CallFailed("ICE", "<b>nobody</b> answered"))
    made.verdicts = [
        Verdict(14.9, False, False, 40.0),
        Verdict(15.1, True, True, 12.0),
        Verdict(20.0, False, True, None, "it went on"),
    ]
    made.steps = [Step(10, 0.0, {"p99": 3.0}, 20.0, None), Step(20, 1.5, {}, None, "loss_pct>0.1")]
    made.rejoins_ms = [300.0]
    made.attacks["garbage"] = 12
    made.ticks = [tick(1.0), tick(2.0, cpu_pct=None, memory_mib=None)]
    return made


def report_of(record: Record, media: Media, *conditions: str) -> dict[str, Any]:
    return make_report(
        BUILT_IN["drops"],
        "http://127.0.0.1:1",
        record,
        media,
        {"join": [3.0, 5.0]},
        [Expectation.read(each) for each in conditions],
    )


def test_the_measures_are_those_of_the_record(record: Record, media: Media) -> None:
    measures = report_of(record, media)["measures"]
    assert set(measures) == set(MEASURES)
    assert measures["loss_pct"] == 0.1
    assert measures["recovered_pct"] == 0.1
    assert measures["failed_pct"] == pytest.approx(33.333)
    assert measures["setup_ms"]["max"] == 61
    assert measures["phase_ms"]["ice"]["max"] == 3
    assert measures["latency_ms"]["p50"] == 30 * table.BIN_NS / 1e6
    assert measures["latency_ms"]["max"] == 500 * table.BIN_NS / 1e6
    assert measures["drops"] == {
        "verdicts": 3,
        "right": 2,
        "wrong": 1,
        "ended_error_ms": {"p50": 12.0, "p95": 12.0, "p99": 12.0, "max": 12.0},
        "back_error_ms": {"p50": 40.0, "p95": 40.0, "p99": 40.0, "max": 40.0},
    }
    assert measures["ramp"] == {"capacity": 10, "broken": "loss_pct>0.1", "bottleneck": None}
    assert measures["server"]["cpu_pct"] == {"mean": 30.0, "max": 30.0}


def test_conditions_decide_whether_it_failed(record: Record, media: Media) -> None:
    assert not has_failed(report_of(record, media, "loss_pct>0.1", "drops.wrong>1"))
    assert has_failed(report_of(record, media, "loss_pct>0.1", "drops.wrong>0"))
    record.verdicts.clear()
    # what was to be looked at, and was not there, is no success
    assert has_failed(report_of(record, media, "drops.ended_error_ms.p99>250"))
    assert has_failed(report_of(record, media, "drops.wrong>0"))
    assert report_of(record, media)["measures"]["drops"]["right"] is None


@pytest.mark.parametrize(
    "text",
    ["lost>1", "setup_ms>5", "setup_ms.p96>5", "loss_pct.p95>1", "ramp.broken==1", "drops>0"],
)
def test_a_condition_that_no_run_could_answer_is_refused_before_it(text: str) -> None:
    with pytest.raises(BadExpectation):
        read_expectations([text])


def test_every_measure_can_be_a_condition(record: Record, media: Media) -> None:
    measured = report_of(record, media)["measures"]
    for name, _ in flatten(measured):
        read_expectations([f"{name}>0"])
    for name, _ in flatten(MEASURES):
        Expectation.read(f"{name}>0").value(measured)
    read_expectations(["attacks.replays<5", "api_ms.by_operation.join.p95>800"])


@pytest.mark.parametrize(
    ("stopped", "failed"),
    [(None, False), ("interrupted", False), ("the server did not answer for 6 s", True)],
)
def test_a_server_that_is_gone_is_a_failure(
    record: Record, media: Media, stopped: str | None, failed: bool
) -> None:
    record.stopped = stopped
    assert has_failed(report_of(record, media)) is failed


def test_a_generator_that_kept_up_makes_it_valid(record: Record, media: Media) -> None:
    report = report_of(record, media)
    assert (report["valid"], report["invalid_because"]) == (True, [])


def test_a_generator_that_did_not_keep_up_says_why(record: Record) -> None:
    slow = Media(fitted(read_profile(PROFILES / "chromium-vp8.json")), 2, 16)
    slow.rows[0, table.OVERFLOW] = 3
    slow.late[800] = 100
    record.steps = []  # those of a ramp are judged one by one
    record.ticks = [tick(1.0, generator_cpu_pct=99.0, lag_ms=200.0)]
    report = report_of(record, slow)
    assert not report["valid"]
    reasons = " ".join(report["invalid_because"])
    for expected in ("3 packets were lost in", "8.0 ms late (p99)", "99 %", "200 ms late (p95)"):
        assert expected in reasons


def test_a_ramp_whose_last_step_was_too_much_for_the_generator_is_valid(media: Media) -> None:
    late = Media(fitted(read_profile(PROFILES / "chromium-vp8.json")), 2, 16)
    late.late[800] = 100
    gave_out = Step(20, 0.0, {}, None, None, "the generator sent 8.0 ms late (p99)")
    report = report_of(Record(steps=[Step(10, 0.0, {}, None, None), gave_out]), late)
    assert report["valid"]
    assert report["measures"]["ramp"]["capacity"] == 10
    text = said(lambda console: summarise(report, console))
    assert "capacity: at least 10 calls (the generator sent 8.0 ms late (p99))" in text
    page = make_html(report)
    assert "kept up until the last step" in page
    assert "what was measured is the server" not in page
    assert not report_of(Record(steps=[gave_out]), late)["valid"]


def test_json_comes_back_as_it_went(record: Record, media: Media, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    report = report_of(record, media, "loss_pct>5")
    write_report(report, path)
    assert read_report(path) == json.loads(json.dumps(report))


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "is no JSON"), ("[]", "is no report"), ('{"format": 99}', "is no report")],
)
def test_what_is_no_report_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(BadReport, match=said):
        read_report(path)
    with pytest.raises(BadReport, match="cannot read"):
        read_report(tmp_path / "none.json")


class Page(HTMLParser):
    """Counts tags, and notes what a page would fetch, and what was left open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: dict[str, int] = {}
        self.fetched: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] = self.tags.get(tag, 0) + 1
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] = self.tags.get(tag, 0) + 1

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_needs_nothing_else_and_shows_everything(record: Record, media: Media) -> None:
    text = make_html(report_of(record, media, "loss_pct>0.05"))
    page = Page(text)
    assert page.open == []
    assert page.fetched == []
    assert "script" not in page.tags
    assert "url(" not in text
    assert page.tags["svg"] == page.tags["figure"] == 10
    for shown in ("Failed: loss_pct>0.05 (0.1)", "<b>nobody</b> answered", "15.1 s", "held"):
        assert shown in page.text
    for style in ("prefers-color-scheme: dark", "@media print"):
        assert style in page.text


def test_every_number_in_the_plots_is_within_them(record: Record, media: Media) -> None:
    text = make_html(report_of(record, media))
    for points in re.findall(r'points="([^"]+)"', text):
        for x, y in (map(float, point.split(",")) for point in points.split()):
            assert 0 <= x <= 520
            assert 0 <= y <= 210
    assert "nan" not in text
    assert "inf" not in text


def test_every_colour_in_the_plots_is_one_of_the_page(record: Record, media: Media) -> None:
    text = make_html(report_of(record, media))
    used = set(re.findall(r'class="(?:bar|dot|key|line) c(\d+)"', text))
    assert len(used) >= 7
    for number in used:
        assert f".c{number} {{ --c: var(--c{number}); }}" in text
        assert text.count(f"--c{number}: #") == 3, "light, dark and on paper"


def test_the_parts_of_a_set_up_are_as_long_as_all_of_it(record: Record, media: Media) -> None:
    report = report_of(record, media)
    setup = report["setups"][0]
    text = make_html(report)
    bars = [float(width) for width in re.findall(r'class="bar c\d+"[^>]* width="([\d.]+)"', text)]
    first = bars[: len(WATERFALL)]
    assert first[-1] / first[0] == pytest.approx(
        (setup["first_keyframe_ms"] - setup["first_packet_ms"]) / setup["request_ms"], rel=0.02
    )


def test_a_page_of_a_run_that_never_began(media: Media) -> None:
    nothing = Media(fitted(read_profile(PROFILES / "chromium-vp8.json")), 2, 16)
    report = report_of(Record(stopped="interrupted"), nothing)
    assert report["measures"]["loss_pct"] is None
    assert "Broken off: interrupted" in Page(make_html(report)).text


def said(print_it: Any) -> str:
    console = Console(file=io.StringIO(), width=100, color_system=None)
    print_it(console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_terminal_says_it_in_short(record: Record, media: Media) -> None:
    record.stopped = "interrupted"
    report = report_of(record, media, "loss_pct>0.05", "rejoin_ms.p95>500")
    text = said(lambda console: summarise(report, console))
    for expected in (
        "Broken off: interrupted",
        "loss 0.1000 % of 1,000 packets",
        "drop verdicts: 2 of 3 right",
        "capacity: 10 calls (then loss_pct>0.1)",
        "1 × ICE: <b>nobody</b> answered",
        "FAILED  loss_pct>0.05 (0.1)",
        "held  rejoin_ms.p95>500 (300)",
    ):
        assert expected in text


def test_progress_shows_calls_failures_loss_and_latency(record: Record) -> None:
    record.ticks.append(tick(3.0, sent=1000, received=990, failed=1))
    text = said(lambda console: console.print(progress(BUILT_IN["steady"], record)))
    for expected in ("2 of 20", "failed", "1.00 %", "0.30 / 5.00 ms", "30 %"):
        assert expected in text
    assert re.search(r"held +10 calls", text), "not the step that broke"
    assert "steady" in said(lambda console: console.print(progress(BUILT_IN["steady"], Record())))


def test_two_reports_are_compared(record: Record, media: Media) -> None:
    before = json.loads(json.dumps(report_of(record, media)))
    after = json.loads(json.dumps(before))
    after["measures"]["setup_ms"]["p95"] *= 2
    after["measures"]["ramp"]["capacity"] = 20
    after["scenario"]["calls"] = 5
    del after["measures"]["drops"]
    after["invalid_because"] = ["it was slow"]
    text = said(lambda console: compare(before, after, console))
    assert re.search(r"setup_ms\.p95 +61 +122 +\+100\.0 %", text)
    assert re.search(r"ramp\.capacity +10 +20 +\+100\.0 %", text)
    assert re.search(r"drops\.wrong +1 +–", text)
    assert "They are of different scenarios" in text
    assert "B is invalid: it was slow" in text


@pytest.mark.parametrize(
    ("most", "ticks"),
    [
        (0, [0, 1]),
        (1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (7, [0, 2, 4, 6, 8]),
        (480, [0, 100, 200, 300, 400, 500]),
    ],
)
def test_ticks_are_round_and_reach_far_enough(most: float, ticks: list[float]) -> None:
    assert nice_ticks(most) == pytest.approx(ticks)


def test_what_is_under_way_at_the_end_of_a_second_is_not_lost() -> None:
    ticks = [
        tick(1.0, sent=100, received=90),
        tick(2.0, sent=100, received=105),
        tick(3.0, sent=100, received=96),
        tick(4.0, sent=100, received=104),
    ]
    assert losses_pct(ticks) == [5.0, 0.0, 0.0, 0.0]
    assert losses_pct([]) == []
