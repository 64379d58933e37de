"""Synthetic users: those of a load test, who are never anybody's real client or specialist.

An operator mints them, by whatever the platform's own tokens are signed. Their access tokens are
ours, their ids begin with a prefix that no token of the platform may have, and they have one bucket
of requests together in place of those of each user and of the address that they come from.
"""

import secrets
from typing import Annotated

from aiohttp import web
from aiohttp_pydantic.oas.typing import r201
from pydantic import Field

from control.accounts import SYNTHETIC_PREFIX, AccountRole
from control.adapters.people import User
from control.web.operator import OperatorView
from control.web.schema.base import Input, Output
from control.web.view import reply

MAX_PAIRS = 500
# The longest soak, at the most.
MAX_LIFETIME_S = 3 * 24 * 3600


class SyntheticIn(Input):
    """So many clients and as many specialists, whose tokens live so long."""

    pairs: Annotated[int, Field(ge=1, le=MAX_PAIRS)]
    lifetime_s: Annotated[int, Field(ge=60, le=MAX_LIFETIME_S)] = 4 * 3600


class SyntheticUser(Output):
    """One of them, with an access token."""

    id: str
    name: str
    role: AccountRole
    access_token: str


class SyntheticPair(Output):
    """A client and a specialist, without a profile yet."""

    client: SyntheticUser
    specialist: SyntheticUser


class SyntheticPairs(Output):
    """New synthetic users. ``expires_at``: their tokens end then."""

    pairs: list[SyntheticPair]
    expires_at: float


class SyntheticUsersView(OperatorView):
    """The makers of a load test's users."""

    takes_key = False

    async def post(self, body: SyntheticIn) -> r201[SyntheticPairs]:
        """Mint users for a load test; they meet nobody but each other.

        Tags: operator
        """
        batch = secrets.token_hex(4)
        expires_at = self.service.clock() + body.lifetime_s
        async with self.audited("mint-synthetic-users", batch, body.model_dump()):
            pairs = [
                SyntheticPair(
                    client=self._mint(AccountRole.CLIENT, batch, number, expires_at),
                    specialist=self._mint(AccountRole.SPECIALIST, batch, number, expires_at),
                )
                for number in range(1, body.pairs + 1)
            ]
        return reply(SyntheticPairs(pairs=pairs, expires_at=expires_at), status=201)

    def _mint(self, role: AccountRole, batch: str, number: int, expires_at: float) -> SyntheticUser:
        user = User(
            f"{SYNTHETIC_PREFIX}{batch}-{role.value}-{number}",
            f"Synthetic {role.value} {batch}-{number}",
            role,
        )
        token = self.service.synthetic_tokens.issue(user, expires_at)
        return SyntheticUser(id=user.id, name=user.name, role=role, access_token=token)


ROUTES = [web.view("/api/v1/operator/synthetic-users", SyntheticUsersView)]
