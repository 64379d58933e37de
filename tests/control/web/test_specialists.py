"""Specialists as clients see them: their page, the online switch, busy or free."""

from tests.control.people import Control, Person, stranger

ONLINE = {"online": True, "camera_ready": False, "busy": False}
PROFILE = {
    "summary": "Ортопед",
    "duration_s": 600,
    "price": "25.50",
    "currency": "EUR",
    "takes_video": True,
}


async def test_the_page_of_a_specialist(maria: Person, ivan: Person) -> None:
    page = await maria.get("/specialists/ivan")
    terms = {"duration_s": 1800, "price": "40.00", "currency": "EUR", "takes_video": True}
    assert terms.items() <= page.items()
    assert page["name"] == "д-р Иван Георгиев"
    assert page["summary"].startswith("Семеен лекар.")
    assert page["presence"] == {"online": False, "camera_ready": False, "busy": False}
    assert page["added"] is True
    assert page["ratings"] == {
        "average": None,
        "count": 0,
        "stars": {"1": 0, "2": 0, "3": 0, "4": 0, "5": 0},
    }
    assert page["comments"] == []
    assert (await ivan.get("/specialists/ivan"))["added"] is False


async def test_the_page_of_a_specialist_has_their_ratings_not_those_of_the_connection(
    control: Control, maria: Person, ivan: Person
) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)
    await maria.post(f"/consultations/{session}/leave")
    for subject, stars, comment in (("specialist", 5, "Ясно"), ("technical", 2, "Прекъсвания")):
        rating = {"stars": stars, "comment": comment}
        await maria.put(f"/consultations/{session}/ratings/{subject}", rating)
    elena = await stranger(control, "elena", "client")
    page = await elena.get("/specialists/ivan")
    assert (page["ratings"]["average"], page["ratings"]["stars"]["5"]) == (5.0, 1)
    assert [each["comment"] for each in page["comments"]] == ["Ясно"]


async def test_there_is_no_page_of_anybody_else(control: Control, maria: Person) -> None:
    await (await stranger(control, "newcomer", "specialist")).get("/me")
    for nobody in ("maria", "olga", "newcomer", "nobody"):
        assert await maria.problem("GET", f"/specialists/{nobody}", status=404) == "not-found"


async def test_the_online_switch(control: Control, maria: Person, ivan: Person) -> None:
    assert (await ivan.get("/me"))["available"] is True
    async with await ivan.page() as his, await maria.page() as page:
        await page.until("presence", online=True)
        assert await ivan.put("/me/availability", {"available": False}) == {"available": False}
        await page.until("presence", online=False)
        assert (await his.until("availability"))["available"] is False
        ask = {"specialist_id": "ivan", "purpose": "Резултати"}
        assert await maria.problem("POST", "/consultations", ask, status=409) == (
            "specialist-offline"
        )
        assert (await ivan.get("/me"))["available"] is False

        await ivan.put("/me/profile", PROFILE)
        assert (await ivan.get("/me"))["available"] is False
        await ivan.put("/me/availability", {"available": True})
        await page.until("presence", online=True)
        await maria.post("/consultations", ask, status=201)


async def test_the_online_switch_is_kept_for_the_next_page(maria: Person, ivan: Person) -> None:
    await ivan.put("/me/availability", {"available": False})
    async with await ivan.page(), await maria.page() as page:
        await page.until("presence", online=False)


async def test_who_has_an_online_switch(control: Control, maria: Person) -> None:
    body = {"available": True}
    assert await maria.problem("PUT", "/me/availability", body, status=403) == "not-permitted"
    newcomer = await stranger(control, "newcomer", "specialist")
    assert await newcomer.problem("PUT", "/me/availability", body, status=409) == (
        "profile-missing"
    )
    for wrong in ({}, {"available": "yes"}, {"available": True, "more": 1}):
        code = await newcomer.problem("PUT", "/me/availability", wrong, status=422)
        assert code == "invalid-input"


async def test_new_terms_are_told_to_those_who_added_the_specialist(
    control: Control, maria: Person, ivan: Person
) -> None:
    elena = await stranger(control, "elena", "client")
    async with await ivan.page(), await maria.page() as page, await elena.page() as other:
        await ivan.put("/me/profile", PROFILE)
        told = (await page.until("specialist"))["specialist"]
        assert told == {
            "id": "ivan",
            "name": "д-р Иван Георгиев",
            **PROFILE,
            "presence": ONLINE,
        }
        assert told == (await maria.get("/me/specialists"))[0]
        await elena.put("/me/specialists/ivan")
        await ivan.put("/me/profile", {**PROFILE, "price": "30.00"})
        assert (await other.next())["specialist"]["price"] == "30.00"


async def test_a_duration_that_an_operator_sets_is_told_too(
    control: Control, maria: Person
) -> None:
    olga = await control.person("olga")
    async with await maria.page() as page:
        await olga.put("/operator/specialists/ivan/duration", {"duration_s": 900})
        assert (await page.until("specialist"))["specialist"]["duration_s"] == 900


async def test_a_specialist_is_busy_from_the_acceptance_to_the_end(
    control: Control, maria: Person, ivan: Person
) -> None:
    elena = await stranger(control, "elena", "client")
    await elena.put("/me/specialists/ivan")
    async with await ivan.page(), await elena.page() as page:
        await page.until("presence", busy=False)
        session = await control.session(maria, ivan)
        await page.until("presence", busy=True)
        assert (await elena.get("/specialists/ivan"))["presence"]["busy"] is True
        await maria.post(f"/consultations/{session}/leave")
        await page.until("presence", busy=False)


async def test_a_client_who_is_in_a_session_makes_nobody_else_busy(
    control: Control, maria: Person, ivan: Person
) -> None:
    """Presence is of the specialist's side alone."""
    async with await ivan.page():
        await control.session(maria, ivan)
    petar = await stranger(control, "petar", "specialist")
    await petar.put("/me/profile", PROFILE)
    assert (await maria.get("/specialists/petar"))["presence"]["busy"] is False
