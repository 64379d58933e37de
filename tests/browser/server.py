"""``rodrun serve --demo`` as its users start it, and its API from a browser's point of view."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.browser.browser import Browser, BrowserError

# The first start compiles the plane.
START_TIMEOUT_S = 420.0
STOP_TIMEOUT_S = 15.0


class ServerError(Exception):
    """The server did not start or stop as it should."""


class Server:
    """A running server and what it has logged.

    Args:
        host: address to listen on for the page.
        http_port, udp_port: free ports there.
        folder: takes its data and its log.
        udp_host: address to listen on for media, when another.
        options: further options of ``rodrun serve``.
        enter: words before the command, to run in a network namespace.
        environment: settings by environment variables.
    """

    def __init__(
        self,
        host: str,
        http_port: int,
        udp_port: int,
        folder: Path,
        udp_host: str | None = None,
        options: Sequence[str] = (),
        enter: Sequence[str] = (),
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        scheme = "https" if "--tls" in options else "http"
        self.url = f"{scheme}://{host}:{http_port}"
        self.udp_address = (udp_host or host, udp_port)
        folder.mkdir(parents=True)
        self._log = folder / "server.log"
        self._command = [
            *(*enter, sys.executable, "-m", "rodrun", "serve", "--demo"),
            *("--data-dir", str(folder / "data")),
            *("--http-host", host, "--http-port", str(http_port)),
            *("--udp-host", udp_host or host, "--udp-port", str(udp_port)),
            *options,
        ]
        self._environment = {**os.environ, "COLUMNS": "150", **environment}
        self._process = self._started()

    @property
    def log(self) -> str:
        """Everything it has said so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def wait_ready(self, browser: Browser) -> None:
        """Wait until ``browser`` finds it ready.

        Raises:
            ServerError: it ended, or took too long, with its log.
        """
        user = browser.new_user()
        page = user.new_page()

        def is_ready() -> bool:
            with suppress(BrowserError):
                return page.goto(f"{self.url}/readyz") == 200
            return False

        self.wait_until(is_ready)
        user.close()

    def wait_until(self, is_ready: Callable[[], bool]) -> None:
        """Wait until ``is_ready``; raises as :meth:`wait_ready`."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while not is_ready():
            if self._process.poll() is not None:
                raise ServerError(f"rodrun serve ended by itself:\n{self.log}")
            if time.monotonic() > deadline:
                raise ServerError(f"rodrun serve was not ready in time:\n{self.log}")
            time.sleep(0.2)

    def kill(self) -> None:
        """End it as the kernel does when memory runs out: without a word (``kill -9``)."""
        self._process.kill()
        self._process.wait()

    def start_again(self) -> None:
        """Start it as before, on the same ports and data."""
        self._process = self._started()

    def stop(self) -> None:
        """End it as an operator does.

        Raises:
            ServerError: it did not end in time, or not well, or something failed inside it.
        """
        self._process.terminate()
        try:
            status = self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise ServerError(f"rodrun serve did not stop:\n{self.log}") from None
        if status != 0:
            raise ServerError(f"rodrun serve stopped with status {status}:\n{self.log}")
        if "Traceback" in self.log:
            raise ServerError(f"rodrun serve had errors of its own:\n{self.log}")

    def _started(self) -> "subprocess.Popen[bytes]":
        with self._log.open("ab") as log:
            return subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
            )


def free_ports(host: str = "127.0.0.1") -> tuple[int, int]:
    """A TCP and a UDP port that nobody listens on now."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
    ):
        tcp.bind((host, 0))
        udp.bind((host, 0))
        return tcp.getsockname()[1], udp.getsockname()[1]


class Api:
    """Requests to the server, sent from a page of its own origin.

    Attributes:
        page: that page, an empty one.
    """

    def __init__(self, browser: Browser, url: str) -> None:
        self._user = browser.new_user()
        self.page = self._user.new_page()
        self.page.goto(f"{url}/livez")
        self._tokens: dict[str, str] = {}

    def close(self) -> None:
        """Close the page."""
        self._user.close()

    def token(self, account: str) -> str:
        """An access token of a demo account."""
        if account not in self._tokens:
            _, body = self.request("POST", "/demo/sign-in", body={"account": account})
            self._tokens[account] = body["access_token"]
        return self._tokens[account]

    def request(
        self, method: str, path: str, account: str | None = None, body: Any = None
    ) -> tuple[int, Any]:
        """Status and JSON body (None when there is none) of a request below ``/api/v1``."""
        found = self.page.evaluate(
            FETCH, method, path, self.token(account) if account else None, body
        )
        return found["status"], found["body"]

    def do(self, method: str, path: str, account: str, body: Any = None) -> Any:
        """Like :meth:`request`, of a request that must succeed; the body alone."""
        status, answer = self.request(method, path, account, body)
        assert status < 300, f"{method} {path} as {account}: {status} {answer}"
        return answer

    def metrics(self) -> dict[str, float]:
        """What ``/metrics`` says: name with labels → value."""
        text = self.page.evaluate("() => fetch('/metrics').then((answer) => answer.text())")
        lines = [line for line in text.splitlines() if line and not line.startswith("#")]
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


FETCH = """async (method, path, token, body) => {
  const headers = {};
  if (token !== null) headers.Authorization = `Bearer ${token}`;
  if (body !== null) headers["Content-Type"] = "application/json";
  const answer = await fetch(`/api/v1${path}`, {
    method, headers, body: body === null ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  return { status: answer.status, body: text === "" ? null : JSON.parse(text) };
}"""
