"""``rodrun quality-report``: what was measured beside what clients said of it."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from control.adapters.database import Database
from control.adapters.quality_records import QualityRecords
from control.consultations.quality_report import QualityReport, quality_report
from control.errors import DatabaseUnavailable
from rodrun.serve import DATABASE_FILE
from rodrun.settings import SettingsError, load

_output = Console(highlight=False, soft_wrap=True)
_errors = Console(stderr=True, highlight=False)


def run_quality_report(
    data_dir: Annotated[Path | None, typer.Option(help="The data folder of serve.")] = None,
    config: Annotated[
        Path | None, typer.Option(envvar="RODRUN_CONFIG", help="The TOML file of serve.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For other programs.")] = False,
) -> None:
    """Compare the measured quality of connections with the clients' technical ratings.

    Reads the database that serve uses (RODRUN_DATABASE_URL, or the file in the data folder), all
    consultations of it that are over, load tests apart. Scores are 1 to 4.5; docs/quality.md has
    what they mean.
    """
    try:
        settings = load(config, {"data_dir": data_dir})
        file = settings.data_dir / DATABASE_FILE
        if not settings.database_url and not file.exists():
            raise ValueError(f"there is no database {file}; name the data folder of serve")
        report = asyncio.run(_report(settings.database_url, file))
    except (SettingsError, DatabaseUnavailable, ValueError, OSError) as error:
        _errors.print(f"[bold red]rodrun:[/] {error}")
        raise typer.Exit(2) from None
    if as_json:
        typer.echo(json.dumps(report.to_json(), indent=2))
    else:
        _show(report)


async def _report(url: str, file: Path) -> QualityReport:
    database = await (Database.open(url) if url else Database.open_file(file))
    try:
        return quality_report(await QualityRecords(database).rated())
    finally:
        await database.close()


def _show(report: QualityReport) -> None:
    if not report.lines:
        _output.print("No consultation that is over was measured.")
        return
    table = Table("stars", "consultations", "score", "least score", "worst leg below excellent")
    for line in report.lines:
        table.add_row(
            "not rated" if line.stars is None else str(line.stars),
            str(line.consultations),
            f"{line.mos:.2f}",
            f"{line.least_mos:.2f}",
            ", ".join(f"{leg} {count}" for leg, count in line.verdicts.items()),
        )
    _output.print(table)
    agreement = "too few to tell" if report.agreement is None else f"{report.agreement:.2f}"
    _output.print(f"{report.rated} rated; correlation of stars and scores: {agreement}")
