"""Closing the platform to a user, at once and until an operator opens it again."""

from typing import Annotated

from aiohttp import web
from aiohttp_pydantic.oas.typing import r200
from pydantic import Field

from control.adapters.engines import Work
from control.errors import NotFound, NotPermitted
from control.web.operator import OperatorView
from control.web.schema.base import TEXT_PATTERN, Input, Output
from control.web.service import Service
from control.web.view import reply


class BlockedIn(Input):
    """``reason`` is for the audit log; the user does not read it."""

    blocked: bool
    reason: Annotated[str, Field(max_length=500, pattern=TEXT_PATTERN)] = ""


class BlockedOut(Output):
    """Whether a user is blocked."""

    user_id: str
    blocked: bool


class BlockedView(OperatorView):
    """Whether the platform is closed to a user."""

    async def put(self, user_id: str, /, body: BlockedIn) -> r200[BlockedOut]:
        """Block an account, or open it again. What it was in is over at once, for good.

        Tags: operator
        """
        service = self.service
        action = "block-account" if body.blocked else "unblock-account"
        async with self.audited(action, user_id, {"reason": body.reason}):
            if await service.people.user(user_id) is None:
                raise NotFound("There is no such user.")
            if user_id == self.user.id:
                raise NotPermitted("Another operator can do this to you.")
            response = reply(BlockedOut(user_id=user_id, blocked=body.blocked))
            kept = self.keeping(response)
            if body.blocked:
                await service.errands.undisturbed(_block(service, user_id, kept))
            else:
                await service.blocked_accounts.unblock(user_id, kept)
        return response


async def _block(service: Service, user_id: str, alongside: list[Work[None]]) -> None:
    # First the doors, then who is inside: all of it is one transaction.
    async with service.blocked_accounts.blocking(user_id, service.clock()) as block:
        await service.live.shut_out(user_id, [block, *alongside])
    service.hub.shut_out(user_id)


ROUTES = [web.view("/api/v1/operator/users/{user_id}/blocked", BlockedView)]
