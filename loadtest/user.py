"""One synthetic user with an open page: commands, and what the events say of a consultation."""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import aiohttp

from loadtest.api import Api, Refused


class Told(NamedTuple):
    """A snapshot, and when it was told (monotonic and Unix seconds of this machine)."""

    snapshot: dict[str, Any]
    at: float
    at_wall: float


class User:
    """A signed-in client or specialist. ``open_page`` first: a specialist is online by it."""

    def __init__(self, api: Api, minted: dict[str, Any]) -> None:
        self.id = str(minted["id"])
        self.told: Told | None = None
        self.is_lost = False
        self._api = api
        self._token = str(minted["access_token"])
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._reader: asyncio.Task[None] | None = None
        self._news = asyncio.Event()

    async def call(self, operation: str, method: str, path: str, body: Any = None) -> Any:
        """A request of this user; see ``Api.call``."""
        return await self._api.call(operation, method, path, self._token, body)

    async def open_page(self) -> None:
        """Open the event connection; raises Refused."""
        self._socket = await self._api.open_events(self._token)
        self._reader = asyncio.create_task(self._read(self._socket))

    async def close(self) -> None:
        """Close it."""
        if self._socket is not None:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with asyncio.timeout(2.0):
                    await self._socket.close()
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.wait([self._reader])

    async def until(
        self, holds: Callable[[dict[str, Any]], bool], within_s: float, what: str
    ) -> Told:
        """The first snapshot of which ``holds`` is true, from the latest one on.

        Raises:
            Refused: none came in time, or the connection was lost.
        """
        try:
            async with asyncio.timeout(within_s):
                while self.told is None or not holds(self.told.snapshot):
                    if self.is_lost:
                        raise Refused(what, 0, "the event connection was lost")
                    self._news.clear()
                    await self._news.wait()
                return self.told
        except TimeoutError:
            raise Refused(what, 0, f"not in {within_s:g} s") from None

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.TEXT or '"consultation"' not in message.data:
                continue
            content = json.loads(message.data)
            if content.get("type") == "consultation":
                self.told = Told(content["consultation"], time.monotonic(), time.time())
                self._news.set()
        self.is_lost = True
        self._news.set()
