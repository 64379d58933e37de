"""The WebSocket over which pages hear what happens."""

import asyncio
import json
from contextlib import suppress
from socket import IPPROTO_TCP, TCP_CONGESTION
from typing import Any

from aiohttp import WSMessage, WSMsgType, web

from control.accounts import AccountRole
from control.adapters.people import User
from control.errors import (
    AccountBlocked,
    ControlError,
    NotAuthenticated,
    TooManyRequests,
    Unavailable,
)
from control.web.hub import EventConnection, Message, as_text
from control.web.origins import refuse_other_origins
from control.web.service import SERVICE, Service
from control.web.welcome import read_seen, welcome

# A page has only little to say.
MAX_MESSAGE_BYTES = 4096
MAX_MESSAGES = 20
MAX_MESSAGES_PERIOD_S = 10.0
AUTHENTICATE_WITHIN_S = 5.0
# A page that answers no ping for half of this more is gone.
PING_EVERY_S = 15.0

# Close codes of ours (RFC 6455, section 7.4.2: 4000–4999 are private).
NOT_AUTHENTICATED = 4401
TOKEN_EXPIRED = 4402
ACCOUNT_BLOCKED = 4403
TOO_MANY = 4429
POLICY_VIOLATION = 1008
GOING_AWAY = 1001
TRY_AGAIN_LATER = 1013

# Of <linux/tcp.h>; the socket module does not name it.
TCP_THIN_LINEAR_TIMEOUTS = 16

SOCKETS = web.AppKey("sockets", set[web.WebSocketResponse])


async def events(request: web.Request) -> web.StreamResponse:
    """One page's connection, from its first message to its end."""
    refuse_other_origins(request)
    service = request.app[SERVICE]
    # Not compressed: that costs a few hundred kB a connection, and messages are short.
    socket = web.WebSocketResponse(
        heartbeat=PING_EVERY_S, max_msg_size=MAX_MESSAGE_BYTES, compress=False
    )
    await socket.prepare(request)
    _keep_trying(request)
    sockets = request.app[SOCKETS]
    sockets.add(socket)
    try:
        signed_in = await _authenticate(socket, service)
        if signed_in is not None:
            user, expires_at, seen = signed_in
            await _Page(request, socket, service, user, seen).follow(expires_at)
    finally:
        sockets.discard(socket)
    return socket


def _keep_trying(request: web.Request) -> None:
    """What a crowded downlink loses is sent again at an even pace, not ever more slowly.

    Messages are few and small, so they add nothing to what crowds it, and some are about just that.
    Linux keeps the pace (tcp(7), tcp_thin_linear_timeouts) after a loss that a congestion control
    with a slow-start threshold has seen, as Reno, which each kernel has; BBR has none. What is no
    Linux, or only looks like it, keeps its own pace.
    """
    if request.transport is not None:
        connection = request.transport.get_extra_info("socket")
        with suppress(OSError):
            connection.setsockopt(IPPROTO_TCP, TCP_CONGESTION, b"reno")
            connection.setsockopt(IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, 1)


async def close_all(app: web.Application) -> None:
    """Tell every page that the service stops; they come back by themselves."""
    await asyncio.gather(*(socket.close(code=GOING_AWAY) for socket in app[SOCKETS]))


async def _authenticate(
    socket: web.WebSocketResponse, service: Service
) -> tuple[User, float, dict[str, int] | None] | None:
    try:
        async with asyncio.timeout(AUTHENTICATE_WITHIN_S):
            message = _read(await socket.receive())
        if message.get("type") != "authenticate" or not isinstance(message.get("token"), str):
            raise ValueError("the first message is not a sign-in")
        user, expires_at = await service.sign_in(message["token"])
    except ControlError as error:
        await socket.close(code=_close_code(error), message=error.code.encode())
        return None
    except (ValueError, TimeoutError):
        await socket.close(code=NOT_AUTHENTICATED, message=NotAuthenticated.code.encode())
        return None
    try:
        return user, expires_at, read_seen(message)
    except ValueError as error:
        await socket.close(code=POLICY_VIOLATION, message=str(error).encode())
        return None


