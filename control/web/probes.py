"""Before a call: what the user's network carries to the node and back."""

from aiohttp import web
from aiohttp_pydantic.oas.typing import r200, r201, r204

from control.adapters.probes import WayFigures
from control.errors import BadOffer, NodeFull, NodeUnavailable, NotInThisState
from control.web.refusals import refuses
from control.web.schema.probes import ProbeFiguresOut, ProbeIn, ProbeOut, WayOut
from control.web.view import View, reply


class ProbesView(View):
    """Places on the node for some seconds, for whoever is in no call."""

    # Passwords of the node's side are kept nowhere.
    takes_key = False

    @refuses(BadOffer, NodeFull, NodeUnavailable, NotInThisState)
    async def post(self, body: ProbeIn) -> r201[ProbeOut]:
        """Begin a probe: two connections that are each other's partner, for 15 s at most.

        It is no consultation and leaves no record. Each user has one at a time, a new one ends the
        one before; a busy node refuses (`node-full`), and so does the limit of probes per user.

        Tags: joining
        """
        service = self.service
        if any(each.is_joinable for each in service.live.open_of(self.user.id)):
            raise NotInThisState("A probe would take from the call that you are in.")
        service.probe_rates.take(self.user.id, service.steady_clock())
        probe = await service.probes.begin(self.user.id, body.sender_offer, body.receiver_offer)
        sender, receiver = probe.answers
        return reply(
            ProbeOut(
                id=probe.id, sender_answer=sender, receiver_answer=receiver, ends_at=probe.ends_at
            ),
            status=201,
        )


class ProbeView(View):
    """One's own probe."""

    async def get(self, probe_id: str, /) -> r200[ProbeFiguresOut]:
        """What the node has measured, until a minute after the probe's end.

        Tags: joining
        """
        probe = self.service.probes.of(self.user.id, probe_id)
        return reply(
            ProbeFiguresOut(
                id=probe.id,
                connected=probe.is_connected,
                seconds=probe.seconds,
                rtt_ms=probe.rtt_ms,
                up=_way(probe.up),
                down=_way(probe.down),
            )
        )

    async def delete(self, probe_id: str, /) -> r204:
        """End it before its time; what was measured can still be read.

        Tags: joining
        """
        self.service.probes.end(self.service.probes.of(self.user.id, probe_id))
        return web.Response(status=204)


def _way(figures: WayFigures | None) -> WayOut | None:
    if figures is None:
        return None
    loss_pct = None if figures.loss_pct is None else round(figures.loss_pct, 2)
    return WayOut(loss_pct=loss_pct, bitrate_bps=round(figures.bitrate_bps))


ROUTES = [
    web.view("/api/v1/probes", ProbesView),
    web.view("/api/v1/probes/{probe_id}", ProbeView),
]
