"""Someone who uses the API over a service that dies: every command until it is answered."""

import asyncio
import contextlib
import time
import uuid
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import jwt
from aiohttp import ClientError, ClientSession, ClientTimeout, WSMsgType

from tests.control.killing.process import IDENTITY, SECRET

AGAIN_AFTER_S = 0.02
LOOK_EVERY_S = 0.05
TOLD_WITHIN_S = 10.0
CLOSED = ("declined", "cancelled", "expired", "ended")
TIMEOUT = ClientTimeout(total=5)


@dataclass(frozen=True)
class Sent:
    """A command that was answered."""

    method: str
    path: str
    body: Any
    key: str
    status: int
    text: str


class Person:
    """A client or specialist, with one page that follows the events."""

    def __init__(self, http: ClientSession, base: str, user_id: str, role: str) -> None:
        self.user_id = user_id
        self._http = http
        self._base = base
        claims = {
            "iss": IDENTITY.issuer,
            "aud": IDENTITY.audience,
            "sub": user_id,
            "name": user_id,
            "role": role,
            "exp": time.time() + 86_400,
        }
        self._token = jwt.encode(claims, SECRET, "HS256")
        # Every command that was answered with success, for comparison later.
        self.answered: list[Sent] = []
        # What its page was told, by consultation.
        self.told: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.resumed = 0

    async def command(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Send it under one key until it is answered."""
        # No credential is kept for a key.
        key = "" if path.endswith("/join-tokens") else uuid.uuid4().hex
        while True:
            status, text, _ = await self.send(method, path, body, key)
            if status < 300 and key:
                self.answered.append(Sent(method, path, body, key, status, text))
            # 503: the service says so itself. 409 in-use: the first one is under way still.
            if status != 503 and "idempotency-key-in-use" not in text:
                return status, text
            await asyncio.sleep(AGAIN_AFTER_S)

    async def send(self, method: str, path: str, body: Any, key: str) -> tuple[int, str, bool]:
        """Status, text, and whether it is an answer given before; again until it is answered."""
        headers = {"Authorization": f"Bearer {self._token}"}
        if key:
            headers["Idempotency-Key"] = key
        while True:
            try:
                async with self._http.request(
                    method, f"{self._base}{path}", json=body, headers=headers, timeout=TIMEOUT
                ) as answer:
                    text = await answer.text()
                    return answer.status, text, "Idempotency-Replayed" in answer.headers
            except (ClientError, TimeoutError, OSError):
                await asyncio.sleep(AGAIN_AFTER_S)

    async def get(self, path: str) -> Any:
        """What is there."""
        headers = {"Authorization": f"Bearer {self._token}"}
        while True:
            try:
                async with self._http.get(
                    f"{self._base}{path}", headers=headers, timeout=TIMEOUT
                ) as answer:
                    assert answer.status == 200, await answer.text()
                    return await answer.json()
            except (ClientError, TimeoutError, OSError):
                await asyncio.sleep(AGAIN_AFTER_S)

    async def sees_closed(self, path: str) -> None:
        """Wait until nothing can happen to a consultation by itself any more."""
        while True:
            if (await self.get(path))["state"] in CLOSED:
                return
            await asyncio.sleep(LOOK_EVERY_S)

    async def is_told(self, consultation_id: str, count: int) -> None:
        """Wait until the page has so many events of a consultation, or for long enough."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TOLD_WITHIN_S):
                while True:
                    if len(self.told[consultation_id]) >= count:
                        return
                    await asyncio.sleep(LOOK_EVERY_S)

    async def follow(self) -> None:
        """The page: it comes back by itself, and says what it saw last. Until cancelled."""
        while True:
            try:
                async with self._http.ws_connect(f"{self._base}/events") as socket:
                    newest = dict(list(self.told.items())[-40:])
                    seen = {name: events[-1]["seq"] for name, events in newest.items()}
                    await socket.send_json(
                        {"type": "authenticate", "token": self._token, "seen": seen}
                    )
                    async for message in socket:
                        if message.type is WSMsgType.TEXT:
                            self._hear(message.json())
            # AssertionError: aiohttp's word for a line that was cut right after the handshake.
            except (ClientError, TimeoutError, OSError, AssertionError):
                pass
            self.resumed += 1
            await asyncio.sleep(AGAIN_AFTER_S)

    def _hear(self, message: dict[str, Any]) -> None:
        if message["type"] == "event":
            event = message["event"]
            self.told[event["consultation_id"]].append(event)
