"""A platform's receiver of webhooks: a real HTTP server on loopback."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


@dataclass(frozen=True)
class Received:
    """One request. ``headers`` and ``body`` are as they came."""

    headers: dict[str, str]
    body: str

    @property
    def id(self) -> str:
        """Its webhook-id."""
        return self.headers["webhook-id"]

    @property
    def content(self) -> dict[str, Any]:
        """The body's JSON."""
        content = json.loads(self.body)
        assert isinstance(content, dict)
        return content


class Receiver:
    """Keeps what it gets, and answers as the test wants."""

    def __init__(self, server: TestServer) -> None:
        self._server = server
        self.received: list[Received] = []
        # The answers to come, by what the body holds; 204 when there is none.
        self.status: dict[str, int] = {}
        self.headers: dict[str, str] = {}
        # Requests whose body holds one of these are not answered.
        self.silent_to: set[str] = set()
        self.arrived = asyncio.Event()
        self.closing = asyncio.Event()

    @property
    def url(self) -> str:
        """Where it listens."""
        return str(self._server.make_url("/hook?from=rodrun"))

    @property
    def port(self) -> int:
        """Its TCP port."""
        assert self._server.port is not None
        return self._server.port

    @property
    def ids(self) -> list[str]:
        """What came, in its order."""
        return [each.id for each in self.received]

    async def take(self, request: web.Request) -> web.StreamResponse:
        """A webhook comes."""
        body = await request.text()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.received.append(Received(headers, body))
        self.arrived.set()
        if any(part in body for part in self.silent_to):
            await self.closing.wait()
        status = next((code for part, code in self.status.items() if part in body), 204)
        return web.Response(status=status, headers=self.headers)


@asynccontextmanager
async def receiving(port: int | None = None) -> AsyncIterator[Receiver]:
    """A receiver; on this port, if one is given."""
    app = web.Application()
    server = TestServer(app, port=port)
    receiver = Receiver(server)
    app.router.add_post("/hook", receiver.take)
    await server.start_server(shutdown_timeout=0.0)
    try:
        yield receiver
    finally:
        receiver.closing.set()
        await server.close()
