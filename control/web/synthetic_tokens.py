"""The access tokens of a load test's users, which are ours whoever signs those of all others."""

import jwt

from control.adapters.people import User
from control.errors import NotAuthenticated
from control.settings import Identity
from control.web.authentication import AccessTokens

ISSUER = "rodrun-synthetic"


class SyntheticTokens:
    """The access tokens of synthetic users."""

    def __init__(self, secret: bytes) -> None:
        self._tokens = AccessTokens(Identity(ISSUER, "rodrun", secret=secret), None)

    def issue(self, user: User, expires_at: float) -> str:
        """A token for ``user``."""
        return self._tokens.issue(user, expires_at)

    async def check(self, token: str, now: float) -> tuple[User, float] | None:
        """The user, and when the token ends; None when it does not even say that it is ours.

        Raises NotAuthenticated when it says so, and cannot be used.
        """
        # All others are spared a signature that cannot fit.
        try:
            claims = jwt.decode(token, options={"verify_signature": False})
        except (jwt.InvalidTokenError, RecursionError, ValueError):
            return None
        if claims.get("iss") != ISSUER:
            return None
        return await self._tokens.check(token, now)

    async def holds(self, token: str, now: float) -> bool:
        """Whether it is a good token of a synthetic user."""
        try:
            return await self.check(token, now) is not None
        except NotAuthenticated:
            return False
