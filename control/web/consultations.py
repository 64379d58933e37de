"""Consultations: asking, answering, ending, rating."""

from decimal import Decimal
from functools import partial
from typing import Annotated

from aiohttp import web
from aiohttp_pydantic.oas.typing import r200, r201
from pydantic import Field

from control.accounts import AccountRole
from control.consultations.commands import (
    Accept,
    AnswerEarlyEnd,
    AnswerExtension,
    Cancel,
    Decline,
    Leave,
    ProposeEarlyEnd,
    ProposeExtension,
    Rate,
    WithdrawEarlyEnd,
    WithdrawExtension,
)
from control.consultations.ratings import Subject
from control.errors import (
    AlreadyLeaving,
    ClientBusy,
    EarlyEndAlreadyProposed,
    ExtensionAlreadyProposed,
    ExtensionInvalid,
    NoEarlyEndProposed,
    NoExtensionProposed,
    NotFound,
    NotInThisState,
    NotPermitted,
    NotRatable,
    OwnEarlyEnd,
    PurposeInvalid,
    RatingInvalid,
    RequestAlreadyOpen,
    SpecialistBusy,
    SpecialistOffline,
    VideoNotTaken,
)
from control.web.cursor import MAX_CHARACTERS, cursor, read_cursor
from control.web.refusals import refuses
from control.web.schema.consultations import DeclineIn, RequestIn, Snapshot
from control.web.schema.events import EventOut, EventsOut
from control.web.schema.proposals import ExtensionIn
from control.web.schema.ratings import RatingIn
from control.web.view import View, reply, reply_list
from control.web.welcome import MAX_SEQ


class ConsultationsView(View):
    """The user's consultations."""

    async def get(
        self,
        limit: Annotated[int, Field(ge=1, le=200)] = 50,
        before: Annotated[str, Field(max_length=MAX_CHARACTERS)] = "",
    ) -> r200[list[Snapshot]]:
        """One's own consultations, newest first.

        When there are more, the header `Link` has the address of the next ones (`rel="next"`).

        Tags: consultations
        """
        now, policy = self.service.steady_clock(), self.service.settings.policy
        place = read_cursor(before) if before else None
        consultations = await self.service.live.list_of(self.user.id, limit + 1, place)
        response = reply_list(
            [
                Snapshot.of(each, now, policy, each.role_of(self.user.id))
                for each in consultations[:limit]
            ]
        )
        if len(consultations) > limit:
            rest = f"?limit={limit}&before={cursor(consultations[limit - 1])}"
            response.headers["Link"] = f'<{self.request.path}{rest}>; rel="next"'
        return response

    @refuses(
        NotFound,
        NotPermitted,
        PurposeInvalid,
        VideoNotTaken,
        SpecialistOffline,
        RequestAlreadyOpen,
        ClientBusy,
        SpecialistBusy,
    )
    async def post(self, body: RequestIn) -> r201[Snapshot]:
        """Ask a specialist for a consultation; they have 5 minutes to accept.

        Tags: consultations
        """
        if self.user.role is not AccountRole.CLIENT:
            raise NotPermitted("Clients ask for consultations.")
        specialist = await self.service.people.specialist(body.specialist_id)
        if specialist is None or specialist.user.synthetic != self.user.synthetic:
            raise NotFound("There is no such specialist.")
        online = self.service.presence.of(specialist).online
        return await self.carried_out(
            lambda alongside: self.service.live.request(
                self.user, specialist, body.purpose, online, alongside
            ),
            status=201,
        )


class ConsultationView(View):
    """One consultation."""

    async def get(self, consultation_id: str, /) -> r200[Snapshot]:
        """One consultation of one's own.

        Tags: consultations
        """
        consultation, _ = await self.service.live.of(self.user.id, consultation_id)
        return self.snapshot(consultation)


class ConsultationEventsView(View):
    """What happened to a consultation."""

    async def get(
        self,
        consultation_id: str,
        /,
        after: Annotated[int, Field(ge=0, le=MAX_SEQ)] = 0,
        limit: Annotated[int, Field(ge=1, le=500)] = 500,
    ) -> r200[EventsOut]:
        """The events after the one with this number, in order, without gaps.

        Tags: consultations
        """
        consultation, role = await self.service.live.of(self.user.id, consultation_id)
        found = await self.service.store.events_after(consultation_id, after, limit)
        events = [EventOut.of(event, role) for event in found]
        # The record may have grown since.
        seq = max(consultation.seq, events[-1].seq if events else 0)
        return reply(EventsOut(events=events, seq=seq))


class AcceptView(View):
    """The specialist's yes."""

    @refuses(NotPermitted, NotInThisState, ClientBusy, SpecialistBusy)
    async def post(self, consultation_id: str, /) -> r200[Snapshot]:
        """Accept a request. Other open requests of both sides are withdrawn.

        Tags: consultations
        """
        return await self.perform(consultation_id, Accept)


class DeclineView(View):
    """The specialist's no."""

    @refuses(NotPermitted, NotInThisState)
    async def post(self, consultation_id: str, /, body: DeclineIn) -> r200[Snapshot]:
        """Decline a request, with an optional reason.

        Tags: consultations
        """
        return await self.perform(consultation_id, partial(Decline, reason=body.reason))


class CancelView(View):
    """The client's change of mind."""

    @refuses(NotPermitted, NotInThisState)
    async def post(self, consultation_id: str, /) -> r200[Snapshot]:
        """Take back a request that was not answered yet.

        Tags: consultations
        """
        return await self.perform(consultation_id, Cancel)


