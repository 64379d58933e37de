"""A join token opens the door once."""

import pytest
from sqlalchemy import Connection, func, select

from control.adapters import tables
from control.adapters.database import Database
from control.adapters.join_tokens import LIFETIME_S, JoinTokens
from control.consultations.parties import Role
from control.errors import JoinTokenExpired, JoinTokenUsed
from tests.control.databases import ON_BOTH_DATABASES

pytestmark = ON_BOTH_DATABASES


async def test_used_once_and_forgotten_when_it_is_over(database: Database) -> None:
    tokens = JoinTokens(b"s" * 32, database)
    first, token = tokens.issue("one", "maria", Role.CLIENT, 10.0)
    assert await tokens.redeem(first, 10.0) == token
    with pytest.raises(JoinTokenUsed):
        await tokens.redeem(first, 11.0)
    later, _ = tokens.issue("one", "maria", Role.CLIENT, 75.0)
    await tokens.redeem(later, 75.0)
    # Its time over, the first one is forgotten (or the table would grow for ever), and refused.
    with pytest.raises(JoinTokenExpired):
        await tokens.redeem(first, 11.0 + LIFETIME_S)
    assert await database.read(_count) == 1


def _count(connection: Connection) -> int:
    return connection.scalar(select(func.count()).select_from(tables.used_join_tokens)) or 0
