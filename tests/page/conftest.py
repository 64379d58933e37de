"""A Chromium whose pages get the files of control/page, with and without a server."""

import mimetypes
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, async_playwright

from benchmarks.browsers import CHROMIUM
from control.adapters.database import Database
from control.settings import Settings
from tests.control.databases import make_tables
from tests.control.people import Control
from tests.page.meeting import Meeting, seat

PAGE = Path(__file__).parents[2] / "control" / "page"
ORIGIN = "http://localhost"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def chromium() -> AsyncIterator[Browser]:
    """One browser for all tests of this package."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM.executable(), args=ARGUMENTS
        )
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="package")
async def blank(chromium: Browser) -> AsyncIterator[Page]:
    """An empty page of the origin that the modules come from, for one test."""
    async with _blank(chromium) as page:
        yield page


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def modules(chromium: Browser) -> AsyncIterator[Page]:
    """The same for all tests of pure modules, which leave nothing behind."""
    async with _blank(chromium) as page:
        yield page


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the tables and nothing in them."""
    path = tmp_path_factory.mktemp("tables") / "rodrun.sqlite"
    await make_tables(f"sqlite:///{path}")
    return path


@pytest_asyncio.fixture(loop_scope="package")
async def meeting(chromium: Browser, tables: Path, tmp_path: Path) -> AsyncIterator[Meeting]:
    """A client and a specialist of a control of their own, their pages still empty."""
    shutil.copy(tables, tmp_path / "rodrun.sqlite")
    database = await Database.open(f"sqlite:///{tmp_path / 'rodrun.sqlite'}")
    control = Control(database, Settings(data_dir=tmp_path, demo=True))
    await control.start()
    seats = [
        await seat(chromium, "client", await control.person("maria")),
        await seat(chromium, "specialist", await control.person("ivan")),
    ]
    uncaught: list[str] = []
    for each in seats:
        each.page.on("pageerror", lambda error: uncaught.append(str(error)))
    yield Meeting(control, seats)
    for each in seats:
        await each.page.context.close()
    await control.stop()
    await database.close()
    assert uncaught == [], "the page let exceptions pass"


@asynccontextmanager
async def _blank(chromium: Browser) -> AsyncIterator[Page]:
    context = await chromium.new_context()
    await context.route(f"{ORIGIN}/**", _serve)
    page = await context.new_page()
    await page.goto(f"{ORIGIN}/blank")
    yield page
    await context.close()


async def _serve(route: Route) -> None:
    path = route.request.url.removeprefix(ORIGIN + "/")
    if path == "blank":
        await route.fulfill(body="<!doctype html>", content_type="text/html")
        return
    content_type = "text/javascript" if path.endswith(".js") else mimetypes.guess_type(path)[0]
    await route.fulfill(path=PAGE / path, content_type=content_type)
