"""Commands are done or not done, never half."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from control.adapters.engines import Work
from control.consultations.commands import Cancel
from control.consultations.consultation import Change
from tests.control.people import Control, Person

ASK = {"specialist_id": "ivan", "purpose": "Резултати"}


async def test_a_page_that_closes_halfway_leaves_nothing_half_done(
    control: Control, maria: Person, ivan: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await ivan.page():
        asked = await maria.post("/consultations", ASK, status=201)
    live, store = control.service.live, control.service.store
    save = store.save
    halfway, go_on = asyncio.Event(), asyncio.Event()

    async def slow(changes: Iterable[Change], alongside: Iterable[Work[Any]]) -> None:
        await save(changes, alongside)
        halfway.set()
        await go_on.wait()

    monkeypatch.setattr(store, "save", slow)
    command = asyncio.create_task(live.perform("maria", asked["id"], Cancel))
    await halfway.wait()
    command.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await command
    await control.service.errands.settled()
    stored = await store.consultation(asked["id"])
    assert stored is not None
    assert stored.state == "cancelled"
    assert live.open() == []


async def test_what_could_not_be_stored_has_not_happened(
    control: Control, maria: Person, ivan: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await ivan.page() as page:
        asked = await maria.post("/consultations", ASK, status=201)
        await page.until("consultation")
        path = f"/consultations/{asked['id']}"

        async def full(changes: Iterable[Change], alongside: Iterable[Work[Any]]) -> None:
            raise OSError("the disk is full")

        with monkeypatch.context() as broken:
            broken.setattr(control.service.store, "save", full)
            await ivan.post(f"{path}/accept", status=500)
            assert (await maria.get(path))["state"] == "requested"
            await control.pass_time(300)
            assert (await maria.get(path))["state"] == "requested"
        # The deadline is not given up, and counts from its own time.
        await control.pass_time(1)
        assert (await maria.get(path))["state"] == "expired"
        seen = (await page.until("consultation"))["consultation"]
        assert seen["state"] == "expired"
