"""``rodrun serve``: control, the page and one media worker in one process."""

import asyncio
import gc
import ipaddress
import logging
import signal
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from aiohttp import web
from prometheus_client import CollectorRegistry
from rich.console import Console

import control.settings
from control.adapters.database import Database
from control.consultations.policy import PLATFORM, DropAction, LinkPolicy, Policy
from control.errors import DatabaseUnavailable
from control.web.application import application
from rodrun.certificate import tls_context
from rodrun.settings import ServeSettings, SettingsError
from rodrun.turn import turn_servers
from sfu.metrics import WorkerCollector
from sfu.plane import PlaneSettings
from sfu.server import Worker, WorkerSettings
from sfu.transport.interfaces import hosts_to_announce, machine_addresses

logger = logging.getLogger("rodrun")

DATABASE_FILE = "rodrun.sqlite"
CLOSE_WITHIN_S = 3.0
# Objects made, and collections of the young before one of the middle-aged, and of these before one
# of all. With 200 calls that takes a tenth of a second and came every 8 s; now it is every few
# minutes. Few objects need it: most are gone when nobody refers to them.
COLLECT = (5_000, 10, 40)
_LOOPBACK = ["localhost", "127.0.0.1", "::1"]


class ServeError(Exception):
    """The server could not start; the text says what happened and what to do."""


async def serve(settings: ServeSettings) -> None:
    """Run until SIGINT or SIGTERM.

    Raises:
        SettingsError: for settings that contradict each other or name unusable files.
        ServeError: when an address or the data folder cannot be used.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    control_settings = _control_settings(settings)
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ServeError(f"cannot use the data folder {settings.data_dir}: {error}") from error
    context = tls_context(settings.tls, settings.data_dir, _hosts(settings))

    async with _database(settings) as database, _worker(settings) as worker:
        registry = CollectorRegistry()
        registry.register(WorkerCollector(worker))
        try:
            app = application(database, worker, control_settings, registry=registry)
        except (OSError, ValueError) as error:
            raise ServeError(str(error)) from error
        async with _site(app, settings, context) as port:
            _announce(settings, port, worker.port)
            await stop.wait()
            logger.info("Stopping.")


def _control_settings(settings: ServeSettings) -> control.settings.Settings:
    try:
        identity = None
        if settings.jwt_secret or settings.jwks_file or settings.jwks_url:
            if not (settings.jwt_issuer and settings.jwt_audience):
                raise ValueError("jwt_issuer and jwt_audience must be set with the platform's key")
            identity = control.settings.Identity(
                issuer=settings.jwt_issuer,
                audience=settings.jwt_audience,
                secret=settings.jwt_secret.encode() or None,
                jwks_file=settings.jwks_file,
                jwks_url=settings.jwks_url or None,
            )
        return control.settings.Settings(
            data_dir=settings.data_dir,
            demo=settings.demo,
            identity=identity,
            allowed_origins=settings.allowed_origins,
            trusted_proxies=settings.trusted_proxies,
            user_rate=control.settings.Rate(
                settings.user_requests_per_s, settings.user_requests_at_once
            ),
            address_rate=control.settings.Rate(
                settings.address_requests_per_s, settings.address_requests_at_once
            ),
            synthetic_rate=control.settings.Rate(
                settings.synthetic_requests_per_s, settings.synthetic_requests_at_once
            ),
            webhook=_webhook(settings),
            turn=turn_servers(settings),
            video_codec=settings.video_codec,
            max_video_bps=settings.max_video_bps,
            policy=policy(settings),
        )
    except ValueError as error:
        raise SettingsError(
            f"{error}. For a trial on this machine: rodrun serve --demo. "
            "For a platform: RODRUN_JWT_ISSUER, RODRUN_JWT_AUDIENCE and either "
            "RODRUN_JWT_SECRET, RODRUN_JWKS_FILE or RODRUN_JWKS_URL."
        ) from error


def policy(settings: ServeSettings) -> Policy:
    """The rules' numbers; raises SettingsError."""

    def link(drop_after_s: float, on_drop: str) -> LinkPolicy:
        goes_on = on_drop == "go_on"
        return LinkPolicy(
            settings.suspect_after_s,
            settings.reconnecting_after_s,
            None if goes_on else drop_after_s,
            DropAction.END if goes_on else DropAction(on_drop),
        )

    try:
        return replace(
            PLATFORM,
            accept_within_s=settings.accept_within_s,
            start_within_s=settings.start_within_s,
            client=link(settings.client_drop_after_s, settings.client_on_drop),
            specialist=link(settings.specialist_drop_after_s, settings.specialist_on_drop),
        )
    except ValueError as error:
        raise SettingsError(
            f"suspect_after_s, reconnecting_after_s and drop_after_s of each role: {error}"
        ) from error


