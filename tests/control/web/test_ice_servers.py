"""The TURN servers that pages are told of."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from control.adapters.database import Database
from control.consultations.extension import MAX_EXTENSION_S
from control.settings import Settings
from control.web.joining import ICE_SERVERS_LIFETIME_S
from tests.control.people import Control, Person
from turn_config.credentials import TurnServers

TURN = TurnServers(("turn:turn.example.com", "turns:turn.example.com:443"), "s" * 32)
# As settings and profiles allow.
LONGEST_SESSION_S = 8 * 3600
LONGEST_WAIT_S = 3600


@pytest.fixture
async def control(database: Database, tmp_path: Path) -> AsyncIterator[Control]:
    """Control that knows of TURN servers."""
    made = Control(database, Settings(data_dir=tmp_path, demo=True, turn=TURN))
    await made.start()
    yield made
    await made.stop()


def given(control: Control, user_id: str, at: float) -> list[dict[str, Any]]:
    """What a user is given at that time."""
    made = TURN.credentials(user_id, at, ICE_SERVERS_LIFETIME_S)
    return [{"urls": list(made.urls), "username": made.username, "credential": made.credential}]


async def test_each_join_token_brings_fresh_credentials_of_its_user(
    control: Control, maria: Person, ivan: Person
) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)
    path = f"/consultations/{session}/join-tokens"
    assert (await maria.post(path, status=201))["ice_servers"] == given(
        control, "maria", control.now
    )
    control.now += 5
    again = (await maria.post(path, status=201))["ice_servers"]
    assert again == given(control, "maria", control.now)
    his = (await ivan.post(path, status=201))["ice_servers"]
    assert his == given(control, "ivan", control.now)
    assert his != again


async def test_whoever_is_signed_in_gets_them_for_a_probe(control: Control, maria: Person) -> None:
    assert await maria.get("/ice-servers") == given(control, "maria", control.now)
    reply = await control.http.get("/api/v1/ice-servers")
    assert reply.status == 401


async def test_the_turn_servers_clock_is_the_wall_clock(control: Control, maria: Person) -> None:
    control.set_by_s = 3600.0
    found = await maria.get("/ice-servers")
    assert found == given(control, "maria", control.now + 3600)


async def test_asking_for_them_is_a_request_like_others(control: Control, maria: Person) -> None:
    for _ in range(100):
        await maria.get("/ice-servers")
    assert await maria.problem("GET", "/ice-servers", status=429) == "too-many-requests"


def test_they_outlive_the_longest_consultation() -> None:
    longest_s = LONGEST_WAIT_S + LONGEST_SESSION_S + MAX_EXTENSION_S
    assert longest_s < ICE_SERVERS_LIFETIME_S


class TestNoneConfigured:
    """The same without."""

    @pytest.fixture
    async def control(self, database: Database, tmp_path: Path) -> AsyncIterator[Control]:
        """Control as it is by default."""
        made = Control(database, Settings(data_dir=tmp_path, demo=True))
        await made.start()
        yield made
        await made.stop()

    async def test_there_are_none(self, control: Control, maria: Person, ivan: Person) -> None:
        async with await ivan.page():
            session = await control.session(maria, ivan)
        token = await maria.post(f"/consultations/{session}/join-tokens", status=201)
        assert token["ice_servers"] == []
        assert await maria.get("/ice-servers") == []
