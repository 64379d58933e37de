"""TURN credentials that expire, of the kind that coturn takes with ``use-auth-secret``.

The user name is ``<end, Unix seconds>:<user>`` and the password its HMAC under a secret that we
share with the TURN server, which so needs no list of users (draft-uberti-behave-turn-rest-00,
section 2.2).
"""

import base64
import hashlib
import hmac
import ipaddress
import math
import re
from dataclasses import dataclass, field

# What a line of turnserver.conf holds as it is: base64 of either alphabet, or hexadecimal.
_SECRET = re.compile(r"[A-Za-z0-9+/_-]{32,256}={0,2}")
# RFC 7065, section 3.1.
_URL = re.compile(
    r"turns?:(?:\[(?P<ipv6>[^\]]*)\]|(?P<name>[A-Za-z0-9.-]{1,253}))"
    r"(?::(?P<port>[0-9]{1,5}))?(?:\?transport=(?:udp|tcp))?"
)
_USER_DIGITS = 24


@dataclass(frozen=True)
class IceServer:
    """What a browser takes as an RTCIceServer."""

    urls: tuple[str, ...]
    username: str
    credential: str


@dataclass(frozen=True)
class TurnServers:
    """TURN servers that share one secret with us: 32 characters of base64 or more.

    Raises:
        ValueError: when there is no URL, one is none of TURN, or the secret cannot be used.
    """

    urls: tuple[str, ...]
    secret: str = field(repr=False)

    def __post_init__(self) -> None:
        if not self.urls:
            raise ValueError("name the TURN server by its URL, like turn:turn.example.com:3478")
        for url in self.urls:
            _check_url(url)
        check_secret(self.secret)

    def credentials(self, user_id: str, now: float, lifetime_s: float) -> IceServer:
        """Credentials of a user, good from now on for so long. ``now`` is in Unix seconds.

        The TURN server, and whoever reads its log, can tell that two are of the same user, by
        which it counts how much that user takes, and not who it is.
        """
        secret = self.secret.encode()
        user = hmac.new(secret, user_id.encode(), hashlib.sha256).hexdigest()[:_USER_DIGITS]
        username = f"{math.ceil(now + lifetime_s)}:{user}"
        password = hmac.new(secret, username.encode(), hashlib.sha1).digest()
        return IceServer(self.urls, username, base64.b64encode(password).decode())


def check_secret(secret: str) -> None:
    """Raise ValueError for a secret that is too short, or that turnserver.conf cannot hold."""
    if not _SECRET.fullmatch(secret):
        raise ValueError(
            "the TURN secret must be 32 to 256 characters of base64, "
            "as from: openssl rand -base64 32"
        )


def _check_url(url: str) -> None:
    parts = _URL.fullmatch(url)
    if parts is None or not 1 <= int(parts["port"] or "1") <= 65535 or not _is_host(parts):
        raise ValueError(
            f"{url!r} is no TURN URL (RFC 7065), like turn:turn.example.com:3478?transport=tcp "
            "or turns:turn.example.com:443"
        )


def _is_host(parts: re.Match[str]) -> bool:
    if parts["name"] is not None:
        return True
    try:
        ipaddress.IPv6Address(parts["ipv6"])
    except ValueError:
        return False
    return True
