"""Whether control lives, whether it can work, and its figures."""

import asyncio
from collections.abc import Iterator

from aiohttp import web
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from control.adapters.live import LiveConsultations
from control.consultations.liveness import LinkState
from control.consultations.states import OPEN
from control.errors import ControlError, Unavailable
from control.web.hub import Hub
from control.web.service import SERVICE

READY_WITHIN_S = 2.0

REGISTRY = web.AppKey("metrics registry", CollectorRegistry)


class Figures(Collector):
    """Control's own figures, read when asked."""

    def __init__(self, live: LiveConsultations, hub: Hub) -> None:
        self._live = live
        self._hub = hub

    def collect(self) -> Iterator[Metric]:
        """Open consultations, their participants' links, what happened, event connections."""
        states = dict.fromkeys(OPEN, 0)
        links = dict.fromkeys(LinkState, 0)
        for consultation in self._live.open():
            states[consultation.state] += 1
            if consultation.is_joinable:
                for link in consultation.links.values():
                    links[link.state] += 1
        gauge = GaugeMetricFamily(
            "rodrun_consultations", "Open consultations by state.", labels=["state"]
        )
        for state, count in states.items():
            gauge.add_metric([state.value], count)
        yield gauge
        gauge = GaugeMetricFamily(
            "rodrun_participants",
            "Participants of accepted and active consultations by the state of their connection.",
            labels=["link"],
        )
        for link_state, count in links.items():
            gauge.add_metric([link_state.value], count)
        yield gauge
        counter = CounterMetricFamily(
            "rodrun_consultation_events",
            "What happened to consultations since the start.",
            labels=["event"],
        )
        for name, count in self._live.happened.items():
            counter.add_metric([name], count)
        yield counter
        yield GaugeMetricFamily(
            "rodrun_event_connections", "Open event connections.", len(self._hub)
        )


def register(registry: CollectorRegistry, live: LiveConsultations, hub: Hub) -> None:
    """Put control's and the process's figures into ``registry``."""
    registry.register(Figures(live, hub))
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)


async def livez(request: web.Request) -> web.Response:
    """The process answers."""
    return web.Response(text="ok\n")


async def readyz(request: web.Request) -> web.Response:
    """Store and media node answer."""
    service = request.app[SERVICE]
    try:
        async with asyncio.timeout(READY_WITHIN_S):
            await service.database.ping()
            await service.rooms.ping()
    except ControlError:
        raise
    except Exception as error:
        raise Unavailable("The store or the media node does not answer.") from error
    return web.Response(text="ok\n")


async def metrics(request: web.Request) -> web.Response:
    """The figures, in Prometheus' text format."""
    text = generate_latest(request.app[REGISTRY])
    return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})


ROUTES = [
    web.get("/livez", livez),
    web.get("/readyz", readyz),
    web.get("/metrics", metrics),
]
