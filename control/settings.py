"""How control is run. The command line makes this from its options."""

import base64
import binascii
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from urllib.parse import urlsplit

from control.consultations.policy import PLATFORM, Policy
from sfu.api import VideoCodec
from turn_config.credentials import TurnServers

PAGE = Path(__file__).parent / "page"

# Standard Webhooks: 24 to 64 bytes.
_SECRET_BYTES = range(24, 65)
_SECRET_PREFIX = "whsec_"

Networks = tuple[IPv4Network | IPv6Network, ...]


@dataclass(frozen=True)
class Rate:
    """``burst`` at once, and ``per_s`` on average."""

    per_s: float
    burst: int

    def __post_init__(self) -> None:
        if self.per_s <= 0 or self.burst < 1:
            raise ValueError("a rate allows one request now and then, at least")


@dataclass(frozen=True)
class Identity:
    """Whose access tokens (JWT) are taken. Exactly one of the last three is set.

    ``secret`` is shared with the platform (HS256, at least 32 bytes); ``jwks_file`` holds its
    public keys (RFC 7517: RS256, ES256 or EdDSA), or they are fetched from ``jwks_url``. Tokens
    carry ``iss``, ``aud``, ``exp``, ``sub`` (the user's id), ``role`` (client, specialist or
    operator) and ``name``.
    """

    issuer: str
    audience: str
    secret: bytes | None = None
    jwks_file: Path | None = None
    jwks_url: str | None = None

    def __post_init__(self) -> None:
        if sum(each is not None for each in (self.secret, self.jwks_file, self.jwks_url)) != 1:
            raise ValueError(
                "give either the shared secret, or the file or the URL of the platform's keys"
            )
        if self.secret is not None and len(self.secret) < 32:
            raise ValueError("the shared secret needs at least 32 bytes (RFC 7518, section 3.2)")
        if self.jwks_url is not None and not _is_safe(self.jwks_url):
            raise ValueError("the platform's keys are fetched over https only")


def _is_safe(url: str) -> bool:
    """What comes from there is what its owner sent: by TLS, or from this very machine."""
    parts = urlsplit(url)
    if parts.scheme == "http":
        return parts.hostname in ("localhost", "127.0.0.1", "::1")
    return parts.scheme == "https" and bool(parts.hostname)


@dataclass(frozen=True)
class WebhookTarget:
    """The platform's receiver.

    ``url`` is HTTPS, and its name leads to public addresses; with ``allow_private`` it may be plain
    HTTP and lead anywhere. ``secrets`` are ``whsec_`` and base64 of 24 to 64 bytes each; every
    message is signed with all of them, so one can be replaced while messages are under way.

    Raises:
        ValueError: when one of these cannot be used.
    """

    url: str
    secrets: tuple[str, ...]
    allow_private: bool = False

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        schemes = ("https", "http") if self.allow_private else ("https",)
        if parts.scheme not in schemes or not parts.hostname:
            raise ValueError(f"the webhook's URL must begin with {' or '.join(schemes)}://")
        if parts.username is not None or parts.password is not None or parts.fragment:
            raise ValueError("the webhook's URL may have no user, password or fragment")
        if not self.secrets:
            raise ValueError("webhooks need a secret to be signed with")
        for secret in self.secrets:
            _check_secret(secret)


def _check_secret(secret: str) -> None:
    try:
        content = base64.b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True)
    except binascii.Error:
        content = b""
    if not secret.startswith(_SECRET_PREFIX) or len(content) not in _SECRET_BYTES:
        raise ValueError(
            f"a webhook secret is {_SECRET_PREFIX} and base64 of 24 to 64 random bytes, "
            f'as from: echo "{_SECRET_PREFIX}$(openssl rand -base64 32)"'
        )


@dataclass(frozen=True)
class Settings:
    """Everything that control needs to be told."""

    # Holds control's own secret, made at the first start.
    data_dir: Path
    # Accounts that anyone can sign in to; replaces `identity`.
    demo: bool = False
    identity: Identity | None = None
    # Other sites whose pages may use the API and the events ("https://example.com").
    allowed_origins: tuple[str, ...] = ()
    # Those in front of us, who say in X-Forwarded-For whom they speak for.
    trusted_proxies: Networks = ()
    # Requests to the API. Whoever is behind an address may be many: a company, a whole provider.
    user_rate: Rate = field(default=Rate(per_s=10, burst=100))
    address_rate: Rate = field(default=Rate(per_s=100, burst=1000))
    # All synthetic users together: a load test is one, whatever it plays.
    synthetic_rate: Rate = field(default=Rate(per_s=500, burst=2000))
    # Probes of a user's network: each loads the node for some seconds like a call.
    probe_rate: Rate = field(default=Rate(per_s=0.1, burst=10))
    # Who hears of what happens; None: nobody.
    webhook: WebhookTarget | None = None
    # Ways to the node for those whose network lets no UDP through; None: there is no other.
    turn: TurnServers | None = None
    # What new rooms are opened with.
    video_codec: VideoCodec = VideoCodec.VP8
    max_video_bps: int = 2_500_000
    policy: Policy = field(default=PLATFORM)
    # The reference page.
    page_dir: Path = PAGE

    def __post_init__(self) -> None:
        if self.demo == (self.identity is not None):
            raise ValueError(
                "say who may sign in: either the demo accounts or the platform's tokens"
            )
