"""Chromium and Firefox behind one small interface, so that one story runs in either.

``bridge.mjs`` drives the browser; a :class:`Browser` is such a process, a :class:`Page` one tab.
"""

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

from benchmarks.browsers import CHROMIUM, FIREFOX

HERE = Path(__file__).parent
CALL_TIMEOUT_S = 60.0
WAIT_TIMEOUT_S = 10.0
DESKTOP = (1280, 800)
PHONE = (360, 780)


class Kind(StrEnum):
    """Which browser, by the name that the bridge knows it by."""

    CHROMIUM = "chrome"
    FIREFOX = "firefox"


INSTALLED = {Kind.CHROMIUM: CHROMIUM, Kind.FIREFOX: FIREFOX}

CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--auto-select-desktop-capture-source=Entire screen",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
FIREFOX_PREFERENCES = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.getusermedia.insecure.enabled": True,
    "media.devices.insecure.enabled": True,
    "media.autoplay.default": 0,
    # Nothing is fetched from elsewhere, codecs least of all.
    "media.gmp-manager.updateEnabled": False,
    "app.update.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.enabled": False,
}


# Firefox's word for a WebSocket that was reset, as after a cut that the server noticed first. It
# comes as an exception, but the page cannot catch it: it sees the socket close.
BROKEN_SOCKET = re.compile(
    r"uncaught: Error: The connection to wss?://\S+ was interrupted while the page was loading\."
)


class BrowserError(Exception):
    """The browser did not do what it was asked; the text is what it said."""


