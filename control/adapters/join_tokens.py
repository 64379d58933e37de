"""Tokens that open the door of one room to one participant, once and for a minute."""

import secrets
from dataclasses import dataclass

import jwt
from sqlalchemy import Connection, delete

from control.adapters import tables
from control.adapters.database import Database, insert
from control.consultations.parties import Role
from control.errors import JoinTokenExpired, JoinTokenInvalid, JoinTokenUsed

LIFETIME_S = 60.0
_ALGORITHM = "HS256"
# Keeps access tokens that the same secret signs from passing as join tokens, and back.
_AUDIENCE = "rodrun:join"


@dataclass(frozen=True)
class JoinToken:
    """Who may enter where. ``id`` is what makes it usable once."""

    id: str
    consultation_id: str
    user_id: str
    role: Role
    expires_at: float


class JoinTokens:
    """Issues and redeems them. ``now`` is in Unix seconds, by a clock that is not set."""

    def __init__(self, secret: bytes, database: Database) -> None:
        self._secret = secret
        self._database = database

    def issue(
        self, consultation_id: str, user_id: str, role: Role, now: float
    ) -> tuple[str, JoinToken]:
        """A new token, in the form that crosses the wire and in ours."""
        token = JoinToken(
            secrets.token_urlsafe(16), consultation_id, user_id, role, now + LIFETIME_S
        )
        claims = {
            "aud": _AUDIENCE,
            "jti": token.id,
            "room": consultation_id,
            "sub": user_id,
            "role": role.value,
            "exp": token.expires_at,
        }
        return jwt.encode(claims, self._secret, _ALGORITHM), token

    async def redeem(self, text: str, now: float) -> JoinToken:
        """The token, which is used up by this; raises a ControlError when it is not good."""
        token = self._read(text)
        if now > token.expires_at:
            raise JoinTokenExpired(f"Join tokens live {LIFETIME_S:.0f} s; ask for a fresh one.")
        if not await self._use(token.id, token.expires_at, now):
            raise JoinTokenUsed("A join token works once; ask for a fresh one.")
        return token

    async def _use(self, token_id: str, expires_at: float, now: float) -> bool:
        """Remember that a token was used; False when it already was. Expired ones are forgotten."""
        table = tables.used_join_tokens

        def use(connection: Connection) -> bool:
            connection.execute(delete(table).where(table.c.expires_at < now))
            new = insert(connection, table).values(id=token_id, expires_at=expires_at)
            return connection.execute(new.on_conflict_do_nothing()).rowcount == 1

        return await self._database.write(use)

    def _read(self, text: str) -> JoinToken:
        try:
            claims = jwt.decode(
                text,
                self._secret,
                algorithms=[_ALGORITHM],
                audience=_AUDIENCE,
                # By our clock, in redeem().
                options={"require": ["exp", "jti", "sub"], "verify_exp": False},
            )
            return JoinToken(
                claims["jti"],
                claims["room"],
                claims["sub"],
                Role(claims["role"]),
                float(claims["exp"]),
            )
        except (jwt.InvalidTokenError, KeyError, RecursionError, ValueError) as error:
            raise JoinTokenInvalid("This is no join token of ours.") from error
