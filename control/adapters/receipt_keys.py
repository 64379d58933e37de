"""The keys that sign receipts: one signs, and the earlier ones stay published."""

import json
import os
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from jwt.algorithms import OKPAlgorithm
from jwt.exceptions import InvalidKeyError

FILE = "receipt-keys.json"

Jwk = dict[str, Any]


class ReceiptKeys:
    """A JWKS file (RFC 7517, RFC 8037) in the data folder, readable by its owner only.

    Its first key signs and is there with its private half; of those before it only the public
    halves are kept, so that old receipts can be verified for ever.
    """

    def __init__(self, private: Ed25519PrivateKey, earlier: Mapping[str, Ed25519PublicKey]) -> None:
        self._private = private
        self.key_id = key_id(private.public_key())
        self.public = {self.key_id: private.public_key(), **earlier}

    @classmethod
    def open(cls, data_dir: Path) -> Self:
        """The keys in ``data_dir``; the first is made there at the first call.

        Raises:
            ValueError: when the file is damaged.
        """
        path = data_dir / FILE
        data_dir.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            made = cls(Ed25519PrivateKey.generate(), {})
            written = _write_beside(path, made)
            try:
                # Fails where another process was first; its key stands then.
                os.link(written, path)
            except FileExistsError:
                pass
            finally:
                written.unlink()
            _sync_folder(data_dir)
        return cls._read(path)

    @classmethod
    def rotate(cls, data_dir: Path) -> Self:
        """Put a new key before those in ``data_dir``; a running control signs with it when it is
        started anew.

        Raises:
            ValueError: when the file is damaged.
        """
        path = data_dir / FILE
        rotated = cls(Ed25519PrivateKey.generate(), cls.open(data_dir).public)
        _write_beside(path, rotated).replace(path)
        _sync_folder(data_dir)
        return rotated

    @classmethod
    def _read(cls, path: Path) -> Self:
        try:
            first, *others = json.loads(path.read_text())["keys"]
            private = OKPAlgorithm.from_jwk(first)
            if not isinstance(private, Ed25519PrivateKey):
                raise ValueError("the first key cannot sign")
            keys = cls(private, public_keys({"keys": others}))
            if keys.key_id != first["kid"]:
                raise ValueError("the first key is not the one that its kid names")
            return keys
        except (ValueError, KeyError, TypeError, AttributeError, InvalidKeyError) as error:
            raise ValueError(
                f"{path} is damaged ({error}): put it back from a backup; without it receipts "
                "that were given cannot be verified"
            ) from error

    def sign(self, content: bytes) -> bytes:
        """The Ed25519 signature (RFC 8032), 64 bytes."""
        return self._private.sign(content)

    def published(self) -> dict[str, list[Jwk]]:
        """The public keys as a JWKS, the one that signs first."""
        return {"keys": [_jwk(key) for key in self.public.values()]}


def key_id(key: Ed25519PublicKey) -> str:
    """The thumbprint of the key (RFC 7638 with SHA-256, base64url): nobody has to number keys."""
    jwk = OKPAlgorithm.to_jwk(key, as_dict=True)
    required = {member: jwk[member] for member in ("crv", "kty", "x")}
    return urlsafe_b64encode(sha256(rfc8785.dumps(required)).digest()).rstrip(b"=").decode()


def public_keys(jwks: Any) -> dict[str, Ed25519PublicKey]:
    """The Ed25519 keys of a JWKS by their ``kid``; others are passed over.

    Raises:
        ValueError: when it is no JWKS, or a key of it is malformed.
    """
    if not isinstance(jwks, dict) or not isinstance(jwks.get("keys"), list):
        raise ValueError('this is no JWKS: it has no list "keys"')
    keys = {}
    for jwk in jwks["keys"]:
        if not isinstance(jwk, dict) or jwk.get("kty") != "OKP" or jwk.get("crv") != "Ed25519":
            continue
        public = {member: jwk.get(member) for member in ("kty", "crv", "x")}
        try:
            key = OKPAlgorithm.from_jwk(public)
        except (InvalidKeyError, TypeError) as error:
            raise ValueError(f"key {jwk.get('kid')} is malformed: {error}") from error
        if isinstance(key, Ed25519PublicKey):
            keys[str(jwk.get("kid") or key_id(key))] = key
    return keys


def _jwk(key: Ed25519PublicKey) -> Jwk:
    return {
        **OKPAlgorithm.to_jwk(key, as_dict=True),
        "kid": key_id(key),
        "use": "sig",
        "alg": "EdDSA",
    }


def _write_beside(path: Path, keys: ReceiptKeys) -> Path:
    """Write the file under another name; a crash in the middle leaves the old one whole."""
    first, *others = keys.published()["keys"]
    private = OKPAlgorithm.to_jwk(keys._private, as_dict=True)
    text = json.dumps({"keys": [{**first, **private}, *others]}, indent=2)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    return beside


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
