"""One attempt to bring a webhook to its target, over real sockets."""

import asyncio
import base64
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from control.adapters.webhooks import sender
from control.adapters.webhooks.sender import Outcome, WebhookSender
from control.settings import WebhookTarget
from tests.control.adapters.webhooks.receiver import SECRET, Receiver, receiving

OTHER_SECRET = "whsec_" + base64.b64encode(b"another secret of 32 random bytes"[:32]).decode()
BODY = '{"type":"consultation.ended","data":{"purpose":"Резултати"}}'

Send = Callable[[WebhookTarget], Awaitable[Outcome]]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver that takes everything."""
    async with receiving() as made:
        yield made


@pytest.fixture
async def send() -> AsyncIterator[Send]:
    """One attempt at a target."""
    senders: list[WebhookSender] = []

    async def attempt(at: WebhookTarget) -> Outcome:
        senders.append(WebhookSender(at))
        return await senders[-1].attempt("c1.7", BODY, time.time())

    yield attempt
    for each in senders:
        await each.close()


def allowed(url: str, *secrets: str) -> WebhookTarget:
    return WebhookTarget(url, secrets or (SECRET,), allow_private=True)


async def test_signed_as_the_standards_own_library_verifies(receiver: Receiver, send: Send) -> None:
    assert await send(allowed(receiver.url)) == Outcome()
    (received,) = receiver.received
    assert Webhook(SECRET).verify(received.body, received.headers) == received.content
    assert received.body == BODY
    assert received.id == "c1.7"
    assert received.headers["content-type"] == "application/json"
    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER_SECRET).verify(received.body, received.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(received.body + " ", received.headers)


async def test_during_a_change_of_secrets_either_verifies(receiver: Receiver, send: Send) -> None:
    await send(allowed(receiver.url, SECRET, OTHER_SECRET))
    (received,) = receiver.received
    for secret in (SECRET, OTHER_SECRET):
        Webhook(secret).verify(received.body, received.headers)


@pytest.mark.parametrize("status", [301, 400, 404, 410, 500, 503])
async def test_anything_but_success_is_a_failure(
    receiver: Receiver, send: Send, status: int
) -> None:
    receiver.status["ended"] = status
    assert (await send(allowed(receiver.url))).error == f"answered with status {status}"


async def test_redirects_are_not_followed(receiver: Receiver, send: Send) -> None:
    async with receiving() as elsewhere:
        receiver.status["ended"] = 307
        receiver.headers["Location"] = elsewhere.url
        assert (await send(allowed(receiver.url))).error == "answered with status 307"
        assert elsewhere.received == []


async def test_the_receivers_wish_to_be_asked_later(receiver: Receiver, send: Send) -> None:
    receiver.status["ended"] = 429
    receiver.headers["Retry-After"] = "90"
    assert (await send(allowed(receiver.url))).retry_after_s == 90.0
    receiver.headers["Retry-After"] = "Wed, 21 Oct 2026 07:28:00 GMT"
    assert (await send(allowed(receiver.url))).retry_after_s is None


async def test_nobody_there(receiver: Receiver, send: Send) -> None:
    async with receiving() as gone:
        url = gone.url
    outcome = await send(allowed(url))
    assert outcome.error is not None
    assert outcome.error.startswith("cannot connect")


async def test_no_answer(receiver: Receiver, send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "ATTEMPT_WITHIN_S", 0.05)
    receiver.silent_to.add("ended")
    assert "no answer within" in str((await send(allowed(receiver.url))).error)


@asynccontextmanager
async def talking(chunk: bytes, first: bytes = b"") -> AsyncIterator[str]:
    """The URL of a server that answers with ``first``, then for ever with ``chunk``."""
    talks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.add(asyncio.current_task())  # type: ignore[arg-type]  # within a task, there is one
        await reader.readuntil(b"\r\n\r\n")
        writer.write(first)
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(chunk)
                await writer.drain()
                await asyncio.sleep(0)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        await asyncio.wait_for(asyncio.gather(*talks), timeout=5)


@pytest.mark.parametrize(
    ("first", "chunk"),
    [(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), (b"", b"x"), (b"HTTP/1.1 200 OK\r\nx: ", b"x" * 99)],
)
async def test_an_answer_that_never_comes_to_an_end(
    send: Send, monkeypatch: pytest.MonkeyPatch, first: bytes, chunk: bytes
) -> None:
    monkeypatch.setattr(sender, "ATTEMPT_WITHIN_S", 0.1)
    async with talking(chunk, first) as url:
        assert (await send(allowed(url))).error is not None


async def test_a_body_without_end_is_not_read(send: Send) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"
    # It leaves when the attempt closes the connection.
    async with talking(b"x" * 65_536, head) as url:
        assert await send(allowed(url)) == Outcome()


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost", "0.0.0.0"])
async def test_our_own_network_is_not_reached(receiver: Receiver, send: Send, host: str) -> None:
    outcome = await send(WebhookTarget(f"https://{host}:{receiver.port}/hook", (SECRET,)))
    assert outcome.error is not None
    assert "is not a public address" in outcome.error
    assert receiver.received == []


@pytest.mark.parametrize(
    "url",
    [
        "http://platform.example/hook",
        "ftp://platform.example/",
        "platform.example",
        "https:///hook",
        "https://user:password@platform.example/",
        "https://platform.example/#part",
    ],
)
def test_urls_that_are_no_targets(url: str) -> None:
    with pytest.raises(ValueError, match="URL"):
        WebhookTarget(url, (SECRET,))


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", "whsec_c2hvcnQ=", SECRET.removeprefix("whsec_"), "whsec_!!", SECRET * 3],
)
def test_secrets_that_protect_nothing(secret: str) -> None:
    with pytest.raises(ValueError, match="secret"):
        WebhookTarget("https://platform.example/hook", (secret,))


def test_a_target_without_a_secret() -> None:
    with pytest.raises(ValueError, match="secret"):
        WebhookTarget("https://platform.example/hook", ())