def _close_code(error: ControlError) -> int:
    match error:
        case AccountBlocked():
            return ACCOUNT_BLOCKED
        case TooManyRequests():
            return TOO_MANY
        case Unavailable():
            return TRY_AGAIN_LATER
        case _:
            return NOT_AUTHENTICATED


def _read(message: WSMessage) -> dict[str, Any]:
    """A JSON object; raises ValueError for anything else."""
    if message.type is not WSMsgType.TEXT:
        raise ValueError("not a text message")
    try:
        content = json.loads(message.data)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(content, dict):
        raise ValueError("not a JSON object")
    return content


class _Page:
    """An authenticated page."""

    def __init__(
        self,
        request: web.Request,
        socket: web.WebSocketResponse,
        service: Service,
        user: User,
        seen: dict[str, int] | None,
    ) -> None:
        self._request = request
        self._socket = socket
        self._service = service
        self._user = user
        self._seen = seen
        self._connection = EventConnection(user, self._abort, self._shut_out)
        self._heard: list[float] = []
        # How long the page may stay, and the close code when that is over.
        self._stay: asyncio.Timeout | None = None
        self._over = TOKEN_EXPIRED

    async def follow(self, expires_at: float) -> None:
        """Until the page closes, lags, misbehaves, or its token ends."""
        hub = self._service.hub
        if not hub.add(self._connection):
            await self._socket.close(code=TOO_MANY)
            return
        writer: asyncio.Task[None] | None = None
        try:
            async with asyncio.timeout(max(0.0, expires_at - self._service.clock())) as stay:
                self._stay = stay
                told = await welcome(self._service, self._user, self._seen, self._tell)
                self._connection.caught_up(told)
                writer = asyncio.create_task(self._write())
                await self._tell_presence()
                await self._listen()
        except TimeoutError:
            await self._socket.close(code=self._over)
        except Unavailable:
            await self._socket.close(code=TRY_AGAIN_LATER)
        except ConnectionError:
            # It went away while it was told.
            return
        finally:
            hub.remove(self._connection)
            if writer is not None:
                writer.cancel()
            # The page may be gone, and this handler cancelled with it.
            self._service.errands.send(self._tell_presence())

    def _abort(self) -> None:
        # A peer that does not read would not read a close frame either.
        transport = self._request.transport
        if transport is not None:
            transport.abort()

    def _shut_out(self) -> None:
        self._over = ACCOUNT_BLOCKED
        if self._stay is not None and not self._stay.expired():
            self._stay.reschedule(0.0)

    async def _write(self) -> None:
        try:
            while True:
                await self._socket.send_str(await self._connection.next_message())
        except ConnectionError:
            # The reader hears of it too, and ends.
            return

    async def _tell(self, message: Message) -> None:
        await self._socket.send_str(as_text(message))

    async def _listen(self) -> None:
        async for message in self._socket:
            try:
                content = _read(message)
                self._police()
            except ValueError as error:
                await self._socket.close(code=POLICY_VIOLATION, message=str(error).encode())
                return
            if content.get("type") == "camera_ready":
                ready = content.get("ready") is True
                if ready is not self._connection.camera_ready:
                    self._connection.camera_ready = ready
                    await self._tell_presence()

    def _police(self) -> None:
        now = self._service.clock()
        self._heard = [at for at in self._heard if 0 <= now - at < MAX_MESSAGES_PERIOD_S]
        self._heard.append(now)
        if len(self._heard) > MAX_MESSAGES:
            raise ValueError("too many messages")

    async def _tell_presence(self) -> None:
        """Those who added this specialist see them come and go."""
        if self._user.role is AccountRole.SPECIALIST:
            await self._service.presence.tell(self._user.id)
