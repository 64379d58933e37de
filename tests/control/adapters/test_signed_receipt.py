"""Signing and verifying."""

import json
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from control.adapters.receipt_keys import ReceiptKeys
from control.adapters.signed_receipt import NotGenuine, continues, sign, verified

RECEIPT: dict[str, Any] = {
    "version": 1,
    "issued_to": "client",
    "consultation_id": "c1",
    "purpose": "Резултати „ᄅ\u2028“ 😀",
    "terms": {"price": "40.00", "duration_s": 1800},
    "events": [{"seq": 1, "at": 1_800_000_000.25}, {"seq": 2, "at": 1_800_000_001.0}],
}


@pytest.fixture
def keys(tmp_path: Path) -> ReceiptKeys:
    """A fresh key."""
    return ReceiptKeys.open(tmp_path)


def test_canonical_json_is_that_of_the_rfc() -> None:
    # RFC 8785, section 3.2.2 and 3.2.3
    value = json.loads(
        r"""{
          "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
          "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
          "literals": [null, true, false]
        }"""
    )
    assert rfc8785.dumps(value).decode() == (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    sorted_names = ["\r", "1", "\x80", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    assert list(json.loads(rfc8785.dumps(dict.fromkeys(reversed(sorted_names))))) == sorted_names


def test_genuine_however_it_is_written(keys: ReceiptKeys) -> None:
    document = sign(RECEIPT, keys).json()
    assert verified(document, keys.public) == RECEIPT
    pretty = json.dumps(json.loads(document), indent=4, sort_keys=False, ensure_ascii=True)
    assert verified(pretty.encode(), keys.public) == RECEIPT


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"40.00"', '"4.00"'),
        ("1800000000.25", "1800000000.75"),
        ('{"at":1800000001,"seq":2}', '{"at":1800000001,"seq":3}'),
        ("Резултати", "Резултат"),
    ],
)
def test_a_changed_receipt_is_not_genuine(keys: ReceiptKeys, before: str, after: str) -> None:
    document = sign(RECEIPT, keys).json().decode()
    assert before in document
    with pytest.raises(NotGenuine, match="was changed"):
        verified(document.replace(before, after).encode(), keys.public)


def test_neither_is_one_of_another_key(keys: ReceiptKeys, tmp_path: Path) -> None:
    other = ReceiptKeys.open(tmp_path / "other")
    document = sign(RECEIPT, other).json()
    with pytest.raises(NotGenuine, match="not among these"):
        verified(document, keys.public)
    under_our_name = document.replace(other.key_id.encode(), keys.key_id.encode())
    with pytest.raises(NotGenuine, match="was changed"):
        verified(under_our_name, keys.public)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"\xff",
        b"7",
        b"[" * 100_000,
        b"{}",
        b'{"receipt": 7, "signature": "", "key_id": "", "algorithm": "EdDSA"}',
        b'{"receipt": {}, "signature": "", "key_id": "", "algorithm": "none"}',
        b'{"receipt": {}, "signature": 7, "key_id": "", "algorithm": "EdDSA"}',
        b'{"receipt": {}, "signature": "!", "key_id": "", "algorithm": "EdDSA"}',
        b'{"receipt": {"a": NaN}, "signature": "", "key_id": "", "algorithm": "EdDSA"}',
        b'{"receipt": {"a": 1e999}, "signature": "", "key_id": "", "algorithm": "EdDSA"}',
        b'{"receipt": {"a": 9007199254740993}, "signature": "", "key_id": 1, "algorithm": "EdDSA"}',
        b'{"receipt": {"a": "\\ud800"}, "signature": "", "key_id": "", "algorithm": "EdDSA"}',
        b'{"receipt": {"a": 1, "a": 2}, "signature": "", "key_id": "", "algorithm": "EdDSA"}',
        b'{"receipt": {}, "signature": "", "key_id": "", "algorithm": "EdDSA", "more": 1}',
    ],
)
def test_what_is_no_signed_receipt_is_refused(keys: ReceiptKeys, document: bytes) -> None:
    with pytest.raises(NotGenuine, match="no signed receipt"):
        verified(document, keys.public)


def test_a_later_receipt_only_adds() -> None:
    later = {**RECEIPT, "events": [*RECEIPT["events"], {"seq": 3, "at": 1_800_000_002.0}]}
    assert continues(later, RECEIPT)
    assert continues(RECEIPT, RECEIPT)
    assert not continues(RECEIPT, later)
    rewritten = {**later, "events": [{"seq": 1, "at": 5.0}, *later["events"][1:]]}
    assert not continues(rewritten, RECEIPT)
    assert not continues({**later, "consultation_id": "c2"}, RECEIPT)
