"""Verdicts on cut lines, from what the client's page was told."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiortc import RTCCertificate

from loadtest.api import Api
from loadtest.arrival_profile import PROFILES, fitted, read_profile
from loadtest.drops import saw_loss, went_on
from loadtest.media import Media
from loadtest.record import Verdict
from loadtest.user import Told, User
from loadtest.virtual_consultation import VirtualConsultation

HOST = "127.0.0.1"


@pytest.fixture
async def call() -> AsyncIterator[VirtualConsultation]:
    api = Api(f"http://{HOST}:1")
    client, specialist = (User(api, {"id": name, "access_token": ""}) for name in ("c", "s"))
    media = Media(fitted(read_profile(PROFILES / "chromium-vp8.json")), 2, 16)
    certificate = RTCCertificate.generateCertificate()
    yield VirtualConsultation(client, specialist, media, HOST, certificate, 60)
    await api.close()


def tell(call: VirtualConsultation, reconnecting: str | None, **changed: Any) -> None:
    """What the event connection of the client brings."""
    silent = {"role": reconnecting, "drop_at": 0.0} if reconnecting else None
    snapshot = {"state": "active", "reconnecting": silent, "end": None} | changed
    call.client.told = Told(snapshot, time.monotonic(), time.time())
    call.client._news.set()


async def verdict(call: VirtualConsultation, silence_s: float, told: list[str | None]) -> Verdict:
    tell(call, None)
    watching = asyncio.create_task(saw_loss(call, 5.0))
    for reconnecting in told:
        await asyncio.sleep(0)
        tell(call, reconnecting)
        await asyncio.sleep(0.01)
    found = await went_on(call, silence_s, time.time(), watching)
    watching.cancel()
    return found


async def test_a_line_that_is_back_was_told_as_lost_before(call: VirtualConsultation) -> None:
    assert (await verdict(call, 14.9, ["specialist", None])).is_right


async def test_a_line_back_that_nobody_was_told_was_lost_is_wrong(
    call: VirtualConsultation,
) -> None:
    found = await verdict(call, 14.9, [])
    assert (found.is_right, found.error_ms) == (False, None)
    assert "never told that the line was lost" in found.reason


async def test_of_a_short_silence_nothing_need_be_told(call: VirtualConsultation) -> None:
    assert (await verdict(call, 3.0, [])).is_right


async def test_a_session_that_ended_all_the_same_is_wrong(call: VirtualConsultation) -> None:
    tell(call, "specialist")
    watching = asyncio.create_task(saw_loss(call, 5.0))
    await asyncio.sleep(0)
    tell(call, None, state="ended", end={"reason": "specialist_connection_lost"})
    found = await went_on(call, 14.9, time.time(), watching)
    assert (found.ended, found.is_right) == (True, False)
    await watching
