"""livez, readyz, metrics."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from sfu.api import CloseRoom, RefusalCode
from tests.control.people import Control, Person


async def test_alive_and_ready(control: Control) -> None:
    for path in ("/livez", "/readyz"):
        reply = await control.http.get(path)
        assert (reply.status, await reply.text()) == (200, "ok\n")


async def test_not_ready_without_the_node(control: Control) -> None:
    control.node.refuse_next[CloseRoom] = RefusalCode.NODE_FULL
    reply = await control.http.get("/readyz")
    assert reply.status == 503
    assert reply.content_type == "application/problem+json"
    assert (await control.http.get("/livez")).status == 200


async def test_not_ready_without_the_store(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken() -> None:
        raise OSError("no such file")

    monkeypatch.setattr(control.service.database, "ping", broken)
    reply = await control.http.get("/readyz")
    assert reply.status == 503
    assert "file" not in await reply.text()


async def test_figures(control: Control, maria: Person, ivan: Person) -> None:
    async with await ivan.page():
        await control.session(maria, ivan)
        text = await (await control.http.get("/metrics")).text()
    values = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert values["rodrun_consultations", "active"] == 1
    assert values["rodrun_consultations", "requested"] == 0
    assert values["rodrun_consultation_events_total", "started"] == 1
    assert values["rodrun_event_connections",] == 1
    assert values["process_resident_memory_bytes",] > 0
