"""Browsers, the network between them and the servers under test, shared by the browser tests.

Two arrangements: *local* is ``make run`` with two users in one Chromium over 127.0.0.1; *far* is a
server with its own certificate and, on machines of their own, a Chromium and a Firefox.
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.browser.browser import Browser, BrowserError, Kind
from tests.browser.gallery import Gallery
from tests.browser.network import CHROMIUM_HOST, FIREFOX_HOST, SERVER_ADDRESS, Network
from tests.browser.people import Pair
from tests.browser.server import Server, free_ports


@pytest.fixture(scope="package")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of everything that browsers and servers said."""
    return tmp_path_factory.mktemp("browser-tests")


@pytest.fixture(scope="package")
def network() -> Iterator[Network]:
    """A server machine and two joined to it."""
    with Network() as network:
        network.join(CHROMIUM_HOST)
        network.join(FIREFOX_HOST)
        yield network


@pytest.fixture(scope="package")
def local_chromium(logs: Path) -> Iterator[Browser]:
    """Chromium on this machine."""
    browser = Browser(Kind.CHROMIUM, logs / "local-chromium.log", logs / "local-home")
    yield browser
    browser.close()


@pytest.fixture(scope="package")
def near_chromium(network: Network, logs: Path) -> Iterator[Browser]:
    """Chromium on a machine of its own."""
    enter = network.host(CHROMIUM_HOST).enter
    browser = Browser(Kind.CHROMIUM, logs / "chromium.log", logs / "chromium-home", enter)
    yield browser
    browser.close()


@pytest.fixture(scope="package")
def far_firefox(network: Network, logs: Path) -> Iterator[Browser]:
    """Firefox on a machine of its own."""
    enter = network.host(FIREFOX_HOST).enter
    browser = Browser(Kind.FIREFOX, logs / "firefox.log", logs / "firefox-home", enter)
    yield browser
    browser.close()


@pytest.fixture(scope="package")
def local_server(local_chromium: Browser, logs: Path) -> Iterator[Server]:
    """The server as ``make run`` starts it."""
    http_port, udp_port = free_ports()
    server = Server("127.0.0.1", http_port, udp_port, logs / "local-server")
    try:
        server.wait_ready(local_chromium)
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="package")
def far_server(network: Network, near_chromium: Browser, logs: Path) -> Iterator[Server]:
    """The server on a machine of its own, with its own certificate."""
    server = Server(
        *(SERVER_ADDRESS, 8443, 7878, logs / "far-server"),
        udp_host="::",
        options=("--tls", "auto"),
        enter=network.server.enter,
    )
    try:
        server.wait_ready(near_chromium)
        yield server
    finally:
        server.stop()


@contextmanager
def meeting(
    server: Server, client: Browser, specialist: Browser, picture: str | None = None
) -> Iterator[Pair]:
    """A client and a specialist for one test."""
    pair = Pair(server.url, client, specialist, **({"picture": picture} if picture else {}))
    try:
        yield pair
    finally:
        pair.close()


@pytest.fixture
def local_pair(local_server: Server, local_chromium: Browser) -> Iterator[Pair]:
    """Two users in one Chromium."""
    with meeting(local_server, local_chromium, local_chromium) as pair:
        yield pair


@pytest.fixture
def large_pair(local_server: Server, local_chromium: Browser) -> Iterator[Pair]:
    """The same with pictures that could use some megabits."""
    with meeting(local_server, local_chromium, local_chromium, "640x480@20") as pair:
        yield pair


@pytest.fixture
def mixed_pair(far_server: Server, near_chromium: Browser, far_firefox: Browser) -> Iterator[Pair]:
    """A client in Chromium and a specialist in Firefox."""
    with meeting(far_server, near_chromium, far_firefox) as pair:
        yield pair


PAIRS = ["local_pair", "mixed_pair"]
PAIR_NAMES = ["chromium-chromium", "chromium-firefox"]


@pytest.fixture(params=PAIRS, ids=PAIR_NAMES)
def pair(request: pytest.FixtureRequest) -> Pair:
    """A client and a specialist in each pair of browsers in turn."""
    found: Pair = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def calling_pair(pair: Pair) -> Pair:
    """The two of them in a call."""
    pair.sign_in()
    pair.start_call()
    return pair


@pytest.fixture(params=[CHROMIUM_HOST, FIREFOX_HOST])
def lost_host(request: pytest.FixtureRequest) -> str:
    """The machine of a specialist whose network will fail."""
    host: str = request.param
    return host


@pytest.fixture
def lost_pair(
    lost_host: str, far_server: Server, near_chromium: Browser, far_firefox: Browser
) -> Iterator[Pair]:
    """A specialist on that machine and a client on the other."""
    client, specialist = far_firefox, near_chromium
    if lost_host == FIREFOX_HOST:
        client, specialist = specialist, client
    with meeting(far_server, client, specialist) as pair:
        yield pair


@pytest.fixture
def gallery(request: pytest.FixtureRequest) -> Gallery:
    """The pictures of this pair of browsers."""
    return Gallery(request.node.callspec.id)


@pytest.fixture(scope="module")
def module_gallery(request: pytest.FixtureRequest) -> Gallery:
    """The pictures that the tests of one module take, in a folder named after it."""
    return Gallery(request.path.stem.removeprefix("test_").replace("_", "-"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Under a test that failed, show what its pages and its servers said, and the pages."""
    report = yield
    if report.failed:
        for name, value in getattr(item, "funcargs", {}).items():
            for title, text in _words(name, value):
                report.sections.append((title, text))
    return report


def _words(name: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, Server):
        yield f"log of {name}", "\n".join(value.log.splitlines()[-60:])
    if isinstance(value, Browser):
        for page in value.pages[-6:]:
            if page.console:
                yield f"console of {name} {page.number}", "\n".join(page.console[-30:])
    if isinstance(value, Pair):
        for person in value.people:
            try:
                shown = person.describe()
            except BrowserError as error:
                shown = str(error)
            yield f"page of {person.account} in {person.browser.kind}", shown
