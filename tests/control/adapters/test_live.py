"""Commands are done or not done, never half."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from control.accounts import AccountRole
from control.adapters import step_queue
from control.adapters.engines import Work
from control.adapters.people import Profile, Specialist, User
from control.consultations.commands import Cancel
from control.consultations.consultation import Change
from control.consultations.parties import Role
from control.errors import DatabaseUnavailable
from tests.control.consultations.cases import TERMS
from tests.control.databases import ON_BOTH_DATABASES
from tests.control.people import Control, Person, stranger

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


@contextmanager
def unanswered(control: Control, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is saved now is stored, but the answer of the database is lost."""
    save = control.service.store.save

    async def lost(changes: Iterable[Change], alongside: Iterable[Work[Any]]) -> None:
        await save(changes, alongside)
        raise DatabaseUnavailable("the connection broke before the answer came")

    with monkeypatch.context() as broken:
        broken.setattr(control.service.store, "save", lost)
        yield


@ON_BOTH_DATABASES
async def test_a_command_whose_outcome_the_database_did_not_tell(
    control: Control, maria: Person, ivan: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await ivan.page() as his:
        asked = await maria.post("/consultations", ASK, status=201)
        path = f"/consultations/{asked['id']}"
        with unanswered(control, monkeypatch):
            answer = await ivan.command("a", "POST", f"{path}/accept")
            assert answer.status == 503
        # It was stored. The next step finds that out, and the pages are told.
        assert (await ivan.command("a", "POST", f"{path}/accept")).status == 200
        await maria.post(f"{path}/leave")
        while (event := (await his.until("event"))["event"])["type"] != "accepted":
            assert event["type"] == "requested"
        record = (await maria.get(f"{path}/events"))["events"]
    assert [(each["seq"], each["type"]) for each in record] == [
        (1, "requested"),
        (2, "accepted"),
        (3, "ended"),
    ]


@ON_BOTH_DATABASES
async def test_commands_of_many_at_once(control: Control, ivan: Person) -> None:
    clients = [await stranger(control, f"client{n}", "client") for n in range(8)]
    async with await ivan.page():
        asked = await asyncio.gather(
            *(client.post("/consultations", ASK, status=201) for client in clients)
        )
        paths = [f"/consultations/{each['id']}/accept" for each in asked]
        answers = await asyncio.gather(
            *(ivan.command(str(n), "POST", path) for n, path in enumerate(paths))
        )
        # One session at a time; the acceptance withdraws the others.
        assert sorted(answer.status for answer in answers) == [200] + [409] * 7
    record = await control.service.store.events_since(0, 100)
    assert Counter(each.entry.type for each in record) == {
        "requested": 8,
        "accepted": 1,
        "withdrawn": 7,
    }


async def test_news_that_change_nothing_take_no_place_in_a_transaction(
    control: Control, maria: Person, ivan: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)
    service = control.service
    clients = [User(f"client{n}", "Client", AccountRole.CLIENT) for n in range(8)]
    elena = User("elena", "Елена", AccountRole.SPECIALIST)
    for user in (elena, *clients):
        await service.people.save_user(user)
    save = service.store.save
    sizes: list[int] = []

    async def counted(changes: Iterable[Change], alongside: Iterable[Work[Any]]) -> None:
        sizes.append(len(list(changes)))
        await save(changes, alongside)

    monkeypatch.setattr(service.store, "save", counted)
    monkeypatch.setattr(step_queue, "MOST_TOGETHER", 3)
    asked = []
    for client in clients:
        for n in range(10):
            service.live.heard(session, Role.CLIENT, control.now + n / 1000)
        request = service.live.request(client, Specialist(elena, Profile("", TERMS)), "…", True)
        asked.append(asyncio.ensure_future(request))
        await asyncio.sleep(0)
    consultations = await asyncio.gather(*asked)
    assert sizes in ([3, 3, 2], [1, 3, 3, 1])
    record = await service.store.events_since(0, 100)
    assert [each.consultation_id for each in record[-8:]] == [each.id for each in consultations]


@ON_BOTH_DATABASES
async def test_who_asks_or_accepts_before_anybody_looked_at_the_clock(
    control: Control, maria: Person, ivan: Person
) -> None:
    other = await stranger(control, "other", "client")
    async with await ivan.page():
        old = await maria.post("/consultations", ASK, status=201)
        # Over by now; the database has one open request for each pair.
        control.now += 300
        new = await maria.post("/consultations", ASK, status=201)
        assert (await maria.get(f"/consultations/{old['id']}"))["state"] == "expired"
        await ivan.post(f"/consultations/{new['id']}/accept")
        # It did not start; the database has one session for each person.
        control.now += 120
        third = await other.post("/consultations", ASK, status=201)
        await ivan.post(f"/consultations/{third['id']}/accept")
    record = await control.service.store.events_since(0, 100)
    assert [(each.consultation_id, each.entry.type) for each in record] == [
        (old["id"], "requested"),
        (new["id"], "requested"),
        (old["id"], "expired"),
        (new["id"], "accepted"),
        (third["id"], "requested"),
        (new["id"], "ended"),
        (third["id"], "accepted"),
    ]


@ON_BOTH_DATABASES
async def test_a_silence_is_told_once_though_the_database_did_not_answer(
    control: Control, maria: Person, ivan: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)
    for _ in range(3):
        await control.pass_time(1)
        await control.hear(session, "client")
    with unanswered(control, monkeypatch):
        await control.pass_time(1.1)
    await control.pass_time(1)
    await control.hear(session, "client", "specialist")
    told = [each.entry.type for each in await control.service.store.events_after(session, 0, 100)]
    start = ["requested", "accepted", "started", "flow_began"]
    assert told == [*start, "flow_stopped", "reconnecting", "reconnected", "flow_began"]
