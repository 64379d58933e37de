"""The public keys that the platform signs access tokens with, by ``kid`` (JWKS, RFC 7517).

They rotate: the platform publishes a new key, signs with it some time later, and takes the old one
away when its last token is over. A token with an unknown ``kid`` makes us look again.
"""

import asyncio
import json
import logging
import math
from pathlib import Path
from typing import Any

import aiohttp
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from control.adapters.errands import Errands
from control.errors import Unavailable

log = logging.getLogger(__name__)

# By type and curve. Fixed, so that neither a token nor a key can choose how it is checked.
ALGORITHMS = {
    ("RSA", None): "RS256",
    ("EC", "P-256"): "ES256",
    ("OKP", "Ed25519"): "EdDSA",
}
MIN_RSA_BITS = 2048  # RFC 7518, section 3.3
# Anyone can send tokens with unknown key ids; the platform must not hear of each.
AGAIN_AFTER_S = 60.0
# A key that was taken away is refused after this at the latest.
FRESH_FOR_S = 3600.0
FETCH_WITHIN_S = 5.0
MAX_BYTES = 256 * 1024


class PlatformKeys:
    """Keeps them. ``now`` is in Unix seconds.

    ``source`` is a file, which must be good at the start, or a URL, which may come later.
    """

    def __init__(self, source: Path | str, errands: Errands) -> None:
        self._source = source
        self._errands = errands
        self._keys = _parsed(source.read_bytes()) if isinstance(source, Path) else {}
        self._tried_at = self._read_at = -math.inf
        self._turn = asyncio.Lock()

    async def key(self, kid: str, now: float) -> jwt.PyJWK:
        """The key of this id. Raises KeyError, and Unavailable as long as none could be read."""
        if kid not in self._keys:
            await self.look_again(now)
        elif self._is_old(now) and self._may_try(now):
            # Good enough for this one; whoever comes later is judged by what is read now.
            self._errands.send(self.look_again(now))
        if not self._keys:
            raise Unavailable("The platform's keys could not be read yet.")
        return self._keys[kid]

    async def look_again(self, now: float) -> None:
        """Read them anew, unless that was tried just now. Failing, what is known stays."""
        async with self._turn:
            if not self._may_try(now):
                return
            self._tried_at = now
            try:
                self._keys = _parsed(await self._read())
            except (OSError, TimeoutError, ValueError, aiohttp.ClientError) as error:
                log.warning(
                    "the platform's keys cannot be read from %s, %d known ones stay: %s",
                    self._source,
                    len(self._keys),
                    error or type(error).__name__,
                )
            else:
                self._read_at = now

    def _is_old(self, now: float) -> bool:
        return not 0 <= now - self._read_at <= FRESH_FOR_S

    def _may_try(self, now: float) -> bool:
        # The clock can be set back.
        return not 0 <= now - self._tried_at < AGAIN_AFTER_S

    async def _read(self) -> bytes:
        if isinstance(self._source, Path):
            return await asyncio.to_thread(self._source.read_bytes)
        timeout = aiohttp.ClientTimeout(total=FETCH_WITHIN_S)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(self._source, allow_redirects=False) as response,
        ):
            if response.status != 200:
                raise ValueError(f"the answer has status {response.status}")
            try:
                await response.content.readexactly(MAX_BYTES + 1)
            except asyncio.IncompleteReadError as whole:
                return whole.partial
            raise ValueError(f"the answer is longer than {MAX_BYTES} bytes")


def _parsed(text: bytes) -> dict[str, jwt.PyJWK]:
    """The keys that we can use; raises ValueError when there are none."""
    try:
        found = json.loads(text)["keys"]
        if not isinstance(found, list):
            raise TypeError("keys is no list")
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError("this is no JWKS") from error
    keys, complaints = {}, []
    for each in found:
        try:
            kid = _kid(each)
            keys[kid] = _key(kid, each)
        except (jwt.PyJWTError, TypeError, ValueError) as error:
            # Others may stand beside ours: for encryption, or of algorithms that we do not take.
            complaints.append(str(error))
    if complaints:
        log.warning("keys of the platform that are of no use here: %s", "; ".join(complaints))
    if not keys:
        raise ValueError("; ".join(["there are no keys that can be used", *complaints]))
    return keys


def _kid(key: Any) -> str:
    if not isinstance(key, dict) or not isinstance(key.get("kid"), str):
        raise ValueError("a key has no kid")
    return str(key["kid"])


def _key(kid: str, key: dict[str, Any]) -> jwt.PyJWK:
    name, kind = f"key {kid!r}", (str(key.get("kty")), key.get("crv"))
    algorithm = ALGORITHMS.get(kind)
    if algorithm is None or key.get("alg", algorithm) != algorithm:
        raise ValueError(f"{name} is of another kind: {kind[0]}, {kind[1]}, {key.get('alg')}")
    if key.get("use", "sig") != "sig":
        raise ValueError(f"{name} is not for signatures")
    if "d" in key:
        raise ValueError(f"{name} is private, and must not be here")
    parsed = jwt.PyJWK(key, algorithm)
    if isinstance(parsed.key, RSAPublicKey) and parsed.key.key_size < MIN_RSA_BITS:
        raise ValueError(f"{name} has only {parsed.key.key_size} bits")
    return parsed
