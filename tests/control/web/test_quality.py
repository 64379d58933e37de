"""Quality over the API: during the session, in its record, its receipt and its figures."""

from control.consultations.quality_report import quality_report
from control.web.schema.quality import QualityOut
from tests.control.databases import ON_BOTH_DATABASES
from tests.control.people import Control, Person, measured, stranger
from tests.control.web.test_synthetic import TERMS, minted
from tests.control.web.test_synthetic import person as synthetic

pytestmark = ON_BOTH_DATABASES


async def quality(person: Person, session: str) -> QualityOut:
    document = await person.get(f"/consultations/{session}/quality")
    described = QualityOut.model_validate(document, extra="forbid")
    assert described.model_dump(mode="json") == document
    return described


async def test_periods_can_be_read_while_the_session_lasts(
    control: Control, maria: Person, ivan: Person, olga: Person
) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)
    assert (await quality(maria, session)).verdict is None
    await measured(control, session, 12, loss_pct=6.0)
    for person in (maria, ivan, olga):
        told = await quality(person, session)
        assert len(told.periods) == 2
        assert told.verdict is not None
        assert told.verdict.leg == "client_up"
        assert [each.code for each in told.verdict.reasons] == ["loss"]
        assert told.legs["client_up"].loss_pct == 6.0  # type: ignore[index]
        assert not told.complete
        up = told.periods[0].legs["client_up"]  # type: ignore[index]
        assert (up.packets, up.expected, up.lost) == (5000, 5000, 300)
        assert (up.repaired, up.given_up, up.freezes, up.silent_s) == (150, 30, 5, 0.0)
        assert told.periods[0].legs["node"].packets is None  # type: ignore[index]


async def test_at_the_end_it_is_summed_up_in_the_record_and_the_receipt(
    control: Control, maria: Person, ivan: Person
) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)
    await measured(control, session, 7, loss_pct=6.0)
    await maria.post(f"/consultations/{session}/leave")
    await control.service.errands.settled()
    told = await quality(ivan, session)
    assert len(told.periods) == 2
    assert told.complete
    receipt = (await maria.get(f"/consultations/{session}/receipt"))["receipt"]
    assert receipt["quality"]["verdict"]["leg"] == "client_up"
    assert len(receipt["quality"]["timeline"]) == 2
    last = receipt["events"][-1]
    assert (last["type"], last["by"]) == ("quality", "service")
    assert last["data"]["verdict"] == receipt["quality"]["verdict"]
    metrics = await (await control.http.get("/metrics")).text()
    assert 'rodrun_quality_mos_count{leg="client_up"} 2.0' in metrics
    assert 'rodrun_quality_mos_bucket{le="3.6",leg="client_up"} 2.0' in metrics


async def test_where_nothing_was_measured_nothing_is_said(
    control: Control, maria: Person, ivan: Person
) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)
    await maria.post(f"/consultations/{session}/leave")
    await control.service.errands.settled()
    receipt = (await maria.get(f"/consultations/{session}/receipt"))["receipt"]
    assert receipt["quality"] is None
    assert receipt["events"][-1]["type"] == "ended"


async def test_whom_it_does_not_concern_learns_nothing(
    control: Control, maria: Person, ivan: Person
) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)
    other = await stranger(control, "elena", "client")
    path = f"/consultations/{session}/quality"
    assert await other.problem("GET", path, status=404) == "not-found"


async def test_the_report_holds_ratings_against_what_was_measured(
    control: Control, maria: Person, ivan: Person
) -> None:
    async with await ivan.page():
        for stars, loss_pct in ((2, 6.0), (5, 0.0), (None, 0.0)):
            session = await control.session(maria, ivan)
            await measured(control, session, 2, loss_pct)
            await maria.post(f"/consultations/{session}/leave")
            await control.service.errands.settled()
            if stars:
                body = {"stars": stars}
                await maria.call("PUT", f"/consultations/{session}/ratings/technical", body)
    report = quality_report(await control.service.quality_records.rated())
    assert report.rated == 2
    assert report.agreement == 1.0
    assert [(line.stars, line.consultations, line.mos) for line in report.lines] == [
        (5, 1, 4.3),
        (2, 1, 3.5),
        (None, 1, 4.3),
    ]
    assert report.lines[1].verdicts == {"client_up": 1}


async def test_a_load_test_is_in_no_figure_of_all_calls(control: Control, olga: Person) -> None:
    (pair,) = await minted(olga)
    client, specialist = (synthetic(control, pair[each]) for each in ("client", "specialist"))
    await specialist.put("/me/profile", TERMS)
    async with await specialist.page():
        body = {"specialist_id": pair["specialist"]["id"], "purpose": "load"}
        session = (await client.post("/consultations", body, status=201))["id"]
        await specialist.post(f"/consultations/{session}/accept")
        await control.hear(session, "client", "specialist")
        await measured(control, session, 7, loss_pct=6.0)
        await client.post(f"/consultations/{session}/leave")
        await control.service.errands.settled()
    await client.put(f"/consultations/{session}/ratings/technical", {"stars": 5})
    told = await quality(client, session)
    assert len(told.periods) == 2, "its own sides read of it all the same"
    assert told.verdict is not None
    assert await control.service.quality_records.rated() == []
    metrics = await (await control.http.get("/metrics")).text()
    assert 'rodrun_quality_mos_count{leg="client_up"} 0.0' in metrics
