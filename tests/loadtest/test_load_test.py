"""Load tests against ``rodrun serve --demo`` as somebody would start them: all of it is real."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession
from typer.testing import CliRunner

from loadtest.api import Api, CannotBegin
from loadtest.expectation import Expectation
from loadtest.load_test import LoadTest, load_media
from loadtest.media import Second
from loadtest.record import Record
from loadtest.report import make_report
from loadtest.scenario import BUILT_IN, Scenario
from loadtest.server_watch import ServerMetrics
from rodrun.command_line import app
from tests.browser.server import free_ports

HOST = "127.0.0.1"
START_TIMEOUT_S = 420.0


class Served:
    """A server of its own process."""

    def __init__(self, folder: Path) -> None:
        http_port, udp_port = free_ports(HOST)
        self.url = f"http://{HOST}:{http_port}"
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "rodrun", "serve", "--demo", "--data-dir", str(folder)),
                *("--http-host", HOST, "--http-port", str(http_port)),
                *("--udp-host", HOST, "--udp-port", str(udp_port)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    async def ready(self) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + START_TIMEOUT_S
        async with ClientSession() as session:
            while time.monotonic() < deadline:
                with contextlib.suppress(ClientError):
                    async with session.get(f"{self.url}/readyz") as reply:
                        if reply.status == 200:
                            return
                assert self.process.poll() is None, "the server ended by itself"
                await asyncio.sleep(0.1)
        raise AssertionError("the server was not ready in time")

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    made = Served(tmp_path_factory.mktemp("served") / "data")
    asyncio.run(made.ready())
    yield made
    made.stop()


async def played(
    served: Served,
    scenario: Scenario,
    interrupted: asyncio.Event | None = None,
    when_media_flows: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """The report of a scenario, as it comes back from its file."""

    def look(record: Record) -> None:
        if record.ticks[-1].sent:
            when_media_flows()

    api = Api(served.url)
    metrics = ServerMetrics((f"{served.url}/metrics",))
    try:
        media = await asyncio.to_thread(load_media, scenario)
        media.start()
        record = await LoadTest(scenario, api, media, metrics=metrics, on_tick=look).run(
            interrupted or asyncio.Event()
        )
        conditions = [Expectation.read(text) for text in scenario.fail_on]
        report = make_report(scenario, api.url, record, media, api.latencies_ms, conditions)
    finally:
        await metrics.close()
        await api.close()
    found: dict[str, Any] = json.loads(json.dumps(report))
    return found


def sample(name: str, **changed: Any) -> Scenario:
    """One of the scenarios, small and light enough for the tests' machine."""
    return replace(BUILT_IN[name], **({"video_pps": 30.0, "starts_per_s": 5.0} | changed))


async def measured_way_down(served: Served) -> dict[str, Any]:
    """What the node knows of its way to a client, by that one's reports, once it knows any."""
    api = Api(served.url)
    operator = await api.operator_token()
    async with asyncio.timeout(60):
        while True:
            for each in await api.call(
                "look", "GET", "/operator/consultations?state=active", operator
            ):
                path = f"/consultations/{each['id']}/quality"
                quality = await api.call("look", "GET", path, operator)
                legs = [period["legs"].get("client_down") for period in quality["periods"]]
                for leg in legs:
                    if leg is not None and leg["rtt_ms"] is not None and leg["expected"]:
                        await api.close()
                        found: dict[str, Any] = leg
                        return found
            await asyncio.sleep(0.5)


async def dropped(served: Served, reason: str) -> float:
    """How many datagrams the server refused for that reason."""
    async with ClientSession() as session, session.get(f"{served.url}/metrics") as reply:
        lines = (await reply.text()).splitlines()
    return sum(
        float(line.split()[-1])
        for line in lines
        if line.startswith("rodrun_dropped_packets_total{") and f'"{reason}"' in line
    )


