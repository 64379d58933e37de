"""A specialist's ratings over the API."""

from datetime import UTC, datetime

from control.consultations.parties import Role
from tests.control.databases import ON_BOTH_DATABASES
from tests.control.people import Control, Person, stranger


async def _rated(control: Control, client: Person, ivan: Person, *given: dict[str, object]) -> None:
    """A consultation of ``client`` with ivan, with the specialist's and the technical rating."""
    session = await control.session(client, ivan)
    await client.post(f"/consultations/{session}/leave")
    for subject, rating in zip(("specialist", "technical"), given, strict=False):
        control.now += 1
        await client.put(f"/consultations/{session}/ratings/{subject}", rating)


@ON_BOTH_DATABASES
async def test_sums_and_comments(control: Control, maria: Person, ivan: Person) -> None:
    nothing = {"average": None, "count": 0, "stars": dict.fromkeys("12345", 0)}
    ratings = await ivan.get("/me/ratings")
    assert ratings == {"specialist": nothing, "technical": nothing, "comments": []}
    async with await ivan.page():
        await _rated(
            control, maria, ivan, {"stars": 5, "comment": "Благодаря"}, {"stars": 2, "comment": ""}
        )
        petar = await stranger(control, "petar", "client")
        await _rated(control, petar, ivan, {"stars": 4, "comment": "Добре"})
        await _rated(control, maria, ivan, {"stars": 4}, {"stars": 3, "comment": "Картината спира"})
    ratings = await ivan.get("/me/ratings")
    stars = dict.fromkeys("12345", 0)
    assert ratings["specialist"] == {
        "average": 4.33,
        "count": 3,
        "stars": {**stars, "4": 2, "5": 1},
    }
    assert ratings["technical"] == {"average": 2.5, "count": 2, "stars": {**stars, "2": 1, "3": 1}}
    assert [(each["subject"], each["comment"]) for each in ratings["comments"]] == [
        ("specialist", "Благодаря"),
        ("specialist", "Добре"),
        ("technical", "Картината спира"),
    ]
    # Neither names nor the stars beside a comment.
    assert ratings["comments"][0].keys() == {"at", "subject", "comment"}


@ON_BOTH_DATABASES
async def test_a_comment_has_a_month_and_no_moment_that_tells_whose_it_is(
    control: Control,
) -> None:
    january, february = (datetime(2027, month, 1, tzinfo=UTC).timestamp() for month in (1, 2))
    control.now = february - 1.5 * 3600
    maria, ivan = await control.person("maria"), await control.person("ivan")
    async with await ivan.page():
        await _rated(control, maria, ivan, {"stars": 5, "comment": "в"}, {"stars": 1})
        await _rated(control, maria, ivan, {"stars": 5, "comment": "а"})
        control.now = february - 1.25
        await _rated(control, maria, ivan, {"stars": 5, "comment": "б"})
        await _rated(control, maria, ivan, {"stars": 5, "comment": "нов месец"})
    told = (await ivan.get("/me/ratings"))["comments"]
    # In the order of their words within a month, not of the consultations.
    assert [(each["at"], each["comment"]) for each in told] == [
        (february, "нов месец"),
        (january, "а"),
        (january, "б"),
        (january, "в"),
    ]
    page = await maria.get("/specialists/ivan")
    assert page["comments"] == told


async def test_comments_come_in_pages(control: Control, maria: Person, ivan: Person) -> None:
    async with await ivan.page():
        for word in "абвгд":
            await _rated(control, maria, ivan, {"stars": 5, "comment": word})
    read: list[str] = []
    path = "/api/v1/me/ratings?limit=2"
    authorization = {"Authorization": f"Bearer {ivan.token}"}
    while path:
        reply = await control.http.get(path, headers=authorization)
        read += [each["comment"] for each in (await reply.json())["comments"]]
        path = reply.headers.get("Link", "").partition(">")[0].lstrip("<")
    assert read == list("абвгд")


async def test_a_changed_rating_counts_once(control: Control, maria: Person, ivan: Person) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)
    await maria.post(f"/consultations/{session}/leave")
    for stars in (1, 5):
        await maria.put(f"/consultations/{session}/ratings/specialist", {"stars": stars})
    counted = (await ivan.get("/me/ratings"))["specialist"]
    assert (counted["average"], counted["count"]) == (5.0, 1)


async def test_only_their_own(control: Control, maria: Person, ivan: Person) -> None:
    async with await ivan.page():
        await _rated(control, maria, ivan, {"stars": 5})
    other = await stranger(control, "elena", "specialist")
    assert (await other.get("/me/ratings"))["specialist"]["count"] == 0
    assert await maria.problem("GET", "/me/ratings", status=403) == "not-permitted"


async def test_a_snapshot_hides_from_the_specialist_who_gave_what(
    control: Control, maria: Person, ivan: Person, olga: Person
) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)
    path = f"/consultations/{session}"
    await maria.post(f"{path}/leave")
    rated = await maria.put(f"{path}/ratings/technical", {"stars": 2, "comment": "Прекъсваше"})
    assert rated["ratings"]["technical"]["comment"] == "Прекъсваше"
    record = await olga.get(f"/operator{path}")
    assert record["consultation"]["ratings"]["technical"]["stars"] == 2
    [listed] = await ivan.get("/consultations")
    own = await ivan.get(path)
    assert listed["ratings"] is own["ratings"] is None
    consultation, _ = await control.service.live.of("ivan", session)
    told = control.service.hub.consultation_message(consultation, Role.SPECIALIST)
    assert told["consultation"]["ratings"] is None
