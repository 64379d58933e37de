"""A receipt with its signature: made here, and verified by whoever holds the public keys."""

import json
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from control.adapters.receipt_keys import ReceiptKeys

ALGORITHM = "EdDSA"
MEMBERS = {"receipt", "signature", "key_id", "algorithm"}

Receipt = dict[str, Any]


class NotGenuine(Exception):
    """The document is not a receipt of the holder of these keys; the text says why."""


@dataclass(frozen=True)
class SignedReceipt:
    """What ``GET /api/v1/consultations/{id}/receipt`` gives.

    The signature is over the UTF-8 bytes of the canonical JSON (RFC 8785) of ``receipt``.
    """

    receipt: Receipt
    # base64url without padding
    signature: str
    key_id: str
    algorithm: str = ALGORITHM

    def json(self) -> bytes:
        """The document, itself in canonical JSON."""
        return rfc8785.dumps(
            {
                "receipt": self.receipt,
                "signature": self.signature,
                "key_id": self.key_id,
                "algorithm": self.algorithm,
            }
        )


def sign(receipt: Receipt, keys: ReceiptKeys) -> SignedReceipt:
    """Sign ``receipt`` with the newest key."""
    signature = keys.sign(rfc8785.dumps(receipt))
    return SignedReceipt(receipt, urlsafe_b64encode(signature).rstrip(b"=").decode(), keys.key_id)


def verified(document: bytes, keys: Mapping[str, Ed25519PublicKey]) -> Receipt:
    """The receipt within ``document``, if one of ``keys`` signed exactly it.

    Raises:
        NotGenuine: when it is malformed, signed by another key, or was changed.
    """
    try:
        signed = json.loads(document, object_pairs_hook=_no_doubles, parse_constant=_no_constants)
        if not isinstance(signed, dict) or signed.keys() != MEMBERS:
            raise ValueError(f"its members are not exactly {', '.join(sorted(MEMBERS))}")
        receipt = signed["receipt"]
        if not isinstance(receipt, dict) or signed["algorithm"] != ALGORITHM:
            raise ValueError(f"receipt is no object, or algorithm is not {ALGORITHM}")
        content = rfc8785.dumps(receipt)
        signature = _from_base64url(signed["signature"])
    # RecursionError: nothing but brackets.
    except (ValueError, TypeError, RecursionError) as error:
        raise NotGenuine(f"This is no signed receipt: {error}.") from error
    key = keys.get(str(signed["key_id"]))
    if key is None:
        raise NotGenuine(
            f"It names the key {signed['key_id']}, which is not among these: "
            f"{', '.join(keys) or 'none'}."
        )
    try:
        key.verify(signature, content)
    except InvalidSignature:
        raise NotGenuine("The signature does not fit: the receipt was changed.") from None
    return receipt


def continues(receipt: Receipt, earlier: Receipt) -> bool:
    """Whether ``receipt`` only adds to ``earlier``: the same consultation told to the same reader,
    with the earlier one's events as its first."""
    same = ("version", "issued_to", "consultation_id", "client", "specialist", "purpose", "terms")
    events = earlier["events"]
    return (
        all(receipt.get(member) == earlier.get(member) for member in same)
        and receipt["events"][: len(events)] == events
    )


def _from_base64url(text: str) -> bytes:
    return b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of two members of one name, readers would take either."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is there twice")
    return members


def _no_constants(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")