async def test_every_scenario_measures_what_it_is_for(served: Served) -> None:
    """All beside each other, for the drops alone take their 20 seconds."""
    scenarios = [
        sample("steady", calls=2, duration_s=3.0),
        sample("soak", calls=1, duration_s=6.0, session_s=3.0),
        sample("churn", calls=1, duration_s=4.0, call_s=1.0),
        sample("rush", calls=3, duration_s=1.0, within_s=1.0),
        sample("ramp", calls=3, first=1, step=1, hold_s=2.0, limits=("server.cpu_pct<0",)),
        sample("rejoin", calls=1, duration_s=4.0, rejoin_every_s=1.0),
        sample("hostile", calls=1, duration_s=3.0, attack_pps=300),
        sample("drops", calls=3, cuts_s=(10.0, 14.9, 15.1)),
    ]
    *reports, way_down = await asyncio.gather(
        *(played(served, each) for each in scenarios), measured_way_down(served)
    )
    assert 0 < way_down["rtt_ms"] < 2000
    assert 0 <= way_down["jitter_ms"] < 500
    assert way_down["lost"] <= way_down["expected"] * 0.05
    steady, soak, churn, rush, ramp, rejoin, hostile, drops = (each["measures"] for each in reports)
    for report in reports:
        # each second of the media is told once
        told = sum(each["sent"] for each in report["timeline"])
        assert told <= report["measures"]["calls"]["packets_sent"]
        assert (report["failures"], report["stopped"]) == ([], None), report["scenario"]["name"]
        measures = report["measures"]
        assert measures["calls"]["packets_sent"] > 100
        assert measures["loss_pct"] < 2, (report["scenario"]["name"], measures)
        assert 0 < measures["latency_ms"]["p50"] < 1000
        assert measures["server"]["memory_mib"]["max"] > 50
    assert steady["calls"]["most_at_once"] == 2
    assert set(steady["api_ms"]["by_operation"]) >= {"request", "accept", "join", "leave", "rate"}
    for phases in steady["phase_ms"].values():
        assert 0 < phases["p50"] <= steady["setup_ms"]["max"] + steady["phase_ms"]["request"]["max"]
    # a session that does not last for the whole of it is followed by another
    assert soak["calls"]["ended"] == soak["calls"]["started"] >= 2
    assert soak["calls"]["most_at_once"] == 1
    assert churn["calls"]["ended"] == churn["calls"]["started"] >= 2
    assert rush["calls"]["set_up"] == 3
    # the other tests' processes may be too much for the generator, which then says so
    assert ramp["ramp"]["broken"] is None
    assert ramp["ramp"]["capacity"] == 3 or ramp["ramp"]["bottleneck"]
    assert rejoin["rejoin_ms"]["max"] < 10_000
    assert hostile["attacks"].keys() == {"garbage", "replays", "checks", "api"}
    assert all(hostile["attacks"].values())
    # from the participant's own address SRTP has to refuse them, and nothing is made of their time
    assert await dropped(served, "replayed") > 100
    assert hostile["jitter_ms"]["max"] < 2000
    assert drops["drops"]["right"] == drops["drops"]["verdicts"] == 3
    assert drops["drops"]["ended_error_ms"]["max"] < 1500
    assert [
        each["ended"] for each in sorted(reports[-1]["verdicts"], key=lambda v: v["silence_s"])
    ] == [
        False,
        False,
        True,
    ]


async def test_a_second_of_the_media_is_told_once() -> None:
    api = Api("http://127.0.0.1:1")
    media = await asyncio.to_thread(load_media, sample("steady", calls=1))
    test = LoadTest(sample("steady", calls=1), api, media)
    assert await test._media_since(0) == []
    seconds = [Second(n, n, n, 0, {}, {}, {}, 0.0, 0, 0, 0) for n in (1, 2)]
    media.seconds = seconds[:1]
    assert await test._media_since(0) == seconds[:1]
    late = asyncio.create_task(test._media_since(1))
    await asyncio.sleep(0.1)
    assert not late.done()
    media.seconds.append(seconds[1])
    assert await late == seconds[1:]
    await api.close()


async def test_a_server_that_dies_is_reported_and_not_hung_on(tmp_path: Path) -> None:
    dying = Served(tmp_path / "data")
    await dying.ready()
    killed: list[float] = []

    def kill() -> None:
        dying.process.kill()
        killed.append(time.monotonic())

    report = await played(dying, sample("steady", calls=1, duration_s=300.0), None, kill)
    assert report["stopped"] == "the server did not answer for 6 s"
    assert time.monotonic() - killed[0] < 30
    assert report["measures"]["calls"]["packets_sent"] > 0
    dying.process.wait()


