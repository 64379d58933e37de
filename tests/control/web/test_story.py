"""The main story of a consultation, over the API."""

from sfu.api import CloseRoom, Join, OpenRoom
from tests.control.people import Control, Person


async def test_from_the_request_to_the_ratings(
    control: Control, maria: Person, ivan: Person
) -> None:
    async with await ivan.page() as specialist_page, await maria.page() as client_page:
        asked = await maria.post(
            "/consultations", {"specialist_id": "ivan", "purpose": "  Резултати "}, status=201
        )
        assert asked["state"] == "requested"
        assert asked["purpose"] == "Резултати"
        assert asked["accept_by"] == control.now + 300
        one = f"/consultations/{asked['id']}"
        seen = await specialist_page.until("consultation")
        assert seen["consultation"]["id"] == asked["id"]

        accepted = await ivan.post(f"{one}/accept")
        assert accepted["state"] == "accepted"
        for person in (maria, ivan):
            token = await person.post(f"{one}/join-tokens", status=201)
            joined = await person.post("/join", {"token": token["token"], "offer": "v=0"})
            assert joined["answer"] == "answer to v=0"
        await control.hear(asked["id"], "client")
        assert (await maria.get(one))["state"] == "accepted"
        await control.hear(asked["id"], "specialist")
        active = await maria.get(one)
        assert active["state"] == "active"
        assert active["ends_at"] == control.now + 1800

        await maria.post(f"{one}/early-end")
        ended = await ivan.post(f"{one}/early-end/accept")
        assert ended["state"] == "ended"
        assert ended["end"] == {"reason": "early_end_agreed", "by": "specialist", "detail": None}
        await maria.put(f"{one}/ratings/specialist", {"stars": 5, "comment": "Благодаря"})
        rated = await maria.put(f"{one}/ratings/technical", {"stars": 4})
        until = control.now + 24 * 3600
        assert rated["ratings"] == {
            "specialist": {"stars": 5, "comment": "Благодаря", "changeable_until": until},
            "technical": {"stars": 4, "comment": "", "changeable_until": until},
        }
        await control.service.errands.settled()
        kinds = [type(request) for request in control.node.asked]
        assert kinds == [OpenRoom, Join, OpenRoom, Join, CloseRoom]
        while True:
            last = (await client_page.until("consultation"))["consultation"]
            if last["ratings"]["technical"]:
                break


async def test_the_demo_says_who_may_sign_in(control: Control) -> None:
    accounts = await (await control.http.get("/api/v1/demo/accounts")).json()
    assert accounts == [
        {"account": "maria", "name": "Мария Петрова", "role": "client"},
        {"account": "nikola", "name": "Никола Стоянов", "role": "client"},
        {"account": "ivan", "name": "д-р Иван Георгиев", "role": "specialist"},
        {"account": "olga", "name": "Олга Димитрова", "role": "operator"},
    ]
    for client in ("maria", "nikola"):
        [added] = await (await control.person(client)).get("/me/specialists")
        assert added["id"] == "ivan"
    reply = await control.http.post("/api/v1/demo/sign-in", json={"account": "nobody"})
    assert reply.status == 404
