"""The tests' own instruments: a measure that cannot fail would prove nothing."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.browser import accessibility, media
from tests.browser.browser import PHONE, Browser, BrowserError, Page
from tests.browser.network import CHROMIUM_HOST, FIREFOX_HOST, SERVER_ADDRESS, Namespace, Network

HERE = Path(__file__).parent


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def loopback_page(browser: Browser, url: str) -> Iterator[Page]:
    user = browser.new_user()
    page = user.new_page([media.PROBE])
    assert page.goto(url) == 200
    yield page
    user.close()


@pytest.fixture(scope="module")
def local_url() -> Iterator[str]:
    handler = partial(_Quiet, directory=str(HERE))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/loopback.html"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def network_url(network: Network) -> Iterator[str]:
    command = [sys.executable, "-u", "-m", "http.server", "--bind", SERVER_ADDRESS, "8000"]
    with subprocess.Popen(
        [*network.server.enter, *command, "--directory", str(HERE)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as server:
        assert server.stdout is not None
        server.stdout.readline()
        yield f"http://{SERVER_ADDRESS}:8000/loopback.html"
        server.terminate()


def check_probe(page: Page) -> None:
    media.wait_for_media(page)
    before = media.negotiation(page)
    assert media.faults_between(2.0, page=page) == []
    assert media.negotiation(page) == before
    page.click("stop")
    media.faults_between(1.0, page=page)  # what was under way is played to its end
    faults = media.faults_between(1.5, page=page)
    assert any("frames/s decoded" in fault for fault in faults), faults
    assert any("no new picture" in fault for fault in faults), faults
    assert any("silence" in fault for fault in faults), faults
    assert media.negotiation(page) != before
    assert page.uncaught == []


def test_probe_tells_media_from_stillness_in_chromium(
    local_chromium: Browser, local_url: str
) -> None:
    with loopback_page(local_chromium, local_url) as page:
        check_probe(page)


def test_probe_tells_media_from_stillness_in_firefox(
    far_firefox: Browser, network_url: str
) -> None:
    with loopback_page(far_firefox, network_url) as page:
        check_probe(page)


def test_page_is_driven_by_mouse_and_keyboard(local_chromium: Browser, local_url: str) -> None:
    with loopback_page(local_chromium, local_url) as page:
        page.fill("words", "Преглед")
        page.click("words")
        page.press("End")
        page.type(" на сърце")
        value = page.evaluate("() => document.querySelector('[data-testid=words]').value")
        assert value == "Преглед на сърце"
        with pytest.raises(BrowserError, match="timed out"):
            page.wait_visible("absent", timeout_s=0.3)


def test_uncaught_exceptions_of_a_page_are_seen(local_chromium: Browser, local_url: str) -> None:
    with loopback_page(local_chromium, local_url) as page:
        page.evaluate("() => { setTimeout(() => { throw new Error('boom'); }, 0); }")
        page.evaluate("() => new Promise((resolve) => setTimeout(resolve, 100))")
        assert len(page.uncaught) == 1
        assert "boom" in page.uncaught[0]


def test_a_screen_that_not_everybody_can_use_is_told(
    local_chromium: Browser, local_url: str
) -> None:
    with loopback_page(local_chromium, local_url) as page:
        page.set_size(PHONE)
        before = set(accessibility.violations(page))
        assert page.evaluate(accessibility.TOO_WIDE) == []
        page.evaluate(
            """() => {
              const picture = document.createElement("img");
              picture.width = 2000;
              document.body.append(picture);
            }"""
        )
        found = set(accessibility.violations(page)) - before
        assert any(each.startswith("image-alt") for each in found)
        assert page.evaluate(accessibility.TOO_WIDE) != []


HEAR_ONE = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
    ear.bind(("", 8001))
    ear.settimeout(1)
    print("listening", flush=True)
    try:
        ear.recv(100)
    except TimeoutError:
        sys.exit(1)
"""
SAY = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mouth:
    for _ in range(3):
        mouth.sendto(b"hello", (sys.argv[1], 8001))
"""


@pytest.mark.parametrize("host", [CHROMIUM_HOST, FIREFOX_HOST])
def test_pulled_out_machine_is_cut_off_both_ways(network: Network, host: str) -> None:
    def hears(listener: Namespace, speaker: Namespace, address: str) -> bool:
        with subprocess.Popen(
            [*listener.enter, sys.executable, "-c", HEAR_ONE], stdout=subprocess.PIPE
        ) as ear:
            assert ear.stdout is not None
            ear.stdout.readline()
            subprocess.run([*speaker.enter, sys.executable, "-c", SAY, address], check=True)
            return ear.wait() == 0

    machine = network.host(host)

    def ways() -> tuple[bool, bool]:
        return (
            hears(network.server, machine, SERVER_ADDRESS),
            hears(machine, network.server, network.address(host)),
        )

    assert ways() == (True, True)
    network.pull_out(host)
    assert ways() == (False, False)
    network.plug_in(host)
    assert ways() == (True, True)