async def test_a_server_that_dies_in_the_last_seconds_is_reported_too(tmp_path: Path) -> None:
    dying = Served(tmp_path / "data")
    await dying.ready()
    scenario = sample("ramp", calls=2, first=1, hold_s=4.0, limits=["loss_pct>5"])
    report = await played(dying, scenario, None, dying.process.kill)
    assert report["stopped"] == "the server did not answer for 6 s"
    dying.process.wait()


async def test_an_interruption_ends_what_is_up_and_keeps_what_was_measured(served: Served) -> None:
    interrupted = asyncio.Event()
    scenario = sample("steady", calls=1, duration_s=300.0)
    report = await played(served, scenario, interrupted, interrupted.set)
    assert report["stopped"] == "interrupted"
    assert report["measures"]["calls"]["ended"] == 1
    assert report["failures"] == []


def started(served: Served, folder: Path) -> "subprocess.Popen[str]":
    """A load test of one call, on the command line."""
    scenario = folder / "light.toml"
    scenario.write_text('scenario = "steady"\ncalls = 1\nvideo_pps = 30\nduration_s = 300\n')
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "rodrun", "loadtest", str(scenario), "--url", served.url),
            *("--json", str(folder / "a.json"), "--html", str(folder / "a.html")),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "COLUMNS": "100"},
    )


async def in_a_session(served: Served, since: float) -> None:
    """Wait until a consultation that was asked for after ``since`` is active."""
    api = Api(served.url)
    operator = await api.operator_token()
    async with asyncio.timeout(90):
        while True:
            path = "/operator/consultations?state=active"
            found = await api.call("look", "GET", path, operator)
            if any(each["requested_at"] >= since for each in found):
                break
            await asyncio.sleep(0.3)
    await api.close()


async def test_ctrl_c_on_the_command_line_still_writes_the_reports(
    served: Served, tmp_path: Path
) -> None:
    began_at = time.time()
    process = started(served, tmp_path)
    await in_a_session(served, began_at)
    process.send_signal(signal.SIGINT)
    said, _ = await asyncio.to_thread(process.communicate, timeout=60)
    assert process.returncode in (0, 3), said
    assert "Traceback" not in said
    assert "Broken off: interrupted" in said
    assert json.loads((tmp_path / "a.json").read_text())["stopped"] == "interrupted"
    assert "</html>" in (tmp_path / "a.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["storm"], "there is no scenario 'storm'"),
        (["steady", "--url", "127.0.0.1:8080"], "is no URL of a server"),
        (["steady", "--url", "http://127.0.0.1:1"], "no rodrun answers at http://127.0.0.1:1"),
        (["steady", "--fail-on", "lost>1"], "there is no measure 'lost'"),
        (["steady", "--fail-on", "lost"], "is no condition"),
        (["steady", "--calls", "0"], "calls must be a whole number above 0"),
        (["steady", "--json", "/nowhere/a.json"], "there is no folder /nowhere"),
        (["steady", "--json", "/"], "cannot write /: Is a directory"),
        (["steady", "--json", "/proc/a.json"], "cannot write /proc/a.json"),
        (["steady", "--fail-on", "latency_ms>5"], "say which, as latency_ms.p95"),
        (["steady", "--duration", "inf"], "duration_s must be a number above 0"),
        (["steady", "--duration", "300000"], "this would take 83 hours"),
        (["drops", "--duration", "5"], "duration_s changes nothing"),
        (["steady", "more"], "one scenario at a time"),
        (["compare"], "compare needs two reports"),
        (["compare", "/nowhere/a.json", "b.json"], "cannot read /nowhere/a.json"),
    ],
)
def test_what_cannot_begin_says_so_in_one_line(arguments: list[str], said: str) -> None:
    done = CliRunner().invoke(app, ["loadtest", *arguments])
    assert done.exit_code == 2
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert said in lines[-1]
    assert lines[-1].startswith("rodrun: ")


async def test_refused_credentials_are_told(served: Served) -> None:
    api = Api(served.url)
    with pytest.raises(CannotBegin, match="refuses the operator's token"):
        await api.mint("no.such.token", 1, 60)
    await api.close()
