"""The ``rodrun`` command."""

import logging
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console
from rich.logging import RichHandler

from rodrun.loadtest import run_loadtest
from rodrun.quality_report import run_quality_report
from rodrun.receipts import rotate_receipt_key, verify_receipt
from rodrun.serve import ServeError, serve
from rodrun.settings import SettingsError, load
from rodrun.turn import run_turn_config
from sfu.plane import warm_up

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Media server and rules of one-to-one paid video consultations.",
)
errors = Console(stderr=True)


@app.callback()
def rodrun() -> None:
    """Media server and rules of one-to-one paid video consultations."""


@app.command("serve")
def serve_command(
    demo: Annotated[
        bool | None, typer.Option("--demo/--no-demo", help="Offer sign-in as demo accounts.")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of the database, secrets and certificate.")
    ] = None,
    http_host: Annotated[str | None, typer.Option(help="Address of the API and the page.")] = None,
    http_port: Annotated[int | None, typer.Option(help="Their port; 0 takes a free one.")] = None,
    udp_host: Annotated[str | None, typer.Option(help="Address that media arrives on.")] = None,
    udp_port: Annotated[int | None, typer.Option(help="Its port; 0 takes a free one.")] = None,
    announce: Annotated[
        list[str] | None,
        typer.Option(help="Address told to browsers instead of the machine's own; repeatable."),
    ] = None,
    tls: Annotated[
        str | None, typer.Option(help="'auto' for an own certificate, or CERT,KEY (PEM files).")
    ] = None,
    turn_url: Annotated[
        list[str] | None,
        typer.Option(help="URL of a TURN server for networks without UDP; repeatable."),
    ] = None,
    turn_secret_file: Annotated[
        Path | None, typer.Option(help="File with the secret that the TURN server knows.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(envvar="RODRUN_CONFIG", help="TOML file with the same settings.")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Log more.")] = False,
) -> None:
    """Run control, the page and one media worker in this process.

    Each option is also an environment variable (RODRUN_HTTP_PORT) and a line of the TOML file.
    """
    _log_to_stderr(verbose)
    given = {
        "demo": demo,
        "data_dir": data_dir,
        "http_host": http_host,
        "http_port": http_port,
        "udp_host": udp_host,
        "udp_port": udp_port,
        "announce": tuple(announce) if announce else None,
        "tls": tls,
        "turn_url": tuple(turn_url) if turn_url else None,
        "turn_secret_file": turn_secret_file,
    }
    try:
        settings = load(config, given)
        warm_up()  # before the loop runs, so that Ctrl-C ends a first compilation
        uvloop.run(serve(settings))
    except (SettingsError, ServeError) as error:
        errors.print(f"[bold red]rodrun:[/] {error}", highlight=False)
        raise typer.Exit(2) from None


@app.command("warm-up")
def warm_up_command(
    verbose: Annotated[bool, typer.Option("--verbose", help="Log more.")] = False,
) -> None:
    """Compile everything that serve needs, so that no start has to; for images.

    RODRUN_CACHE_DIR says where to put the machine code, NUMBA_CPU_NAME and NUMBA_CPU_FEATURES
    which processor it is for. Serve must then run with the same three.
    """
    _log_to_stderr(verbose)
    made = warm_up()
    if made.directory is None:
        errors.print(
            "[bold red]rodrun:[/] the machine code cannot be kept. Name a folder that can be"
            " written in RODRUN_CACHE_DIR.",
            highlight=False,
        )
        raise typer.Exit(1)
    what = f"compiled {made.compiled} functions" if made.compiled else "nothing to compile"
    output = Console(highlight=False, soft_wrap=True)
    output.print(f"{what} for {made.processor}, {made.seconds:.0f} s: {made.directory}")


app.command("loadtest")(run_loadtest)
app.command("verify-receipt")(verify_receipt)
app.command("rotate-receipt-key")(rotate_receipt_key)
app.command("quality-report")(run_quality_report)
app.command("turn-config")(run_turn_config)


def _log_to_stderr(verbose: bool) -> None:
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(message)s",
        datefmt="[%X]",
        handlers=[RichHandler(console=errors, show_path=False)],
    )
    for chatty in ("alembic", "numba", "asyncio", "aiohttp.access", "aiortc"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def main() -> None:
    """Entry point of the ``rodrun`` command."""
    app()
