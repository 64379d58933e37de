"""The keys that sign receipts."""

import json
from pathlib import Path

import pytest

from control.adapters.receipt_keys import FILE, ReceiptKeys, public_keys


def test_made_once_and_for_the_owner_only(tmp_path: Path) -> None:
    keys = ReceiptKeys.open(tmp_path / "var")
    assert ReceiptKeys.open(tmp_path / "var").key_id == keys.key_id
    assert ReceiptKeys.open(tmp_path / "elsewhere").key_id != keys.key_id
    assert (tmp_path / "var" / FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "var").iterdir()] == [FILE]


def test_the_private_half_is_not_published(tmp_path: Path) -> None:
    keys = ReceiptKeys.open(tmp_path)
    (published,) = keys.published()["keys"]
    assert published.keys() == {"kty", "crv", "x", "kid", "use", "alg"}
    assert published["kid"] == keys.key_id


def test_after_a_rotation_the_earlier_keys_stay_published(tmp_path: Path) -> None:
    first = ReceiptKeys.open(tmp_path)
    second = ReceiptKeys.rotate(tmp_path)
    third = ReceiptKeys.rotate(tmp_path)
    kept = ReceiptKeys.open(tmp_path)
    assert list(kept.public) == [third.key_id, second.key_id, first.key_id]
    content = b"as it was"
    kept.public[first.key_id].verify(first.sign(content), content)
    kept.public[third.key_id].verify(kept.sign(content), content)
    with_private = [key for key in json.loads((tmp_path / FILE).read_text())["keys"] if "d" in key]
    assert [key["kid"] for key in with_private] == [third.key_id]
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_the_id_is_the_thumbprint_of_the_key() -> None:
    # RFC 8037, appendix A.3
    (kid,) = public_keys(
        {
            "keys": [
                {
                    "kty": "OKP",
                    "crv": "Ed25519",
                    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                }
            ]
        }
    )
    assert kid == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize(
    "text",
    ["", "{}", '{"keys": []}', '{"keys": [7]}', '{"keys": [{"kty": "OKP", "crv": "Ed25519"}]}'],
)
def test_a_damaged_file_is_not_used(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(ValueError, match="damaged"):
        ReceiptKeys.open(tmp_path)


def test_a_file_without_the_private_half_is_not_used(tmp_path: Path) -> None:
    published = ReceiptKeys.open(tmp_path / "a").published()
    (tmp_path / FILE).write_text(json.dumps(published))
    with pytest.raises(ValueError, match="cannot sign"):
        ReceiptKeys.open(tmp_path)


def test_keys_of_other_kinds_are_passed_over(tmp_path: Path) -> None:
    published = ReceiptKeys.open(tmp_path).published()
    rsa = {"kty": "RSA", "kid": "other", "n": "AQ", "e": "AQAB"}
    assert len(public_keys({"keys": [rsa, *published["keys"]]})) == 1
    with pytest.raises(ValueError, match="JWKS"):
        public_keys([])
