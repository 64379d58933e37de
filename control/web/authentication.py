"""Access tokens: who is it, in which role."""

import math
from typing import Any

import jwt
from aiohttp import web

from control.accounts import AccountRole
from control.adapters.people import User
from control.adapters.platform_keys import PlatformKeys
from control.consultations.text import is_text
from control.errors import NotAuthenticated, TokenExpired, TokenInvalid
from control.settings import Identity

# That of public keys goes by their type.
SHARED_SECRET_ALGORITHM = "HS256"
# The platform's clock may be a little ahead of ours, or behind.
LEEWAY_S = 5.0
MAX_ID_CHARACTERS = 200


class AccessTokens:
    """Checks the tokens of one issuer."""

    def __init__(self, identity: Identity, keys: PlatformKeys | None) -> None:
        self._issuer = identity.issuer
        self._audience = identity.audience
        self._secret = identity.secret
        self._keys = keys

    async def prepare(self, now: float) -> None:
        """Read the platform's keys, so that the first user does not wait for them."""
        if self._keys is not None:
            await self._keys.look_again(now)

    async def check(self, token: str, now: float) -> tuple[User, float]:
        """The user, and when the token ends; raises NotAuthenticated, or Unavailable."""
        try:
            claims = await self._claims(token, now)
            expires_at = float(claims["exp"])
            user = _user(claims)
            not_before = float(claims.get("nbf", now))
            if not math.isfinite(expires_at):
                raise ValueError("exp is no time")
        # RecursionError: a header of nothing but brackets.
        except (
            jwt.InvalidTokenError,
            KeyError,
            OverflowError,
            RecursionError,
            TypeError,
            ValueError,
        ) as error:
            raise TokenInvalid("The access token is not one that this service takes.") from error
        if now > expires_at + LEEWAY_S:
            raise TokenExpired("Sign in again.")
        if now < not_before - LEEWAY_S:
            raise TokenInvalid("The access token is not valid yet.")
        return user, expires_at

    def issue(self, user: User, expires_at: float) -> str:
        """A token for ``user``; only where the secret is ours or shared with us."""
        if self._secret is None:
            raise ValueError("the private key of these tokens is not here")
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": user.id,
            "name": user.name,
            "role": user.role.value,
            "exp": expires_at,
        }
        return jwt.encode(claims, self._secret, SHARED_SECRET_ALGORITHM)

    async def _claims(self, token: str, now: float) -> dict[str, Any]:
        key: Any = self._secret
        algorithm = SHARED_SECRET_ALGORITHM
        if self._keys is not None:
            key = await self._keys.key(str(jwt.get_unverified_header(token).get("kid")), now)
            algorithm = key.algorithm_name
        return jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=self._audience,
            issuer=self._issuer,
            # The times by our clock, in check().
            options={
                "require": ["exp", "iss", "aud", "sub"],
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )


def bearer_token(request: web.Request) -> str:
    """The token of the Authorization header; raises NotAuthenticated when there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotAuthenticated("Send the header Authorization: Bearer <access token>.")
    return token.strip()


def _user(claims: dict[str, Any]) -> User:
    user_id, name = claims["sub"], claims.get("name") or claims["sub"]
    if not (isinstance(name, str) and is_text(name) and is_text(user_id)):
        raise ValueError("sub or name is not text")
    if not 0 < len(user_id) <= MAX_ID_CHARACTERS:
        raise ValueError("sub has too many characters, or none")
    return User(user_id, name.strip()[:MAX_ID_CHARACTERS], AccountRole(claims["role"]))
