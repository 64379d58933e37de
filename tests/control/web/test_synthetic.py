"""Users of a load test: minted by operators, meeting nobody else, with a limit of their own."""

from pathlib import Path
from typing import Any

import pytest

from control.adapters.database import Database
from control.settings import Identity, Rate, Settings
from tests.control.people import Control, Person, stranger

TERMS = {
    "summary": "Synthetic",
    "duration_s": 600,
    "price": "0.00",
    "currency": "EUR",
    "takes_video": True,
}


async def minted(operator: Person, pairs: int = 1) -> list[dict[str, Any]]:
    made = await operator.post("/operator/synthetic-users", {"pairs": pairs}, status=201)
    found: list[dict[str, Any]] = made["pairs"]
    return found


def person(control: Control, user: dict[str, Any]) -> Person:
    return Person(control, user["access_token"])


async def test_a_minted_pair_has_a_consultation_like_anybody(
    control: Control, olga: Person
) -> None:
    pair, _ = await minted(olga, 2)
    client, specialist = person(control, pair["client"]), person(control, pair["specialist"])
    me = await client.get("/me")
    assert (me["id"], me["role"]) == (pair["client"]["id"], "client")
    assert me["id"].startswith("synthetic-")
    await specialist.put("/me/profile", TERMS)
    async with await specialist.page():
        body = {"specialist_id": pair["specialist"]["id"], "purpose": "load"}
        asked = await client.post("/consultations", body, status=201)
        accepted = await specialist.post(f"/consultations/{asked['id']}/accept")
    assert accepted["state"] == "accepted"


async def test_only_operators_mint_and_it_is_in_the_audit_log(
    control: Control, olga: Person, maria: Person, ivan: Person
) -> None:
    for somebody in (maria, ivan, person(control, (await minted(olga))[0]["specialist"])):
        code = await somebody.problem("POST", "/operator/synthetic-users", {"pairs": 1}, status=403)
        assert code == "not-permitted"
    newest, *_ = await olga.get("/operator/audit")
    assert newest["action"] == "mint-synthetic-users"
    assert newest["details"] == {"pairs": 1, "lifetime_s": 4 * 3600}


async def test_synthetic_and_real_people_do_not_meet(
    control: Control, olga: Person, maria: Person, ivan: Person
) -> None:
    (pair,) = await minted(olga)
    client, specialist = person(control, pair["client"]), person(control, pair["specialist"])
    await specialist.put("/me/profile", TERMS)
    async with await specialist.page(), await ivan.page():
        for who, whom in ((maria, pair["specialist"]["id"]), (client, "ivan")):
            body = {"specialist_id": whom, "purpose": "load"}
            assert await who.problem("POST", "/consultations", body, status=404) == "not-found"
    assert [each["id"] for each in await maria.get("/specialists")] == ["ivan"]


async def test_a_platform_cannot_sign_in_synthetic_users(control: Control) -> None:
    pretender = await stranger(control, "synthetic-1", "client")
    assert await pretender.problem("GET", "/me", status=401) == "token-invalid"


async def test_a_token_ends_and_a_forged_one_is_none(control: Control, olga: Person) -> None:
    (pair,) = await minted(olga)
    forged = Person(control, pair["client"]["access_token"][:-4] + "AAAA")
    assert await forged.problem("GET", "/me", status=401) == "token-invalid"
    control.now += 4 * 3600 + 60
    client = person(control, pair["client"])
    assert await client.problem("GET", "/me", status=401) == "token-expired"


async def test_a_platform_with_keys_of_its_own_mints_them_too(
    database: Database, tmp_path: Path
) -> None:
    identity = Identity("platform", "rodrun", secret=b"p" * 32)
    control = Control(database, Settings(data_dir=tmp_path, identity=identity))
    await control.start()
    (pair,) = await minted(await stranger(control, "boss", "operator"))
    assert (await person(control, pair["client"]).get("/me"))["id"] == pair["client"]["id"]
    await control.stop()


@pytest.mark.parametrize("path", ["/me", "/specialists"])
async def test_they_have_one_limit_together_and_nobody_elses(
    database: Database, tmp_path: Path, path: str
) -> None:
    settings = Settings(
        data_dir=tmp_path,
        demo=True,
        user_rate=Rate(per_s=1, burst=3),
        address_rate=Rate(per_s=1, burst=8),
        synthetic_rate=Rate(per_s=1, burst=12),
    )
    control = Control(database, settings)
    await control.start()
    olga = await control.person("olga")
    first, second = await minted(olga, 2)
    people = [person(control, user) for pair in (first, second) for user in pair.values()]
    for each in people * 3:
        await each.get(path)
    assert await people[0].problem("GET", path, status=429) == "too-many-requests"
    # what the load test used is not missing at the address
    for _ in range(2):
        await olga.get(path)
    forged = Person(control, first["client"]["access_token"][:-4] + "AAAA")
    for _ in range(4):
        await forged.problem("GET", path, status=401)
    assert await forged.problem("GET", path, status=429) == "too-many-requests"
    await control.stop()
