"""A command that is sent again with its key is answered again, and not carried out again."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from control.adapters.answers import KEPT_FOR_S
from control.adapters.database import Database
from control.settings import Settings
from tests.control.databases import ON_BOTH_DATABASES
from tests.control.people import Control, Page, Person

ASK = {"specialist_id": "ivan", "purpose": "Резултати"}


@pytest.fixture
async def his(control: Control, ivan: Person) -> AsyncIterator[Page]:
    """The specialist's page, so that he can be asked."""
    async with await ivan.page() as page:
        yield page


async def _problem(answer: Any) -> tuple[int, str]:
    return answer.status, (await answer.json())["code"]


@ON_BOTH_DATABASES
async def test_the_same_again_gets_the_same_answer(
    control: Control, maria: Person, ivan: Person, his: Page
) -> None:
    first = await maria.command("a", "POST", "/consultations", ASK)
    control.now += 5
    again = await maria.command("a", "POST", "/consultations", ASK)
    assert (first.status, again.status) == (201, 201)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert again.content_type == "application/json"
    assert await again.text() == await first.text()
    assert len(await maria.get("/consultations")) == 1
    path = f"/consultations/{(await first.json())['id']}/accept"
    accepted = await ivan.command("a", "POST", path)
    assert accepted.status == 200
    assert await (await ivan.command("a", "POST", path)).text() == await accepted.text()
    # Without the key it is another acceptance, which there cannot be.
    assert await ivan.problem("POST", path, status=409) == "not-in-this-state"


@ON_BOTH_DATABASES
async def test_a_restart_between_command_and_answer(
    control: Control, maria: Person, his: Page, database: Database
) -> None:
    first = await maria.command("a", "POST", "/consultations", ASK)
    settings: Settings = control.service.settings
    other = Control(database, settings, control.now + 1)
    await other.start()
    again = await (await other.person("maria")).command("a", "POST", "/consultations", ASK)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert await again.text() == await first.text()
    await other.stop()


async def test_the_same_key_with_something_else(maria: Person, ivan: Person, his: Page) -> None:
    await maria.command("a", "POST", "/consultations", ASK)
    reused = (422, "idempotency-key-reused")
    body = {**ASK, "purpose": "Друго"}
    assert await _problem(await maria.command("a", "POST", "/consultations", body)) == reused
    assert await _problem(await maria.command("a", "PUT", "/me/specialists/ivan")) == reused
    # Everybody has keys of their own.
    profile = (await ivan.get("/me"))["profile"]
    assert (await ivan.command("a", "PUT", "/me/profile", _terms(profile))).status == 200


def _terms(profile: dict[str, Any]) -> dict[str, Any]:
    names = ("summary", "duration_s", "price", "currency", "takes_video")
    return {name: profile[name] for name in names}


async def test_two_at_once(maria: Person, his: Page) -> None:
    both = await asyncio.gather(
        *(maria.command("a", "POST", "/consultations", ASK) for _ in range(2))
    )
    statuses = sorted(answer.status for answer in both)
    assert statuses in ([201, 201], [201, 409])
    for answer in both:
        if answer.status == 409:
            assert (await answer.json())["code"] == "idempotency-key-in-use"
    assert len(await maria.get("/consultations")) == 1


async def test_a_refusal_is_no_answer_to_keep(
    control: Control, maria: Person, ivan: Person
) -> None:
    offline = (409, "specialist-offline")
    assert await _problem(await maria.command("a", "POST", "/consultations", ASK)) == offline
    async with await ivan.page():
        asked = await maria.command("a", "POST", "/consultations", ASK)
    assert asked.status == 201


async def test_an_answer_is_forgotten_after_a_day(
    control: Control, maria: Person, ivan: Person, his: Page
) -> None:
    await maria.command("a", "POST", "/consultations", ASK)
    await control.pass_time(KEPT_FOR_S)
    her = await control.person("maria")
    async with await (await control.person("ivan")).page():
        again = await her.command("a", "POST", "/consultations", ASK)
        assert again.status == 201
        assert "Idempotency-Replayed" not in again.headers
        assert (await her.command("a", "POST", "/consultations", ASK)).headers[
            "Idempotency-Replayed"
        ] == "true"


async def test_commands_without_a_body_to_answer(maria: Person) -> None:
    for _ in range(2):
        answer = await maria.command("a", "DELETE", "/me/specialists/ivan")
        assert (answer.status, await answer.text()) == (204, "")
    assert answer.headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize("key", ["", "x" * 256, "с кирилица", "two words"])
async def test_a_key_that_is_none(maria: Person, his: Page, key: str) -> None:
    answer = await maria.command(key, "POST", "/consultations", ASK)
    assert await _problem(answer) == (422, "invalid-input")


async def test_what_could_not_be_stored_is_not_answered_either(
    control: Control, maria: Person, his: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: Any) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(control.service.store, "save", full)
        assert (await maria.command("a", "POST", "/consultations", ASK)).status == 500
    again = await maria.command("a", "POST", "/consultations", ASK)
    assert again.status == 201
    assert "Idempotency-Replayed" not in again.headers
