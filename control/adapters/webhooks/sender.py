"""One attempt to bring a webhook to its target."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp
from standardwebhooks import Webhook

from control.adapters.webhooks.addresses import public_socket
from control.settings import WebhookTarget

ATTEMPT_WITHIN_S = 10.0
MAX_AT_ONCE = 32


@dataclass(frozen=True)
class Outcome:
    """How an attempt went. ``error`` is None when the receiver took it (any 2xx).

    ``retry_after_s`` is when the receiver wants to be asked again, if it said so.
    """

    error: str | None = None
    retry_after_s: float | None = None


class WebhookSender:
    """Makes single attempts. Never raises for what the network or the receiver does."""

    def __init__(self, target: WebhookTarget) -> None:
        self._url = target.url
        self._signers = [Webhook(secret) for secret in target.secrets]
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=MAX_AT_ONCE,
                socket_factory=None if target.allow_private else public_socket,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            # Neither proxies from the environment nor a netrc file: the address that is checked
            # is the one that is connected to.
            trust_env=False,
            auto_decompress=False,
        )

    async def close(self) -> None:
        """Let go of the connections."""
        await self._session.close()

    async def attempt(self, message_id: str, body: str, now: float) -> Outcome:
        """POST ``body`` once, signed for ``now`` (Unix seconds)."""
        try:
            async with self._session.post(
                self._url,
                data=body.encode(),
                headers=_headers(self._signers, message_id, body, now),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=ATTEMPT_WITHIN_S),
            ) as response:
                # The body is never read: what is not there yet ends with the connection.
                if 200 <= response.status < 300:
                    return Outcome()
                wish = _seconds(response.headers.get("Retry-After", ""))
                return Outcome(f"answered with status {response.status}", wish)
        except TimeoutError:
            return Outcome(f"no answer within {ATTEMPT_WITHIN_S:.0f} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # The text of aiohttp's errors can hold the URL, which is the platform's affair.
            return Outcome(_reason(error))


def _headers(signers: Sequence[Webhook], message_id: str, body: str, now: float) -> dict[str, str]:
    at = datetime.fromtimestamp(int(now), UTC)
    return {
        "Content-Type": "application/json",
        "User-Agent": "rodrun",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now)),
        "webhook-signature": " ".join(signer.sign(message_id, at, body) for signer in signers),
    }


def _seconds(retry_after: str) -> float | None:
    """Retry-After in seconds (RFC 9110, section 10.2.3); a date is not worth a clock comparison."""
    return float(retry_after) if retry_after.isascii() and retry_after.isdigit() else None


def _reason(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorError):
        cause = error.os_error
        return f"cannot connect: {cause.strerror or cause}"
    return f"failed: {type(error).__name__}"
