"""The machine's clock is set during a session: nobody notices."""

import pytest

from tests.control.people import Control, Person


async def seconds(control: Control, session: str, count: int, *heard: str) -> None:
    """So many seconds, in which these are heard."""
    for _ in range(count):
        await control.pass_time(1)
        await control.hear(session, *heard)


@pytest.mark.parametrize("set_by_s", [-3600, -5, 9, 3600])
async def test_the_fifteen_seconds_are_fifteen_seconds(
    control: Control, maria: Person, ivan: Person, set_by_s: float
) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)
    await seconds(control, session, 5, "client", "specialist")
    await seconds(control, session, 8, "client")
    control.set_by_s += set_by_s
    await seconds(control, session, 7, "client")
    path = f"/consultations/{session}"
    silent = await maria.get(path)
    assert silent["state"] == "active"
    assert silent["reconnecting"]["drop_at"] == pytest.approx(silent["now"])
    await control.pass_time(0.5)
    ended = await maria.get(path)
    assert ended["end"]["reason"] == "specialist_connection_lost"
    assert ended["paid_s"] == pytest.approx(5)


@pytest.mark.parametrize("set_by_s", [-3600, 3600])
async def test_a_join_token_lives_for_its_minute(
    control: Control, maria: Person, ivan: Person, set_by_s: float
) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)
    control.set_by_s += set_by_s
    path = f"/consultations/{session}/join-tokens"
    first, second = [await maria.post(path, status=201) for _ in range(2)]
    control.set_by_s += set_by_s
    await seconds(control, session, 59, "client", "specialist")
    await maria.post("/join", {"token": first["token"], "offer": "v=0"})
    await seconds(control, session, 2, "client", "specialist")
    late = {"token": second["token"], "offer": "v=0"}
    assert await maria.problem("POST", "/join", late, status=401) == "join-token-expired"


@pytest.mark.parametrize("set_by_s", [-3600, 86400])
async def test_the_session_is_as_long_as_it_was_to_be(
    control: Control, maria: Person, ivan: Person, set_by_s: float
) -> None:
    await ivan.put("/me/profile", {**(await ivan.get("/me"))["profile"], "duration_s": 60})
    async with await ivan.page():
        session = await control.session(maria, ivan)
    await seconds(control, session, 20, "client", "specialist")
    control.set_by_s += set_by_s
    await seconds(control, session, 39, "client", "specialist")
    path = f"/consultations/{session}"
    # By the new clock their access tokens may have ended.
    for person in (await control.person("maria"), await control.person("ivan")):
        assert (await person.get(path))["state"] == "active"
    await control.pass_time(1)
    ended = await person.get(path)
    assert ended["end"]["reason"] == "completed"
    assert ended["paid_s"] == pytest.approx(60)