def _webhook(settings: ServeSettings) -> control.settings.WebhookTarget | None:
    if not settings.webhook_url:
        return None
    try:
        return control.settings.WebhookTarget(
            settings.webhook_url, settings.webhook_secret, settings.webhook_allow_private
        )
    except ValueError as error:
        raise SettingsError(f"webhook_url, webhook_secret: {error}") from error


def _is_wildcard(host: str) -> bool:
    return host in ("::", "0.0.0.0", "")


def _reachable(wildcard: str) -> list[str]:
    """The addresses at which others reach a server that listens on ``wildcard``."""
    hosts = hosts_to_announce(wildcard or "::", (), machine_addresses())
    return [host for host in hosts if not ipaddress.ip_address(host).is_loopback]


def _hosts(settings: ServeSettings) -> list[str]:
    """The names that the page may be opened under."""
    if _is_wildcard(settings.http_host):
        return [*_LOOPBACK, *_reachable(settings.http_host)]
    return list(dict.fromkeys([*_LOOPBACK, settings.http_host]))


@asynccontextmanager
async def _database(settings: ServeSettings) -> AsyncIterator[Database]:
    try:
        if settings.database_url:
            database = await Database.open(settings.database_url)
        else:
            database = await Database.open_file(settings.data_dir / DATABASE_FILE)
    except ValueError as error:
        raise SettingsError(f"RODRUN_DATABASE_URL cannot be used: {error}.") from error
    except DatabaseUnavailable as error:
        raise ServeError(f"cannot open the database: {error.__cause__}") from error
    try:
        yield database
    finally:
        await database.close()


def worker_settings(settings: ServeSettings) -> WorkerSettings:
    """Those of the media worker."""
    return WorkerSettings(
        udp_host=settings.udp_host,
        udp_port=settings.udp_port,
        announce=settings.announce,
        plane=PlaneSettings(
            history_octets=settings.history_kib * 1024,
            history_ns=settings.history_ms * 1_000_000,
        ),
    )


@asynccontextmanager
async def _worker(settings: ServeSettings) -> AsyncIterator[Worker]:
    try:
        worker = await Worker.start(worker_settings(settings))
    except OSError as error:
        raise ServeError(
            f"cannot receive media on {settings.udp_host} UDP port {settings.udp_port}: "
            f"{error.strerror or error}. Choose another with --udp-host and --udp-port."
        ) from error
    try:
        yield worker
    finally:
        await worker.stop()


@asynccontextmanager
async def _site(
    app: web.Application, settings: ServeSettings, context: ssl.SSLContext | None
) -> AsyncIterator[int]:
    """Serve ``app``; gives the port that it listens on."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSE_WITHIN_S)
    await runner.setup()
    # All that is there now stays; else the collector looks at it again and again, and nothing else
    # happens for over 100 ms each time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT)
    try:
        site = web.TCPSite(runner, settings.http_host, settings.http_port, ssl_context=context)
        try:
            await site.start()
        except OSError as error:
            raise ServeError(
                f"cannot listen on {settings.http_host} port {settings.http_port}: "
                f"{error.strerror or error}. Choose another with --http-host and --http-port."
            ) from error
        port: int = runner.addresses[0][1]
        yield port
    finally:
        gc.unfreeze()
        await runner.cleanup()


def _announce(settings: ServeSettings, http_port: int, udp_port: int) -> None:
    """Tell whoever started this where to go."""
    scheme = "https" if settings.tls else "http"
    if _is_wildcard(settings.http_host):
        hosts = ["localhost", *_reachable(settings.http_host)]
    else:
        hosts = [settings.http_host]
    console = Console(highlight=False, soft_wrap=True)
    for host in hosts:
        shown = f"\\[{host}]" if ":" in host else host
        console.print(f"Page and API: [bold]{scheme}://{shown}:{http_port}/[/]")
    console.print(f"Media: UDP port {udp_port} on {settings.udp_host}")
    if settings.demo:
        console.print(
            "Demo sign-ins: [bold]maria[/] and [bold]nikola[/] (clients), [bold]ivan[/]"
            " (specialist) and [bold]olga[/] (operator)."
        )
        console.print(
            "Open the page in two windows, and sign in as maria in one, as ivan in the other."
        )
    if settings.tls == "auto":
        console.print("The certificate is self-signed: browsers will ask once.")
