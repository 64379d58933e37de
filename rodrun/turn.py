"""``rodrun turn-config``: the settings of a coturn; and the servers that serve tells of."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rodrun.settings import ServeSettings, SettingsError, load
from turn_config.coturn import Coturn
from turn_config.credentials import TurnServers

_errors = Console(stderr=True, highlight=False, soft_wrap=True)


def run_turn_config(
    realm: Annotated[str, typer.Option(help="The TURN server's domain name.")],
    secret_file: Annotated[
        Path | None, typer.Option(help="What serve has as --turn-secret-file; the default is that.")
    ] = None,
    node: Annotated[
        list[str] | None,
        typer.Option(
            help="Address at which browsers reach the media node; repeatable. Nothing is relayed"
            " to others. Default: those that serve is told to announce."
        ),
    ] = None,
    listen: Annotated[
        list[str] | None,
        typer.Option(help="Address to listen on; repeatable. Default: all of the machine's."),
    ] = None,
    port: Annotated[int, typer.Option(help="For UDP and TCP.")] = 3478,
    tls: Annotated[str, typer.Option(help="CERT,KEY: PEM files, for TLS.")] = "",
    tls_port: Annotated[
        int, typer.Option(help="For TLS. 443 is open where hardly anything is.")
    ] = 5349,
    config: Annotated[
        Path | None, typer.Option(envvar="RODRUN_CONFIG", help="The TOML file of serve.")
    ] = None,
) -> None:
    """Print a turnserver.conf for coturn, by which it relays to the media node and nowhere else.

    Reads the settings of serve for the secret, the announced addresses and the limit of video.
    """
    try:
        settings = load(config, {"turn_secret_file": secret_file})
        if settings.turn_secret_file is None:
            raise ValueError("name the file with the secret: --secret-file")
        files = [Path(each.strip()).absolute() for each in tls.split(",") if each.strip()]
        if len(files) not in (0, 2):
            raise ValueError("--tls takes two PEM files: CERT,KEY")
        certificate, key = files or (None, None)
        coturn = Coturn(
            realm=realm,
            secret=_secret(settings.turn_secret_file),
            nodes=node or settings.announce,
            listen=listen or (),
            port=port,
            tls_port=tls_port,
            certificate=certificate,
            key=key,
            max_video_bps=settings.max_video_bps,
        )
    except (SettingsError, OSError, ValueError) as error:
        _errors.print(f"[bold red]rodrun:[/] {error}")
        raise typer.Exit(2) from None
    typer.echo(coturn.settings(), nl=False)


def turn_servers(settings: ServeSettings) -> TurnServers | None:
    """The TURN servers that pages are told of; None without. Raises SettingsError."""
    if not settings.turn_url and settings.turn_secret_file is None:
        return None
    try:
        if settings.turn_secret_file is None:
            raise ValueError("the secret that the TURN server knows is missing")
        return TurnServers(settings.turn_url, _secret(settings.turn_secret_file))
    except (OSError, ValueError) as error:
        raise SettingsError(f"turn_url, turn_secret_file: {error}") from error


def _secret(file: Path) -> str:
    return file.read_text(encoding="utf-8").strip()
