"""``rodrun loadtest``: a deployment's capacity, from outside."""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from loadtest.api import Api, CannotBegin
from loadtest.comparison import compare
from loadtest.descriptors import allow_descriptors
from loadtest.expectation import BadExpectation, Expectation
from loadtest.html_report import write_html
from loadtest.load_test import LoadTest, load_media
from loadtest.media import Media
from loadtest.ramp import read_limits
from loadtest.record import Record
from loadtest.report import (
    BadReport,
    Report,
    has_failed,
    make_report,
    read_expectations,
    read_report,
    write_report,
)
from loadtest.scenario import BadScenario, Scenario, find_scenario, with_options
from loadtest.server_watch import ServerMetrics
from loadtest.summary import progress, summarise

LOCAL = "http://127.0.0.1:8080"

errors = Console(stderr=True)
output = Console()


def run_loadtest(
    scenario: Annotated[
        str,
        typer.Argument(
            help="steady, churn, rush, ramp, drops, rejoin, soak, hostile, drops-200, a TOML file;"
            " or compare A.json B.json."
        ),
    ],
    reports: Annotated[list[Path] | None, typer.Argument(help="Of compare: two reports.")] = None,
    url: Annotated[str, typer.Option(help="The deployment's address.")] = LOCAL,
    token: Annotated[
        str,
        typer.Option(
            envvar="RODRUN_OPERATOR_TOKEN",
            help="An operator's access token; without it, one of a demo.",
        ),
    ] = "",
    calls: Annotated[int | None, typer.Option(help="Calls at one time.")] = None,
    duration: Annotated[
        float | None, typer.Option(help="Seconds with all calls up; not of drops.")
    ] = None,
    metrics: Annotated[
        list[str] | None, typer.Option(help="Address of a server's /metrics; repeatable.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write the report as JSON.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the report as a page.")] = None,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(help="Exit with 1 when this holds: 'loss_pct>0.1'; repeatable."),
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Take any TLS certificate of the server.")
    ] = False,
) -> None:
    """Load a deployment with virtual consultations, and measure it from outside.

    Exits with 1 when a --fail-on holds or the server is gone, with 2 when it cannot begin, and with
    3 when the generator itself was the bottleneck, so that the result says nothing.
    """
    try:
        if scenario == "compare":
            _compare(reports or [])
            return
        if reports:
            raise BadScenario(f"one scenario at a time, and not {reports[0]} too.")
        chosen = with_options(find_scenario(scenario), calls, duration)
        expectations = read_expectations((*chosen.fail_on, *(fail_on or ())))
        read_limits(chosen.limits)
        for path in (json, html):
            if path is not None:
                _refuse_unwritable(path)
        allow_descriptors(chosen.calls)
        with errors.status("Preparing the generator; the first time it is compiled …"):
            media = load_media(chosen)
        report = asyncio.run(
            _run(chosen, media, url, token, tuple(metrics or ()), expectations, not insecure)
        )
    except (BadScenario, BadExpectation, BadReport, CannotBegin) as error:
        errors.print(f"[bold red]rodrun:[/] {error}", highlight=False, soft_wrap=True)
        raise typer.Exit(2) from None
    summarise(report, output)
    written = [_write(write_report, report, json), _write(write_html, report, html)]
    if not all(written):
        raise typer.Exit(2)
    if has_failed(report):
        raise typer.Exit(1)
    if not report["valid"]:
        raise typer.Exit(3)


def _refuse_unwritable(path: Path) -> None:
    """Raise CannotBegin when a report could not be written there; before anything is measured."""
    if not path.parent.is_dir():
        raise CannotBegin(f"there is no folder {path.parent} for {path.name}.")
    is_new = not path.exists()
    try:
        path.open("ab").close()
    except OSError as error:
        raise CannotBegin(f"cannot write {path}: {error.strerror}.") from None
    if is_new:
        path.unlink()


def _write(write: Callable[[Report, Path], None], report: Report, path: Path | None) -> bool:
    """Write the report, if it is wanted; False, and a line that says why, when that failed."""
    try:
        if path is not None:
            write(report, path)
    except OSError as error:
        errors.print(f"[bold red]rodrun:[/] cannot write {path}: {error.strerror}.")
        return False
    return True


async def _run(
    scenario: Scenario,
    media: Media,
    url: str,
    token: str,
    metrics: tuple[str, ...],
    expectations: list[Expectation],
    verify_tls: bool,
) -> Report:
    interrupted = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupted.set)
    api = Api(url, verify_tls=verify_tls)
    server = ServerMetrics(metrics, verify_tls=verify_tls)
    try:
        with Live(console=errors, refresh_per_second=2, transient=True) as live:

            def show(record: Record) -> None:
                live.update(progress(scenario, record))

            media.start()
            test = LoadTest(scenario, api, media, token, server, show, stands_back=True)
            record = await test.run(interrupted)
        return make_report(scenario, api.url, record, media, api.latencies_ms, expectations)
    finally:
        await server.close()
        await api.close()


def _compare(paths: list[Path]) -> None:
    if len(paths) != 2:
        raise BadReport("compare needs two reports: rodrun loadtest compare A.json B.json.")
    compare(read_report(paths[0]), read_report(paths[1]), output)
