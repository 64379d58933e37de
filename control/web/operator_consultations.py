"""Consultations as operators see them, and how operators end one."""

from typing import Annotated

from aiohttp import web
from aiohttp_pydantic.oas.typing import r200
from pydantic import Field

from control.consultations.commands import MAX_OPERATOR_REASON_CHARACTERS, EndByOperator
from control.consultations.consultation import Consultation
from control.consultations.liveness import LinkState
from control.consultations.parties import Role
from control.consultations.states import State
from control.errors import NotInThisState
from control.web.operator import OperatorView
from control.web.refusals import refuses
from control.web.schema.base import SOME_TEXT_PATTERN, Input, Output
from control.web.schema.consultations import Snapshot
from control.web.schema.events import EventOut
from control.web.view import reply, reply_list

MAX_ID_CHARACTERS = 200


class LinkOut(Output):
    """A participant's connection as the rules see it; ``last_heard_at`` is of the last packet."""

    participant: Role
    state: LinkState
    last_heard_at: float | None


class ConsultationRecord(Output):
    """A consultation with all that happened to it."""

    consultation: Snapshot
    events: list[EventOut]
    links: list[LinkOut] = Field(description="while its room is open")


class EndIn(Input):
    """Why the operator ends it; both sides read it, and it stands in the record."""

    reason: Annotated[
        str,
        Field(
            min_length=1,
            max_length=MAX_OPERATOR_REASON_CHARACTERS,
            json_schema_extra={"pattern": SOME_TEXT_PATTERN},
        ),
    ]


class OperatorConsultationsView(OperatorView):
    """Everybody's consultations."""

    async def get(
        self,
        state: State | None = None,
        user: Annotated[str, Field(max_length=MAX_ID_CHARACTERS)] | None = None,
        before: Annotated[
            str, Field(max_length=64, description="the id of the last one of the page before")
        ]
        | None = None,
        limit: Annotated[int, Field(ge=1, le=200)] = 50,
    ) -> r200[list[Snapshot]]:
        """Consultations in a state, or of a user, or all; the newest first.

        Tags: operator
        """
        now, policy = self.service.steady_clock(), self.service.settings.policy
        found = await self.service.consultation_search.find(limit, state, user, before)
        live = self.service.live
        return reply_list(
            [Snapshot.of(live.as_it_stands(each), now, policy, None) for each in found]
        )


class OperatorConsultationView(OperatorView):
    """Anybody's consultation."""

    async def get(self, consultation_id: str, /) -> r200[ConsultationRecord]:
        """One consultation with its events.

        Tags: operator
        """
        consultation = await self.service.live.find(consultation_id)
        events = await self.service.store.events_after(consultation_id, 0, consultation.seq)
        return reply(
            ConsultationRecord(
                consultation=Snapshot.of(
                    consultation, self.service.steady_clock(), self.service.settings.policy, None
                ),
                events=[EventOut.of(event, None) for event in events],
                links=_links(consultation),
            )
        )


def _links(consultation: Consultation) -> list[LinkOut]:
    if not consultation.is_joinable:
        return []
    return [
        LinkOut(participant=role, state=link.state, last_heard_at=link.last_heard_at)
        for role, link in consultation.links.items()
    ]


class OperatorEndView(OperatorView):
    """The operator's way to end a consultation."""

    @refuses(NotInThisState)
    async def post(self, consultation_id: str, /, body: EndIn) -> r200[Snapshot]:
        """End an accepted or active consultation; both sides are told the reason.

        Tags: operator
        """
        async with self.audited("end-consultation", consultation_id, body.model_dump()):
            return await self.carried_out(
                lambda alongside: self.service.live.order(
                    consultation_id, EndByOperator(body.reason), alongside
                )
            )


_ALL = "/api/v1/operator/consultations"
ROUTES = [
    web.view(_ALL, OperatorConsultationsView),
    web.view(f"{_ALL}/{{consultation_id}}", OperatorConsultationView),
    web.view(f"{_ALL}/{{consultation_id}}/end", OperatorEndView),
]
