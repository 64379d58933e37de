"""The people who use control over HTTP: tokens of the platform, requests, open pages."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import jwt

from control.settings import Identity

_SECRET = b"the platform of the benchmarks signs with this"
_ISSUER = "https://platform.example"
_AUDIENCE = "rodrun"
_VALID_S = 3600.0


class CommandFailed(Exception):
    """Control refused what it should have done."""


def identity() -> Identity:
    """Whose tokens control takes."""
    return Identity(_ISSUER, _AUDIENCE, secret=_SECRET)


def token(user_id: str, role: str) -> str:
    """The platform's token for one of its users."""
    claims = {
        "iss": _ISSUER,
        "aud": _AUDIENCE,
        "sub": user_id,
        "name": f"Person {user_id}",
        "role": role,
        "exp": time.time() + _VALID_S,
    }
    return jwt.encode(claims, _SECRET, "HS256")


@asynccontextmanager
async def http(port: int, source: str = "127.0.0.1") -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the control that listens there; its connections come from ``source``."""
    connector = aiohttp.TCPConnector(limit=0, local_addr=(source, 0))
    async with aiohttp.ClientSession(
        f"http://127.0.0.1:{port}",
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=60),
    ) as session:
        yield session


class Person:
    """A user of the platform."""

    def __init__(self, session: aiohttp.ClientSession, user_id: str, role: str) -> None:
        self.id = user_id
        self._session = session
        self._token = token(user_id, role)
        self._headers = {"Authorization": f"Bearer {self._token}"}

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """A request to the API; its JSON. Raises CommandFailed unless it was carried out."""
        async with self._session.request(
            method, f"/api/v1{path}", json=body, headers=self._headers
        ) as reply:
            text = await reply.text()
            if reply.status >= 300:
                raise CommandFailed(f"{method} {path}: {reply.status} {text}")
        return json.loads(text) if text else None

    async def page(self) -> "Page":
        """An open page: an event connection that was told where things stand."""
        socket = await self._session.ws_connect("/api/v1/events", max_msg_size=0)
        await socket.send_json({"type": "authenticate", "token": self._token})
        return Page(socket)


class Page:
    """Reads what it is told, from its making to its closing."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.ready = asyncio.Event()
        # Type, consultation, at, and when it was read, of every event.
        self.told: list[tuple[str, str, float, float]] = []
        # By consultation, as it was told last: when the session ends, when a silence ends it.
        self.ends_at: dict[str, float | None] = {}
        self.drop_at: dict[str, float | None] = {}
        self._started: dict[str, asyncio.Event] = {}
        self._socket = socket
        self._reading = asyncio.create_task(self._read())

    async def started(self, consultation_id: str) -> None:
        """Wait until it is told that the session began."""
        await self._started.setdefault(consultation_id, asyncio.Event()).wait()
        del self._started[consultation_id]

    def forget(self) -> None:
        """What it was told so far."""
        self.told.clear()
        self.ends_at.clear()
        self.drop_at.clear()

    async def close(self) -> None:
        """Away."""
        self._reading.cancel()
        await self._socket.close()

    @property
    def is_open(self) -> bool:
        """Neither side closed it."""
        return not self._socket.closed and not self._reading.done()

    async def _read(self) -> None:
        async for message in self._socket:
            content = message.json()
            if content["type"] == "event":
                event = content["event"]
                self.told.append(
                    (event["type"], event["consultation_id"], event["at"], time.time())
                )
                if event["type"] == "started":
                    self._started.setdefault(event["consultation_id"], asyncio.Event()).set()
                elif event["type"] == "reconnecting":
                    self.drop_at[event["consultation_id"]] = event["data"]["drop_at"]
            elif content["type"] == "consultation":
                snapshot = content["consultation"]
                self.ends_at[snapshot["id"]] = snapshot["ends_at"]
            elif content["type"] == "ready":
                self.ready.set()
