"""The API as a frontend uses it: sign-in, commands, and how long each took."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import aiohttp
from yarl import URL

TIMEOUT_S = 15.0
MANY_CONNECTIONS = 200
PAIRS_A_REQUEST = 500


class CannotBegin(Exception):
    """The load test cannot run: wrong address, refused credentials; the text says what to do."""


class Refused(Exception):
    """The API answered with a problem, or not at all.

    Attributes:
        operation: what was asked.
        status: of the answer; 0 when there was none.
    """

    def __init__(self, operation: str, status: int, reason: str) -> None:
        super().__init__(f"{operation}: {reason}")
        self.operation = operation
        self.status = status


class Api:
    """A deployment's API under ``url``, and the latency of each answer that it gave.

    Attributes:
        latencies_ms: by operation.
        recent_ms: those since they were last taken.
    """

    def __init__(self, url: str, *, verify_tls: bool = True) -> None:
        parsed = _parsed(url)
        self.url = str(parsed).rstrip("/")
        self.host = parsed.host or ""
        self.port = parsed.port or 80
        self.latencies_ms: dict[str, list[float]] = defaultdict(list)
        self.recent_ms: list[float] = []
        connector = aiohttp.TCPConnector(limit=MANY_CONNECTIONS, ssl=verify_tls)
        self._sockets = aiohttp.TCPConnector(limit=0, ssl=verify_tls)
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout)
        self._socket_session = aiohttp.ClientSession(connector=self._sockets)

    async def close(self) -> None:
        """Let all connections go."""
        await self._session.close()
        await self._socket_session.close()

    async def call(
        self, operation: str, method: str, path: str, token: str = "", body: Any = None
    ) -> Any:
        """One request; the JSON of the answer.

        Raises:
            Refused: an answer of 400 or more, or none.
        """
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        began = time.monotonic()
        try:
            async with self._session.request(
                method, f"{self.url}/api/v1{path}", json=body, headers=headers
            ) as reply:
                content = await _json(reply)
                status = reply.status
        except TimeoutError:
            raise Refused(operation, 0, f"no answer in {TIMEOUT_S:g} s") from None
        except aiohttp.ClientError as error:
            raise Refused(operation, 0, str(error) or type(error).__name__) from None
        taken_ms = (time.monotonic() - began) * 1e3
        self.latencies_ms[operation].append(taken_ms)
        self.recent_ms.append(taken_ms)
        if status >= 400:
            raise Refused(operation, status, _problem(content, status))
        return content

    def take_recent(self) -> list[float]:
        """The latencies since this was last asked."""
        recent, self.recent_ms = self.recent_ms, []
        return recent

    async def open_events(self, token: str) -> aiohttp.ClientWebSocketResponse:
        """The event connection of a user, signed in.

        Raises:
            Refused: it is not to be had.
        """
        try:
            async with asyncio.timeout(TIMEOUT_S):
                socket = await self._socket_session.ws_connect(
                    f"{self.url}/api/v1/events",
                    headers={"Authorization": f"Bearer {token}"},
                    compress=0,
                )
                await socket.send_json({"type": "authenticate", "token": token})
                first = await socket.receive()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Refused("events", 0, str(error) or type(error).__name__) from None
        if first.type is not aiohttp.WSMsgType.TEXT or first.json().get("type") != "ready":
            raise Refused("events", 0, f"closed with code {socket.close_code}: {first.extra}")
        return socket

    # Who takes part

    async def operator_token(self) -> str:
        """An operator's token of a demo; raises CannotBegin when this is none."""
        try:
            accounts = await self.call("sign in", "GET", "/demo/accounts")
            account = next(each["account"] for each in accounts if each["role"] == "operator")
            signed_in = await self.call(
                "sign in", "POST", "/demo/sign-in", body={"account": account}
            )
            return str(signed_in["access_token"])
        except Refused as refused:
            if refused.status == 404:
                raise CannotBegin(
                    f"{self.url} is no demo: give an operator's access token with --token, or in"
                    " RODRUN_OPERATOR_TOKEN."
                ) from None
            raise CannotBegin(f"no rodrun answers at {self.url} ({refused}).") from None
        except (StopIteration, KeyError, TypeError):
            raise CannotBegin(f"what answers at {self.url} is no rodrun of this version.") from None

    async def mint(self, operator: str, pairs: int, lifetime_s: int) -> list[dict[str, Any]]:
        """Synthetic users, by pairs; raises CannotBegin when the operator is refused."""
        found: list[dict[str, Any]] = []
        try:
            while len(found) < pairs:
                count = min(PAIRS_A_REQUEST, pairs - len(found))
                body = {"pairs": count, "lifetime_s": max(60, lifetime_s)}
                path = "/operator/synthetic-users"
                found += (await self.call("mint", "POST", path, operator, body))["pairs"]
        except Refused as refused:
            if refused.status in (401, 403):
                raise CannotBegin(f"{self.url} refuses the operator's token ({refused}).") from None
            if refused.status:
                raise CannotBegin(f"{self.url} gives no synthetic users ({refused}).") from None
            raise CannotBegin(f"no rodrun answers at {self.url} ({refused}).") from None
        except (KeyError, TypeError):
            raise CannotBegin(f"what answers at {self.url} is no rodrun of this version.") from None
        return found


def _parsed(url: str) -> URL:
    try:
        parsed = URL(url)
    except ValueError:
        parsed = URL()
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise CannotBegin(f"{url!r} is no URL of a server: http://HOST:PORT or https://HOST.")
    return parsed


async def _json(reply: aiohttp.ClientResponse) -> Any:
    try:
        return await reply.json(content_type=None)
    except ValueError:
        return None


def _problem(content: Any, status: int) -> str:
    if isinstance(content, Mapping) and "code" in content:
        return f"{status} {content['code']}"
    return str(status)
