"""Browsers, the network between them and the server under test, shared by the browser tests."""

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.browser.browser import Browser, Kind
from tests.browser.network import Network


@pytest.fixture(scope="package")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of everything that browsers and servers said."""
    return tmp_path_factory.mktemp("browser-tests")


@pytest.fixture(scope="package")
def network() -> Iterator[Network]:
    """A server machine and, joined to it, a client's and a specialist's."""
    with Network() as network:
        network.join("client")
        network.join("specialist")
        yield network


@pytest.fixture(scope="package")
def local_chromium(logs: Path) -> Iterator[Browser]:
    """Chromium on this machine."""
    browser = Browser(Kind.CHROMIUM, logs / "local-chromium.log", logs / "local-home")
    yield browser
    browser.close()


@pytest.fixture(scope="package")
def far_firefox(network: Network, logs: Path) -> Iterator[Browser]:
    """Firefox on the specialist's machine."""
    browser = Browser(
        Kind.FIREFOX,
        logs / "far-firefox.log",
        logs / "far-firefox-home",
        enter=network.host("specialist").enter,
    )
    yield browser
    browser.close()


@pytest.fixture(scope="package")
def near_chromium(network: Network, logs: Path) -> Iterator[Browser]:
    """Chromium on the client's machine."""
    browser = Browser(
        Kind.CHROMIUM,
        logs / "near-chromium.log",
        logs / "near-chromium-home",
        enter=network.host("client").enter,
    )
    yield browser
    browser.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the pages wrote to their consoles under a test that failed."""
    report = yield
    if report.failed:
        for name, value in getattr(item, "funcargs", {}).items():
            if isinstance(value, Browser):
                for page in value.pages:
                    report.sections.append((f"console of {name}", "\n".join(page.console[-40:])))
    return report
