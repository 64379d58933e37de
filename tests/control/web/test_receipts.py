"""Receipts over the API, verified by nothing but the published keys."""

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from control.adapters.receipt_keys import ReceiptKeys, public_keys
from control.adapters.signed_receipt import continues, verified
from control.web.receipts import SignedReceipt
from rodrun.command_line import app
from tests.control.people import Control, Person, stranger


async def _ended(control: Control, maria: Person, ivan: Person) -> str:
    async with await ivan.page():
        session = await control.session(maria, ivan)
    await control.pass_time(1)
    await control.hear(session, "client", "specialist")
    await maria.post(f"/consultations/{session}/leave")
    return session


async def _keys(control: Control) -> dict[str, Any]:
    """The published keys; nobody has to sign in for them."""
    keys: dict[str, Any] = await (await control.http.get("/api/v1/receipt-keys")).json()
    return keys


async def _receipt(control: Control, person: Person, session: str) -> dict[str, Any]:
    """The person's receipt, verified."""
    document = await person.get(f"/consultations/{session}/receipt")
    # What the description says of it is all there is, and so.
    described = SignedReceipt.model_validate(document, extra="forbid")
    assert described.model_dump(mode="json") == document
    return verified(json.dumps(document).encode(), public_keys(await _keys(control)))


async def test_each_side_gets_one_that_the_published_keys_verify(
    control: Control, maria: Person, ivan: Person, olga: Person
) -> None:
    session = await _ended(control, maria, ivan)
    for person, role in ((maria, "client"), (ivan, "specialist"), (olga, "operator")):
        receipt = await _receipt(control, person, session)
        assert receipt["issued_to"] == role
        assert receipt["consultation_id"] == session
        assert receipt["end"] == {"reason": "client_left", "by": "client", "detail": None}
        assert receipt["paid_s"] == 1
        assert [event["seq"] for event in receipt["events"]] == list(
            range(1, len(receipt["events"]) + 1)
        )
        types = [event["type"] for event in receipt["events"]]
        assert types[:2] == ["requested", "accepted"]
        assert types[-1] == "ended"


async def test_it_is_the_same_each_time_and_grows_by_ratings(
    control: Control, maria: Person, ivan: Person
) -> None:
    session = await _ended(control, maria, ivan)
    first = await maria.get(f"/consultations/{session}/receipt")
    control.now += 60
    assert await maria.get(f"/consultations/{session}/receipt") == first
    rating = {"stars": 4, "comment": "Благодаря"}
    await maria.put(f"/consultations/{session}/ratings/specialist", rating)
    later = await _receipt(control, maria, session)
    assert continues(later, first["receipt"])
    assert later["ratings"]["specialist"] == {**rating, "given_at": control.now}
    told_to_him = await _receipt(control, ivan, session)
    assert told_to_him["ratings"] is None
    assert "Благодаря" not in json.dumps(told_to_him, ensure_ascii=False)


async def test_not_before_the_end_and_not_for_others(
    control: Control, maria: Person, ivan: Person
) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)
    path = f"/consultations/{session}/receipt"
    assert await maria.problem("GET", path, status=409) == "not-in-this-state"
    await maria.post(f"/consultations/{session}/leave")
    for role in ("client", "specialist"):
        other = await stranger(control, f"other-{role}", role)
        assert await other.problem("GET", path, status=404) == "not-found"


async def test_the_record_of_a_request_that_was_declined(
    control: Control, maria: Person, ivan: Person
) -> None:
    async with await ivan.page():
        asked = await maria.post(
            "/consultations", {"specialist_id": "ivan", "purpose": "x"}, status=201
        )
    await ivan.post(f"/consultations/{asked['id']}/decline", {"reason": "Зает съм"})
    receipt = await _receipt(control, maria, asked["id"])
    assert (receipt["state"], receipt["end"], receipt["paid_s"]) == ("declined", None, 0)


async def test_old_receipts_are_verified_by_later_keys(
    control: Control, maria: Person, ivan: Person, tmp_path: Path
) -> None:
    session = await _ended(control, maria, ivan)
    document = json.dumps(await maria.get(f"/consultations/{session}/receipt")).encode()
    ReceiptKeys.rotate(tmp_path)
    later = Control(control.service.database, control.service.settings, control.now)
    await later.start()
    try:
        keys = await _keys(later)
        signed_by = (await (await later.person("maria")).get(f"/consultations/{session}/receipt"))[
            "key_id"
        ]
    finally:
        await later.stop()
    assert signed_by == keys["keys"][0]["kid"]
    assert len(keys["keys"]) == 2
    assert verified(document, public_keys(keys))


async def test_the_command_verifies_what_the_api_gave(
    control: Control, maria: Person, ivan: Person, tmp_path: Path
) -> None:
    session = await _ended(control, maria, ivan)
    receipt, keys = tmp_path / "receipt.json", tmp_path / "keys.json"
    receipt.write_text(json.dumps(await maria.get(f"/consultations/{session}/receipt")))
    keys.write_text(json.dumps(await _keys(control)))
    arguments = ["verify-receipt", str(receipt), "--keys", str(keys)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert session in result.output
