"""Control stops, by whatever cause, and another takes up where it was."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from control.adapters.database import Database
from control.adapters.heartbeat import Heartbeat
from control.consultations.commands import Leave, perform
from control.consultations.parties import Role
from control.settings import Settings
from tests.control.databases import ON_BOTH_DATABASES
from tests.control.people import Control, Person, measured

pytestmark = ON_BOTH_DATABASES

Restart = Callable[[float], Awaitable[Control]]


@pytest.fixture
async def restart(control: Control, database: Database) -> AsyncIterator[Restart]:
    """Another control over the same database, so many seconds later. The first one is not asked."""

    async def later(seconds: float) -> Control:
        settings: Settings = control.service.settings
        other = Control(database, settings, control.now + seconds)
        await other.start()
        started.append(other)
        return other

    started: list[Control] = []
    yield later
    for other in started:
        await other.stop()


async def test_a_request_expires_over_a_restart(
    control: Control, maria: Person, ivan: Person, restart: Restart
) -> None:
    async with await ivan.page():
        asked = await maria.post(
            "/consultations", {"specialist_id": "ivan", "purpose": "x"}, status=201
        )
    other = await restart(299)
    again = await other.person("maria")
    assert (await again.get(f"/consultations/{asked['id']}"))["state"] == "requested"
    await other.pass_time(1)
    assert (await again.get(f"/consultations/{asked['id']}"))["state"] == "expired"


async def test_a_deadline_that_passed_meanwhile_counts_from_its_time(
    control: Control, maria: Person, ivan: Person, restart: Restart
) -> None:
    async with await ivan.page():
        asked = await maria.post(
            "/consultations", {"specialist_id": "ivan", "purpose": "x"}, status=201
        )
    other = await restart(5000)
    record = await (await other.person("maria")).get(f"/consultations/{asked['id']}/events")
    assert [(each["type"], each["at"]) for each in record["events"]] == [
        ("requested", asked["requested_at"]),
        ("expired", asked["accept_by"]),
    ]


async def test_a_session_is_paid_until_control_was_last_alive(
    control: Control, maria: Person, ivan: Person, restart: Restart
) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)
    started_at = control.now
    for _ in range(10):
        await control.pass_time(1)
        await control.hear(session, "client", "specialist")
    await Heartbeat(control.service.database, lambda: control.now).beat()
    other = await restart(5000)
    her = await other.person("maria")
    # Nobody could have come back meanwhile, so they still may.
    assert (await her.get(f"/consultations/{session}"))["state"] == "active"
    await other.pass_time(120)
    assert (await her.get(f"/consultations/{session}"))["state"] == "ended"
    record = (await her.get(f"/consultations/{session}/events"))["events"]
    assert [each["seq"] for each in record] == list(range(1, len(record) + 1))
    data = {each["type"]: each["data"] for each in record}
    assert data["flow_stopped"] == {"began_at": started_at, "paid_s": 10.0}
    assert data["interrupted"] == {"since": started_at + 10}
    assert data["ended"]["reason"] == "service"


async def test_no_drop_is_declared_for_the_time_of_the_restart(
    control: Control, maria: Person, ivan: Person, restart: Restart
) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)
    other = await restart(30)
    again = await other.person("maria")
    await other.pass_time(20)
    assert (await again.get(f"/consultations/{session}"))["state"] == "active"
    await other.hear(session, "client", "specialist")
    # The room is heard of again, and that is stored: another restart gives its own two minutes.
    third = await restart(1000)
    seen = await (await third.person("maria")).get(f"/consultations/{session}")
    assert seen["state"] == "active"
    await third.pass_time(120)
    seen = await (await third.person("maria")).get(f"/consultations/{session}")
    assert seen["end"] == {"reason": "service", "by": "service", "detail": None}


async def test_ratings_and_early_ends_are_kept(
    control: Control, maria: Person, ivan: Person, restart: Restart
) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)
    await maria.post(f"/consultations/{session}/early-end")
    other = await restart(1)
    again = await other.person("ivan")
    proposed = await again.get(f"/consultations/{session}")
    assert proposed["early_end"]["by"] == "client"
    await again.post(f"/consultations/{session}/early-end/accept")
    her = await other.person("maria")
    await her.put(f"/consultations/{session}/ratings/technical", {"stars": 2})
    third = await restart(60)
    rated = await (await third.person("maria")).get(f"/consultations/{session}")
    assert rated["ratings"]["technical"]["stars"] == 2


async def test_what_was_measured_is_summed_up_though_control_was_killed_at_the_end(
    control: Control, maria: Person, ivan: Person, restart: Restart
) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)
    await measured(control, session, seconds=12, loss_pct=6.0)
    # The end is stored, and nothing that comes after it is done.
    standing = await control.service.live.find(session)
    ended = perform(standing, Leave(Role.CLIENT), control.now)
    await control.service.store.save([ended])
    for seconds in (30, 60):
        other = await restart(seconds)
        await other.service.errands.settled()
        her = await other.person("maria")
        receipt = (await her.get(f"/consultations/{session}/receipt"))["receipt"]
        *_, over, summed_up = receipt["events"]
        assert (over["type"], summed_up["type"]) == ("ended", "quality")
        assert summed_up["at"] == control.now + 30
        assert summed_up["data"]["verdict"]["leg"] == "client_up"
        assert [each["duration_s"] for each in receipt["quality"]["timeline"]] == [5.0, 5.0]


async def test_join_tokens_outlive_a_restart_and_stay_used(
    control: Control, maria: Person, ivan: Person, restart: Restart
) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)
    path = f"/consultations/{session}/join-tokens"
    used, fresh = [(await maria.post(path, status=201))["token"] for _ in range(2)]
    await maria.post("/join", {"token": used, "offer": "v=0"})
    other = await restart(1)
    her = await other.person("maria")
    body = {"token": used, "offer": "v=0"}
    assert await her.problem("POST", "/join", body, status=409) == "join-token-used"
    await her.post("/join", {"token": fresh, "offer": "v=0"})


async def test_a_profile_that_was_changed_is_not_reset_by_the_demo(
    ivan: Person, restart: Restart
) -> None:
    profile = (await ivan.get("/me"))["profile"]
    await ivan.put("/me/profile", {**profile, "duration_s": 60})
    other = await restart(1)
    assert (await (await other.person("ivan")).get("/me"))["profile"]["duration_s"] == 60
