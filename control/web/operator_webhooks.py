"""The webhooks as operators see them, and how operators have some sent anew."""

from typing import Annotated, Literal

from aiohttp import web
from aiohttp_pydantic.oas.typing import r200
from pydantic import Field

from control.adapters.webhooks.dispatcher import Webhooks
from control.errors import NotFound, WebhooksOff
from control.web.operator import OperatorView
from control.web.refusals import refuses
from control.web.schema.base import Input, Output
from control.web.view import reply

SHOWN = 50
_MAX_SEQ = 2**31 - 1


class UndeliveredWebhook(Output):
    """``next_at`` is when it is tried again; null: after others of its consultation, or never,
    when it was given up."""

    consultation_id: str
    seq: int
    type: str
    queued_at: float
    attempts: int
    next_at: float | None
    given_up_at: float | None
    error: str


class WebhooksOut(Output):
    """``state`` is "failing" when the last attempt failed, "off" when there is no target."""

    state: Literal["off", "ok", "failing"]
    last_error: str | None
    pending: int
    oldest_queued_at: float | None
    failed: int = Field(description="given up in the last 30 days, and not sent anew")
    undelivered: list[UndeliveredWebhook] = Field(
        description="that failed at least once; the newest 50"
    )


class ReplayIn(Input):
    """Send a consultation's webhooks with a number greater than ``after_seq`` once more."""

    consultation_id: Annotated[str, Field(max_length=64)]
    after_seq: Annotated[int, Field(ge=0, le=_MAX_SEQ)] = 0


class Replayed(Output):
    """How many webhooks were queued."""

    queued: int


class OperatorWebhooksView(OperatorView):
    """What the platform was told, and what not yet."""

    async def get(self) -> r200[WebhooksOut]:
        """How the webhooks do.

        Tags: operator
        """
        webhooks = self.service.webhooks
        if webhooks is None:
            return reply(
                WebhooksOut(
                    state="off",
                    last_error=None,
                    pending=0,
                    oldest_queued_at=None,
                    failed=0,
                    undelivered=[],
                )
            )
        counts = await webhooks.deliveries.counts()
        undelivered = await webhooks.deliveries.undelivered(SHOWN)
        return reply(
            WebhooksOut(
                state="ok" if webhooks.last_error is None else "failing",
                last_error=webhooks.last_error,
                pending=counts.pending,
                oldest_queued_at=counts.oldest_queued_at,
                failed=counts.given_up,
                undelivered=[UndeliveredWebhook.model_validate(dict(row)) for row in undelivered],
            )
        )


class ReplayView(OperatorView):
    """Webhooks once more."""

    @refuses(NotFound, WebhooksOff)
    async def post(self, body: ReplayIn) -> r200[Replayed]:
        """Send a consultation's webhooks from a number on once more, under the same ids.

        Tags: operator
        """
        consultation_id, after_seq = body.consultation_id, body.after_seq
        async with self.audited("replay-webhooks", consultation_id, {"after_seq": after_seq}):
            deliveries = self._webhooks().deliveries
            await self.service.live.find(consultation_id)
            queued = await deliveries.replay(consultation_id, after_seq, self.service.clock())
        return reply(Replayed(queued=queued))

    def _webhooks(self) -> Webhooks:
        if self.service.webhooks is None:
            raise WebhooksOff("No webhook_url is set.")
        return self.service.webhooks


ROUTES = [
    web.view("/api/v1/operator/webhooks", OperatorWebhooksView),
    web.view("/api/v1/operator/webhooks/replay", ReplayView),
]
