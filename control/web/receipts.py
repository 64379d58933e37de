"""Receipts, and the keys that verify them."""

from typing import Any

from aiohttp import web
from aiohttp_pydantic.oas.typing import r200
from pydantic import Field

from control.accounts import AccountRole
from control.adapters.signed_receipt import sign
from control.consultations.consultation import Consultation
from control.consultations.parties import Actor
from control.consultations.receipt import receipt
from control.consultations.states import State
from control.errors import NotInThisState
from control.web.refusals import refuses
from control.web.schema.base import Output
from control.web.schema.consultations import EndOut, PartyOut
from control.web.schema.proposals import AcceptedExtensionOut
from control.web.schema.quality import ReceiptQuality
from control.web.schema.terms import TermsOut
from control.web.view import View, reply


class ReceiptEvent(Output):
    """Something that happened, and who caused it."""

    seq: int
    at: float
    type: str
    by: Actor
    data: dict[str, Any]


class PaidInterval(Output):
    """Both sides were connected."""

    began_at: float
    stopped_at: float


class ReconnectGap(Output):
    """A participant was being reconnected; null: the service was away."""

    participant: str | None
    began_at: float
    ended_at: float


class ReceiptRating(Output):
    """1 to 5 stars and a comment, first given at ``given_at``."""

    stars: int
    comment: str
    given_at: float


class ReceiptRatings(Output):
    """The client's ratings."""

    specialist: ReceiptRating | None
    technical: ReceiptRating | None


class Receipt(Output):
    """The record of a consultation that is over. Times are Unix seconds; null: it was not so."""

    version: int
    issued_to: Actor
    consultation_id: str
    client: PartyOut
    specialist: PartyOut
    purpose: str
    terms: TermsOut
    extensions: list[AcceptedExtensionOut]
    state: State
    requested_at: float
    accepted_at: float | None
    started_at: float | None
    ended_at: float | None
    end: EndOut | None
    events: list[ReceiptEvent]
    paid_intervals: list[PaidInterval]
    paid_s: float = Field(description="the sum of the paid intervals, in seconds")
    reconnect_gaps: list[ReconnectGap]
    ratings: ReceiptRatings | None = Field(description="null in the specialist's own")
    quality: ReceiptQuality | None = Field(description="null: nothing was measured")


class SignedReceipt(Output):
    """``signature`` is Ed25519 (RFC 8032) over the canonical JSON (RFC 8785) of ``receipt``."""

    receipt: Receipt
    signature: str = Field(description="base64url without padding")
    key_id: str = Field(description="of a key in /api/v1/receipt-keys")
    algorithm: str


class ReceiptKey(Output):
    """A public key (RFC 8037)."""

    kty: str
    crv: str
    x: str
    kid: str
    use: str
    alg: str


class ReceiptKeySet(Output):
    """A JWKS (RFC 7517). The first key signs now, the others signed before it."""

    keys: list[ReceiptKey]


class ReceiptView(View):
    """The receipt of a consultation."""

    @refuses(NotInThisState)
    async def get(self, consultation_id: str, /) -> r200[SignedReceipt]:
        """The signed record of a consultation that is over, for both sides and operators.

        Tags: receipts
        """
        consultation, issued_to = await self._seen(consultation_id)
        # No more than the consultation knows of: it may have been rated a moment ago.
        events = await self.service.store.events_after(consultation_id, 0, consultation.seq)
        periods = await self.service.quality_records.of(consultation_id)
        record = receipt(consultation, [each.entry for each in events], issued_to, periods)
        return web.Response(
            body=sign(record, self.service.receipt_keys).json(), content_type="application/json"
        )

    async def _seen(self, consultation_id: str) -> tuple[Consultation, Actor]:
        live = self.service.live
        if self.user.role is AccountRole.OPERATOR:
            return await live.find(consultation_id), Actor.OPERATOR
        consultation, role = await live.of(self.user.id, consultation_id)
        return consultation, role.actor


class ReceiptKeysView(View):
    """The keys that verify receipts."""

    public = True

    async def get(self) -> r200[ReceiptKeySet]:
        """The public keys of receipts, for everybody, as a JWKS.

        Tags: receipts
        """
        return reply(ReceiptKeySet.model_validate(self.service.receipt_keys.published()))


ROUTES = [
    web.view("/api/v1/consultations/{consultation_id}/receipt", ReceiptView),
    web.view("/api/v1/receipt-keys", ReceiptKeysView),
]
