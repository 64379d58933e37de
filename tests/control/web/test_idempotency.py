"""A command that is sent again with its key is answered again, and not carried out again."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import select

from control.adapters import tables
from control.adapters.answers import KEPT_FOR_S, Answers
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


BLOCK = ("PUT", "/operator/users/maria/blocked", {"blocked": True})
UNBLOCK = ("PUT", "/operator/users/maria/blocked", {"blocked": False})
DURATION = ("PUT", "/operator/specialists/ivan/duration", {"duration_s": 600})


async def _is_done(control: Control, session: str) -> dict[str, bool]:
    specialist = await control.service.people.specialist("ivan")
    return {
        "end": not (await control.service.live.find(session)).is_open,
        "block": "maria" in control.service.blocked_accounts,
        "duration": specialist is not None and specialist.duration_override_s == 600,
    }


@ON_BOTH_DATABASES
@pytest.mark.parametrize("name", ["end", "block", "duration"])
async def test_an_operators_command_and_its_answer_are_stored_together_or_not_at_all(
    control: Control,
    maria: Person,
    ivan: Person,
    olga: Person,
    his: Page,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    def full(*_: Any) -> Any:
        def work(_: Any) -> None:
            raise OSError("the disk is full")

        return work

    session = await control.session(maria, ivan)
    end = ("POST", f"/operator/consultations/{session}/end", {"reason": "Жалба"})
    command = {"end": end, "block": BLOCK, "duration": DURATION}[name]
    with monkeypatch.context() as broken:
        broken.setattr(Answers, "keep", full)
        assert (await olga.command("a", *command)).status == 503
    assert not any((await _is_done(control, session)).values())
    first = await olga.command("a", *command)
    assert first.status == 200
    assert (await _is_done(control, session))[name]
    again = await olga.command("a", *command)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert await again.text() == await first.text()


async def test_a_block_that_is_sent_again_does_not_undo_what_another_operator_did(
    control: Control, maria: Person, olga: Person
) -> None:
    for key, command in (("a", BLOCK), ("b", UNBLOCK), ("a", BLOCK), ("b", UNBLOCK)):
        assert (await olga.command(key, *command)).status == 200
    assert (await maria.get("/me"))["id"] == "maria"


async def test_no_credential_is_kept_for_a_key(
    control: Control, maria: Person, ivan: Person, olga: Person, his: Page, database: Database
) -> None:
    session = await control.session(maria, ivan)
    connection = await maria.join(session)
    for path, body in (
        (f"/consultations/{session}/join-tokens", None),
        (f"/connections/{connection}/ice-restart", {"offer": "v=0"}),
    ):
        answer = await maria.command("a", "POST", path, body)
        assert await _problem(answer) == (422, "invalid-input")
    answer = await olga.command("a", "POST", "/operator/synthetic-users", {"pairs": 1})
    assert await _problem(answer) == (422, "invalid-input")
    kept = select(tables.answers.c.body)
    assert await database.read(lambda connection: list(connection.scalars(kept))) == []
