"""What operators see and do. Each of their commands is in the audit log."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Annotated, Any, ClassVar

from aiohttp import web
from aiohttp_pydantic.oas.typing import r200
from pydantic import Field

from control.accounts import AccountRole
from control.adapters.audit import AuditEntry
from control.errors import ControlError, NotFound
from control.web.addresses import client_address
from control.web.schema.base import Input, Output
from control.web.view import View, reply, reply_list


class AuditEntryOut(Output):
    """One command of an operator, as it was given. ``subject`` is the id of what it was done to.

    A command that was refused is there twice: when it was given, and with the problem's code in
    ``refused``.
    """

    id: int
    at: float
    operator_id: str
    operator_name: str
    address: str
    action: str
    subject: str
    details: dict[str, Any]
    refused: str | None


class DurationIn(Input):
    """The duration of later requests' sessions; null: the specialist's own again."""

    duration_s: Annotated[int, Field(ge=10, le=8 * 3600)] | None


class DurationOut(Output):
    """``duration_s`` is the specialist's own; ``duration_override_s`` stands in its place."""

    specialist_id: str
    duration_s: int
    duration_override_s: int | None


class OperatorView(View):
    """A view for operators only."""

    role: ClassVar[AccountRole | None] = AccountRole.OPERATOR

    @asynccontextmanager
    async def audited(
        self, action: str, subject: str, details: Mapping[str, Any]
    ) -> AsyncIterator[None]:
        """Carry out a command within: it is in the audit log before it has any effect."""
        entry = AuditEntry(
            at=self.service.clock(),
            operator_id=self.user.id,
            operator_name=self.user.name,
            address=client_address(self.request),
            action=action,
            subject=subject,
            details=details,
        )
        log = self.service.audit_log
        await log.append(entry)
        try:
            yield
        except ControlError as error:
            await log.append(replace(entry, at=self.service.clock(), refused=error.code))
            raise


class AuditView(OperatorView):
    """The audit log."""

    async def get(
        self,
        limit: Annotated[int, Field(ge=1, le=200)] = 50,
        before: Annotated[int, Field(description="entries with a smaller id")] | None = None,
    ) -> r200[list[AuditEntryOut]]:
        """What operators did, the newest first.

        Tags: operator
        """
        entries = await self.service.audit_log.entries(limit, before)
        return reply_list([AuditEntryOut(**vars(entry)) for entry in entries])


class DurationView(OperatorView):
    """The duration of a specialist's sessions."""

    async def put(self, specialist_id: str, /, body: DurationIn) -> r200[DurationOut]:
        """Override the duration of a specialist's sessions, for requests from now on.

        Tags: operator
        """
        people = self.service.people
        async with self.audited("override-duration", specialist_id, body.model_dump()):
            specialist = await people.specialist(specialist_id)
            if specialist is None:
                raise NotFound("There is no such specialist.")
            response = reply(
                DurationOut(
                    specialist_id=specialist_id,
                    duration_s=specialist.profile.terms.duration_s,
                    duration_override_s=body.duration_s,
                )
            )
            await people.override_duration(specialist_id, body.duration_s, self.keeping(response))
        self.service.errands.send(self.service.presence.tell_profile(specialist_id))
        return response


ROUTES = [
    web.view("/api/v1/operator/audit", AuditView),
    web.view("/api/v1/operator/specialists/{specialist_id}/duration", DurationView),
]
