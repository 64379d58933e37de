"""Control, put together."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from aiohttp import web
from prometheus_client import CollectorRegistry

from control.adapters.answers import Answers
from control.adapters.audit import AuditLog
from control.adapters.blocked_accounts import BlockedAccounts
from control.adapters.consultation_search import ConsultationSearch
from control.adapters.database import Database
from control.adapters.errands import Errands
from control.adapters.heartbeat import Heartbeat
from control.adapters.join_tokens import JoinTokens
from control.adapters.live import LiveConsultations
from control.adapters.people import People
from control.adapters.platform_keys import PlatformKeys
from control.adapters.probes import Probes
from control.adapters.pulse import Pulse, boot_time
from control.adapters.quality_records import QualityRecords
from control.adapters.quality_watch import QualityWatch
from control.adapters.ratings import Ratings
from control.adapters.receipt_keys import ReceiptKeys
from control.adapters.rooms import Rooms
from control.adapters.scheduler import Clock
from control.adapters.secret import own_secret
from control.adapters.steady_clock import SteadyClock
from control.adapters.store import Store
from control.adapters.webhooks.dispatcher import Webhooks
from control.settings import Settings
from control.web import (
    accounts,
    blocking,
    consultations,
    events,
    health,
    joining,
    openapi,
    operator,
    operator_consultations,
    operator_webhooks,
    pages,
    probes,
    quality,
    ratings,
    receipts,
    specialists,
    synthetic,
)
from control.web.addresses import limit_addresses
from control.web.authentication import AccessTokens
from control.web.hub import Hub
from control.web.origins import cross_origin
from control.web.presence import PresenceBoard
from control.web.problems import problems
from control.web.quality_figures import QualityFigures
from control.web.rates import Rates
from control.web.service import SERVICE, Service
from control.web.synthetic_tokens import SyntheticTokens
from control.web.webhook_figures import WebhookFigures
from sfu.api import NodePort

# An offer of a browser has about 10 kB.
MAX_BODY_BYTES = 64 * 1024


def application(
    database: Database,
    node: NodePort,
    settings: Settings,
    *,
    clock: Clock = time.time,
    monotonic: Clock | None = None,
    pulse: Pulse | None = None,
    registry: CollectorRegistry | None = None,
) -> web.Application:
    """Control as an aiohttp application: API, events, page, metrics.

    It follows the node's events and the deadlines from start-up to clean-up; ``database`` and
    ``node`` stay the caller's, who closes them afterwards. ``registry`` is what /metrics shows;
    control adds its own figures to it. ``monotonic`` is the clock that nobody sets; it may be left
    out with a ``clock`` that nobody sets either. ``pulse`` knows when control stood still.
    """
    secret = own_secret(settings.data_dir)
    identity = settings.identity or accounts.demo_identity(secret)
    store = Store(database)
    people = People(database)
    if monotonic is None:
        monotonic = boot_time if clock is time.time else clock
    steady_clock = SteadyClock(clock, monotonic)
    registry = registry or CollectorRegistry()
    hub = Hub(settings.policy, steady_clock)
    errands = Errands()
    key_source = identity.jwks_file or identity.jwks_url
    keys = PlatformKeys(key_source, errands) if key_source else None
    live = LiveConsultations(
        store,
        settings.policy,
        steady_clock,
        hub,
        errands,
        lambda over: rooms.close(over),
        pulse or Pulse(),
    )
    quality_records = QualityRecords(database)
    quality_watch = QualityWatch(
        live, hub, errands, quality_records, steady_clock, QualityFigures(registry).observe
    )
    rooms = Rooms(
        node,
        live,
        hub,
        errands,
        settings.video_codec,
        settings.max_video_bps,
        from_wall=steady_clock.from_wall,
        quality=quality_watch,
        others=lambda event: own_probes.take(event),
    )
    own_probes = Probes(rooms.ask, errands, steady_clock, settings.max_video_bps)
    presence = PresenceBoard(hub, live, people, errands)
    hub.on_changed = presence.consultation_changed
    webhooks = Webhooks(database, settings.webhook, clock) if settings.webhook else None
    health.register(registry, live, hub)
    if webhooks is not None:
        registry.register(WebhookFigures(webhooks, clock))

    app = web.Application(
        middlewares=[cross_origin, problems, limit_addresses], client_max_size=MAX_BODY_BYTES
    )
    app[SERVICE] = Service(
        settings=settings,
        clock=clock,
        steady_clock=steady_clock,
        database=database,
        people=people,
        store=store,
        answers=Answers(database),
        consultation_search=ConsultationSearch(database, store),
        ratings=Ratings(database),
        quality_records=quality_records,
        quality_watch=quality_watch,
        audit_log=AuditLog(database),
        blocked_accounts=BlockedAccounts(database),
        receipt_keys=ReceiptKeys.open(settings.data_dir),
        webhooks=webhooks,
        live=live,
        rooms=rooms,
        probes=own_probes,
        hub=hub,
        presence=presence,
        errands=errands,
        access_tokens=AccessTokens(identity, keys),
        synthetic_tokens=SyntheticTokens(secret),
        join_tokens=JoinTokens(secret, database),
        user_rates=Rates(settings.user_rate),
        probe_rates=Rates(settings.probe_rate),
        address_rates=Rates(settings.address_rate),
        synthetic_rates=Rates(settings.synthetic_rate),
    )
    app[events.SOCKETS] = set()
    app[health.REGISTRY] = registry
    app.add_routes(accounts.ROUTES)
    if settings.demo:
        app.add_routes(accounts.DEMO_ROUTES)
    app.add_routes(specialists.ROUTES)
    app.add_routes(consultations.ROUTES)
    app.add_routes(joining.ROUTES)
    app.add_routes(probes.ROUTES)
    app.add_routes(ratings.ROUTES)
    app.add_routes(receipts.ROUTES)
    app.add_routes(quality.ROUTES)
    app.add_routes(operator.ROUTES)
    app.add_routes(blocking.ROUTES)
    app.add_routes(operator_consultations.ROUTES)
    app.add_routes(operator_webhooks.ROUTES)
    app.add_routes(synthetic.ROUTES)
    app.router.add_get("/api/v1/events", events.events)
    app[openapi.DESCRIPTION] = openapi.Description(app)
    app.add_routes(openapi.ROUTES)
    app.add_routes(health.ROUTES)
    app.add_routes(pages.ROUTES)
    app.on_response_prepare.append(pages.protect)
    app.on_shutdown.append(events.close_all)
    app.cleanup_ctx.append(_running)
    return app


async def _running(app: web.Application) -> AsyncIterator[None]:
    service = app[SERVICE]
    if service.settings.demo:
        await accounts.add_demo_accounts(service.people, service.clock())
    await service.access_tokens.prepare(service.clock())
    await service.blocked_accounts.load()
    heartbeat = Heartbeat(service.database, service.steady_clock)
    # Before anything is open: what ends from now on is summed up as it ends.
    left_over = await service.quality_watch.left_over()
    await service.live.load(await heartbeat.last())
    service.presence.load()
    service.quality_watch.sum_up(left_over)
    tasks = [
        asyncio.create_task(service.rooms.run(), name="node events"),
        asyncio.create_task(service.live.scheduler.run(), name="deadlines"),
        asyncio.create_task(heartbeat.run(), name="heartbeat"),
        asyncio.create_task(service.live.listen(), name="pulse"),
    ]
    if service.webhooks is not None:
        await service.webhooks.start()
        tasks.append(asyncio.create_task(service.webhooks.run(), name="webhooks"))
    yield
    for task in tasks:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    if service.webhooks is not None:
        await service.webhooks.stop()
    await service.errands.settled()
