"""A request that nobody answers, and an acceptance that nobody comes to."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.browser.browser import Browser
from tests.browser.gallery import Gallery
from tests.browser.people import Pair
from tests.browser.server import Server, free_ports

# The least that an operator can set.
WITHIN_S = 10


@pytest.fixture(scope="module")
def hasty_server(local_chromium: Browser, logs: Path) -> Iterator[Server]:
    """A server that waits seconds where the platform waits minutes."""
    http_port, udp_port = free_ports()
    server = Server(
        *("127.0.0.1", http_port, udp_port, logs / "hasty-server"),
        environment={
            "RODRUN_ACCEPT_WITHIN_S": str(WITHIN_S),
            "RODRUN_START_WITHIN_S": str(WITHIN_S),
        },
    )
    try:
        server.wait_ready(local_chromium)
        yield server
    finally:
        server.stop()


@pytest.fixture
def hasty_pair(hasty_server: Server, local_chromium: Browser) -> Iterator[Pair]:
    """A client and a specialist there, both at home."""
    with ExitStack() as stack:
        pair = Pair(hasty_server.url, local_chromium, local_chromium)
        stack.callback(pair.close)
        pair.sign_in()
        yield pair


def test_request_without_an_answer_expires(hasty_pair: Pair, module_gallery: Gallery) -> None:
    client, specialist = hasty_pair.people
    client.ask(hasty_pair.specialist_id)
    specialist.wait_screen("incoming")
    asked = hasty_pair.consultation()
    assert asked["accept_by"] - asked["requested_at"] == pytest.approx(WITHIN_S)

    specialist.wait_notice("notice", "request-expired", timeout_s=WITHIN_S + 2)
    module_gallery.take(specialist.page, "request-expired")
    client.wait_screen("outcome")
    assert f"в рамките на {WITHIN_S} с." in client.page.evaluate("() => document.body.innerText")
    module_gallery.take(client.page, "expired")
    assert hasty_pair.consultation()["state"] == "expired"
    specialist.wait_screen("home")
    client.page.click("outcome-home")
    client.wait_screen("home")
    client.wait_can_ask(hasty_pair.specialist_id)


def test_consultation_that_the_client_never_joins_does_not_start(
    hasty_pair: Pair, module_gallery: Gallery
) -> None:
    client, specialist = hasty_pair.people
    client.ask(hasty_pair.specialist_id)
    specialist.wait_screen("incoming")
    client.page.goto("about:blank")
    specialist.accept()
    specialist.wait_notice("call-notice", "partner-expected")
    accepted = hasty_pair.consultation()
    assert accepted["state"] == "accepted"
    assert accepted["start_by"] - accepted["accepted_at"] == pytest.approx(WITHIN_S)

    specialist.wait_screen("finish", timeout_s=WITHIN_S + 2)
    assert specialist.data("finish-reason", "reason") == "did_not_start"
    assert f"в рамките на {WITHIN_S} с." in specialist.page.text("finish-reason")
    module_gallery.take(specialist.page, "did-not-start")
    ended = hasty_pair.consultation()
    assert ended["end"]["reason"] == "did_not_start"
    assert ended["started_at"] is None
    assert 0 <= ended["ended_at"] - accepted["start_by"] < 1

    # Back too late, the client is told the same and rates nothing.
    client.page.goto(client.address)
    client.wait_screen("finish")
    assert client.data("finish-reason", "reason") == "did_not_start"
    assert not client.page.is_visible("rating-specialist")