class LeaveView(View):
    """The way out."""

    @refuses(NotInThisState, AlreadyLeaving)
    async def post(self, consultation_id: str, /) -> r200[Snapshot]:
        """End the consultation outright; the record says who did.

        A client's leaving ends it at once. A specialist's is announced to the client, and ends an
        active session 10 s later.

        Tags: consultations
        """
        return await self.perform(consultation_id, Leave)


class EarlyEndView(View):
    """The proposal to end early."""

    @refuses(NotInThisState, EarlyEndAlreadyProposed, AlreadyLeaving)
    async def post(self, consultation_id: str, /) -> r200[Snapshot]:
        """Propose to end early; unanswered for 60 s, the proposal lapses.

        Tags: early end
        """
        return await self.perform(consultation_id, ProposeEarlyEnd)


class EarlyEndWithdrawView(View):
    """The proposer's change of mind."""

    @refuses(NotPermitted, NotInThisState, NoEarlyEndProposed, AlreadyLeaving)
    async def post(self, consultation_id: str, /) -> r200[Snapshot]:
        """Take back one's own proposal that was not answered yet.

        Tags: early end
        """
        return await self.perform(consultation_id, WithdrawEarlyEnd)


class EarlyEndAcceptView(View):
    """Yes to the other side's proposal."""

    @refuses(NotInThisState, NoEarlyEndProposed, OwnEarlyEnd, AlreadyLeaving)
    async def post(self, consultation_id: str, /) -> r200[Snapshot]:
        """Accept the other side's proposal; the session ends.

        Tags: early end
        """
        return await self.perform(consultation_id, partial(AnswerEarlyEnd, accepted=True))


class EarlyEndRefuseView(View):
    """No to the other side's proposal."""

    @refuses(NotInThisState, NoEarlyEndProposed, OwnEarlyEnd, AlreadyLeaving)
    async def post(self, consultation_id: str, /) -> r200[Snapshot]:
        """Refuse the other side's proposal; the session goes on.

        Tags: early end
        """
        return await self.perform(consultation_id, partial(AnswerEarlyEnd, accepted=False))


class ExtensionView(View):
    """The specialist's offer to go on for longer."""

    @refuses(
        NotPermitted, NotInThisState, ExtensionInvalid, ExtensionAlreadyProposed, AlreadyLeaving
    )
    async def post(self, consultation_id: str, /, body: ExtensionIn) -> r200[Snapshot]:
        """Offer the client an extension at a price; unanswered for 60 s, the offer lapses.

        Tags: extension
        """
        offer = partial(ProposeExtension, duration_s=body.duration_s, price=Decimal(body.price))
        return await self.perform(consultation_id, offer)


class ExtensionAcceptView(View):
    """The client's yes to the offer."""

    @refuses(NotPermitted, NotInThisState, NoExtensionProposed, AlreadyLeaving)
    async def post(self, consultation_id: str, /) -> r200[Snapshot]:
        """Accept the offer; the session ends so much later.

        Tags: extension
        """
        return await self.perform(consultation_id, partial(AnswerExtension, accepted=True))


class ExtensionRefuseView(View):
    """The client's no to the offer."""

    @refuses(NotPermitted, NotInThisState, NoExtensionProposed, AlreadyLeaving)
    async def post(self, consultation_id: str, /) -> r200[Snapshot]:
        """Refuse the offer; the session ends when it would have.

        Tags: extension
        """
        return await self.perform(consultation_id, partial(AnswerExtension, accepted=False))


class ExtensionWithdrawView(View):
    """The specialist's change of mind."""

    @refuses(NotPermitted, NotInThisState, NoExtensionProposed, AlreadyLeaving)
    async def post(self, consultation_id: str, /) -> r200[Snapshot]:
        """Take back an offer that was not answered yet.

        Tags: extension
        """
        return await self.perform(consultation_id, WithdrawExtension)


class RatingView(View):
    """One of the client's two ratings."""

    @refuses(NotPermitted, NotRatable, RatingInvalid)
    async def put(
        self, consultation_id: str, subject: Subject, /, body: RatingIn
    ) -> r200[Snapshot]:
        """Rate the specialist, or the technical quality; changeable for 24 hours.

        Tags: ratings
        """
        rate = partial(Rate, subject=subject, stars=body.stars, comment=body.comment)
        return await self.perform(consultation_id, rate)


_ONE = "/api/v1/consultations/{consultation_id}"
ROUTES = [
    web.view("/api/v1/consultations", ConsultationsView),
    web.view(_ONE, ConsultationView),
    web.view(f"{_ONE}/events", ConsultationEventsView),
    web.view(f"{_ONE}/accept", AcceptView),
    web.view(f"{_ONE}/decline", DeclineView),
    web.view(f"{_ONE}/cancel", CancelView),
    web.view(f"{_ONE}/leave", LeaveView),
    web.view(f"{_ONE}/early-end", EarlyEndView),
    web.view(f"{_ONE}/early-end/withdraw", EarlyEndWithdrawView),
    web.view(f"{_ONE}/early-end/accept", EarlyEndAcceptView),
    web.view(f"{_ONE}/early-end/refuse", EarlyEndRefuseView),
    web.view(f"{_ONE}/extension", ExtensionView),
    web.view(f"{_ONE}/extension/accept", ExtensionAcceptView),
    web.view(f"{_ONE}/extension/refuse", ExtensionRefuseView),
    web.view(f"{_ONE}/extension/withdraw", ExtensionWithdrawView),
    web.view(f"{_ONE}/ratings/{{subject}}", RatingView),
]