class Browser:
    """One running browser. Users in it share nothing with each other.

    Args:
        kind: Chromium or Firefox.
        log: file that takes what the bridge and the browser say on standard error.
        home: a folder of its own, which the browser may take for the user's home.
        enter: words before the command, to run in a network namespace.
        arguments: command-line arguments besides the usual ones.
    """

    def __init__(
        self,
        kind: Kind,
        log: Path,
        home: Path,
        enter: Sequence[str] = (),
        arguments: Sequence[str] = (),
    ) -> None:
        self.kind = kind
        self._next_id = 0
        self._waiting: dict[int, Future[Any]] = {}
        self._pages: dict[int, Page] = {}
        self._lock = threading.Lock()
        self._gone = False
        home.mkdir(parents=True, exist_ok=True)
        node = shutil.which("node") or shutil.which("nodejs")
        if node is None:
            raise BrowserError("Node.js is not installed. Run tests/install-browsers.")
        with log.open("ab") as stderr:
            self._process = subprocess.Popen(
                [*enter, node, str(HERE / "bridge.mjs")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=HERE,
                env={**os.environ, "HOME": str(home)},
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin: IO[bytes] = self._process.stdin
        self._reader = threading.Thread(
            target=self._read, args=(self._process.stdout,), name=f"{kind} bridge", daemon=True
        )
        self._reader.start()
        usual = CHROMIUM_ARGUMENTS if kind is Kind.CHROMIUM else ()
        try:
            self.version: str = self.call(
                "launch",
                kind=kind.value,
                executable=INSTALLED[kind].executable(),
                args=[*usual, *arguments],
                preferences=FIREFOX_PREFERENCES if kind is Kind.FIREFOX else {},
            )
        except BaseException:
            self.close()
            raise

    def start(self, op: str, **arguments: Any) -> "Future[Any]":
        """Give the bridge a command; the future is its answer."""
        future: Future[Any] = Future()
        with self._lock:
            if self._gone:
                raise BrowserError(f"{self.kind} has ended")
            self._next_id += 1
            number = self._next_id
            self._waiting[number] = future
            self._stdin.write(json.dumps({"id": number, "op": op, **arguments}).encode() + b"\n")
            self._stdin.flush()
        return future

    def call(self, op: str, **arguments: Any) -> Any:
        """Give the bridge a command and wait for the answer."""
        return self.start(op, **arguments).result(CALL_TIMEOUT_S)

    def new_user(self) -> "User":
        """A user with cookies and storage of their own, as in a private window."""
        return User(self, self.call("new_user"))

    @property
    def pages(self) -> list["Page"]:
        """All pages that it ever had, oldest first."""
        return list(self._pages.values())

    def close(self) -> None:
        """End the browser."""
        with self._lock, suppress(BrokenPipeError):
            self._stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()

    def _read(self, stdout: IO[bytes]) -> None:
        with stdout:
            for line in stdout:
                message = json.loads(line)
                if "event" in message:
                    if (page := self._pages.get(message["page"])) is not None:
                        page.console.append(f"{message['level']}: {message['text']}")
                    continue
                with self._lock:
                    future = self._waiting.pop(message["id"])
                if "error" in message:
                    future.set_exception(BrowserError(message["error"]))
                else:
                    future.set_result(message["value"])
        with self._lock:
            self._gone = True
            waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            future.set_exception(BrowserError(f"{self.kind} has ended"))

    def _adopt(self, page: "Page") -> None:
        self._pages[page.number] = page


class User:
    """One user of a browser: pages that share cookies and storage."""

    def __init__(self, browser: Browser, number: int) -> None:
        self._browser = browser
        self._number = number

    def new_page(self, preload: Sequence[str] = (), size: tuple[int, int] = DESKTOP) -> "Page":
        """A new tab. The ``preload`` sources run in each document before its own scripts."""
        width, height = size
        number = self._browser.call(
            "new_page", user=self._number, preload=list(preload), width=width, height=height
        )
        page = Page(self._browser, number)
        self._browser._adopt(page)
        return page

    def close(self) -> None:
        """Close the user's pages and forget their storage."""
        self._browser.call("close_user", user=self._number)


class Page:
    """One tab. Elements are named by their ``data-testid``; JavaScript is a function's source.

    Attributes:
        console: what the page wrote to its console and what it failed to catch, oldest first.
    """

    def __init__(self, browser: Browser, number: int) -> None:
        self.browser = browser
        self.number = number
        self.console: list[str] = []

    @property
    def uncaught(self) -> list[str]:
        """Exceptions and rejections that the page did not catch."""
        return [
            line
            for line in self.console
            if line.startswith("uncaught:") and not BROKEN_SOCKET.fullmatch(line)
        ]

    def _call(self, op: str, **arguments: Any) -> Any:
        return self.browser.call(op, page=self.number, **arguments)

    def goto(self, url: str) -> int | None:
        """Load ``url``; returns the HTTP status (None when the document did not change)."""
        status: int | None = self._call("goto", url=url)
        return status

    def reload(self) -> None:
        """Load the page anew, as F5 does, until its document is parsed."""
        self._call("reload")

    def bring_to_front(self) -> None:
        """Make this the tab that the user sees."""
        self._call("bring_to_front")

    def click(self, name: str, timeout_s: float = WAIT_TIMEOUT_S) -> None:
        """Click the element with the mouse, once it is visible, enabled and still."""
        self._call("click", name=name, timeout_ms=timeout_s * 1000)

    def fill(self, name: str, text: str) -> None:
        """Set what a text field or selection holds."""
        self._call("fill", name=name, text=text)

    def press(self, key: str) -> None:
        """Press and release a key, ``Tab`` or ``Enter``, where the focus is."""
        self._call("press", key=key)

    def type(self, text: str) -> None:
        """Type a text where the focus is."""
        self._call("type", text=text)

    def evaluate(self, source: str, *args: Any) -> Any:
        """What the function ``source`` returns, or resolves to, for JSON ``args``."""
        return self._call("evaluate", source=source, args=list(args))

    def start(self, source: str, *args: Any) -> "Future[Any]":
        """Like :meth:`evaluate`, without waiting."""
        return self.browser.start("evaluate", page=self.number, source=source, args=list(args))

    def wait_for(self, source: str, *args: Any, timeout_s: float = WAIT_TIMEOUT_S) -> Any:
        """Ask until the function returns something truthy; that is returned.

        Raises:
            BrowserError: it did not within the time, with its last answer.
        """
        return self._call("wait_for", source=source, args=list(args), timeout_ms=timeout_s * 1000)

    def wait_visible(self, name: str, timeout_s: float = WAIT_TIMEOUT_S) -> None:
        """Wait until the element is there and can be seen."""
        self.wait_for(VISIBLE, name, timeout_s=timeout_s)

    def wait_hidden(self, name: str, timeout_s: float = WAIT_TIMEOUT_S) -> None:
        """Wait until the element is absent or cannot be seen."""
        self.wait_for(f"(name) => !({VISIBLE})(name)", name, timeout_s=timeout_s)

    def is_visible(self, name: str) -> bool:
        """Whether the element is there and can be seen now."""
        return bool(self.evaluate(VISIBLE, name))

    def text(self, name: str) -> str:
        """The text that the element shows."""
        return str(self.evaluate(TEXT, name))

    def set_size(self, size: tuple[int, int]) -> None:
        """Change the size of the window's content, in CSS pixels."""
        width, height = size
        self._call("set_viewport", width=width, height=height)

    def set_color_scheme(self, scheme: str) -> None:
        """Make "light" or "dark" what the user prefers. Chromium only."""
        self._call("color_scheme", scheme=scheme)

    def screenshot(self, path: Path) -> None:
        """Save what the window shows as a PNG file."""
        self._call("screenshot", path=str(path.resolve()))

    def close(self) -> None:
        """Close the tab."""
        self._call("close_page")


VISIBLE = """(name) => {
  const element = document.querySelector(`[data-testid="${name}"]`);
  return element !== null && element.checkVisibility({ visibilityProperty: true })
    && element.getClientRects().length > 0;
}"""
TEXT = """(name) => document.querySelector(`[data-testid="${name}"]`).innerText"""
