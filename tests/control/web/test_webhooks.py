"""Webhooks of a running control, and what operators see of them."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from standardwebhooks import Webhook

from control.adapters.database import Database
from control.settings import Settings, WebhookTarget
from tests.control.adapters.webhooks.receiver import SECRET, Receiver, receiving
from tests.control.people import Control, Person


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """The platform's receiver."""
    async with receiving() as made:
        yield made


@pytest.fixture
async def control(database: Database, tmp_path: Path, receiver: Receiver) -> AsyncIterator[Control]:
    """Control that tells it; at the true time, for signatures are good for five minutes only."""
    target = WebhookTarget(receiver.url, (SECRET,), allow_private=True)
    made = Control(database, Settings(data_dir=tmp_path, demo=True, webhook=target), time.time())
    await made.start()
    yield made
    await made.stop()


async def _sent(control: Control) -> None:
    """Wait until everything that is due was tried."""
    assert control.service.webhooks is not None
    await control.service.webhooks.settled()


async def _figures(control: Control) -> dict[tuple[str, ...], float]:
    text = await (await control.http.get("/metrics")).text()
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_a_session_from_the_acceptance_to_the_rating(
    control: Control, receiver: Receiver, maria: Person, ivan: Person, olga: Person
) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)
    await maria.post(f"/consultations/{session}/leave")
    await maria.put(f"/consultations/{session}/ratings/technical", {"stars": 2})
    await _sent(control)
    told = [Webhook(SECRET).verify(each.body, each.headers) for each in receiver.received]
    assert [each["type"].removeprefix("consultation.") for each in told] == [
        "accepted",
        "started",
        "ended",
        "rated",
    ]
    assert {each["data"]["consultation_id"] for each in told} == {session}
    assert await olga.get("/operator/webhooks") == {
        "state": "ok",
        "last_error": None,
        "pending": 0,
        "oldest_queued_at": None,
        "failed": 0,
        "undelivered": [],
    }
    assert (await _figures(control))["rodrun_webhook_attempts_total", "delivered"] == 4


async def test_it_runs_by_itself(
    control: Control, receiver: Receiver, maria: Person, ivan: Person
) -> None:
    async with await ivan.page():
        await control.session(maria, ivan)
    async with asyncio.timeout(5):
        await receiver.arrived.wait()


async def test_a_dead_receiver_is_nobody_elses_affair(
    control: Control, receiver: Receiver, maria: Person, ivan: Person, olga: Person
) -> None:
    receiver.silent_to.add("consultation")
    async with await ivan.page():
        session = await control.session(maria, ivan)
        async with asyncio.timeout(5):
            await receiver.arrived.wait()
        # While the receiver has the first one and says nothing.
        await maria.post(f"/consultations/{session}/leave")
        assert (await olga.get("/operator/webhooks"))["pending"] > 0


async def test_what_operators_see_and_do_when_it_fails(
    control: Control, receiver: Receiver, maria: Person, ivan: Person, olga: Person
) -> None:
    receiver.status["consultation"] = 503
    async with await ivan.page():
        session = await control.session(maria, ivan)
    await _sent(control)
    seen = await olga.get("/operator/webhooks")
    assert (seen["state"], seen["pending"], seen["failed"]) == ("failing", 2, 0)
    assert seen["last_error"] == "answered with status 503"
    (waits,) = seen["undelivered"]
    assert (waits["consultation_id"], waits["type"], waits["attempts"]) == (session, "accepted", 1)
    control.now += 10
    figures = await _figures(control)
    assert figures["rodrun_webhook_attempts_total", "failed"] == 1
    receiver.status.clear()
    del receiver.received[:]
    replayed = await olga.post(
        "/operator/webhooks/replay", {"consultation_id": session, "after_seq": 2}
    )
    assert replayed == {"queued": 1}
    await _sent(control)
    assert receiver.ids == [f"{session}.2", f"{session}.3"]
    (entry,) = await olga.get("/operator/audit")
    assert (entry["action"], entry["subject"]) == ("replay-webhooks", session)
    assert entry["details"] == {"after_seq": 2}
    unknown = {"consultation_id": "nothing", "after_seq": 0}
    path = "/operator/webhooks/replay"
    assert await olga.problem("POST", path, unknown, status=404) == "not-found"


async def test_without_a_target(database: Database, tmp_path: Path) -> None:
    control = Control(database, Settings(data_dir=tmp_path, demo=True))
    await control.start()
    olga = await control.person("olga")
    assert (await olga.get("/operator/webhooks"))["state"] == "off"
    body = {"consultation_id": "x", "after_seq": 0}
    path = "/operator/webhooks/replay"
    assert await olga.problem("POST", path, body, status=409) == "webhooks-off"
    await control.stop()
