"""Two Chromiums, a server, and the network between them, each on a machine of its own."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.calls.received import Look
from benchmarks.fake_devices import chromium_arguments
from benchmarks.impairment.line import UNIMPAIRED, Impairment
from benchmarks.impairment.log import Records, read_log
from tests.browser.browser import Browser, BrowserError, Kind, Page
from tests.browser.network import SERVER_ADDRESS, Network
from tests.browser.server import Server

CLIENT_HOST, SPECIALIST_HOST = "client", "specialist"
HTTP_PORT, UDP_PORT = 8443, 7878
PICTURE = "640x360@30"
FOLLOW_S = 0.2
# A specialist is online while a page is.
STAY_ONLINE = """async (token) => {
  const socket = new WebSocket(`${location.origin.replace("http", "ws")}/api/v1/events`);
  await new Promise((resolve) => {
    socket.addEventListener("open", () =>
      socket.send(JSON.stringify({ type: "authenticate", token })));
    socket.addEventListener("message", ({ data }) => {
      if (JSON.parse(data).type === "ready") resolve();
    });
  });
}"""


class ImpairmentProxy:
    """The impairment proxy on the server's machine, in front of its node.

    It takes both browsers' media from the start, unimpaired until told otherwise.
    """

    def __init__(self, network: Network, folder: Path, lifetime_s: float) -> None:
        self._path = folder / "packets.bin"
        self._process = subprocess.Popen(
            [
                *(*network.server.enter, sys.executable, "-m", "benchmarks.impairment"),
                *("--listen", f"{SERVER_ADDRESS}:{UDP_PORT}", "--to", f"127.0.0.1:{UDP_PORT}"),
                *("--seconds", str(lifetime_s), "--log", str(self._path), "--follow"),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._ended: tuple[dict[str, Any], Records] | None = None
        assert self._process.stdout is not None
        if not self._process.stdout.readline():
            raise RuntimeError(f"the impairment proxy ended: {self._process.wait()}")

    def impair(
        self,
        up: Impairment = UNIMPAIRED,
        down: Impairment = UNIMPAIRED,
        host: str | None = None,
        port: int | None = None,
    ) -> None:
        """From now on, for clients at one address, for one of them alone, or for all."""
        assert self._process.stdin is not None
        command = {"up": asdict(up), "down": asdict(down), "host": host, "port": port}
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()

    def mark(self) -> int:
        """A place in its log; what comes later is behind it."""
        return self._path.stat().st_size

    def records_since(self, mark: int) -> Records:
        """What became of packets since a :meth:`mark`, but for those of the last moments."""
        return read_log(self._path, mark)

    def end(self) -> tuple[dict[str, Any], Records]:
        """Stop it; its summary and its log."""
        if self._ended is not None:
            return self._ended
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        summary: dict[str, Any] = json.loads(self._process.stdout.read() or "{}")
        self._process.stdout.close()
        self._process.wait()
        self._ended = summary, read_log(self._path)
        return self._ended


@dataclass(frozen=True)
class Arrangement:
    """What the benchmarks of calls run on.

    Attributes:
        network: the switch and its machines.
        client, specialist: Chromiums with camera and microphone that cost bits.
        server: ``rodrun serve --demo``.
        proxy: between browsers and node, or None.
        folder: for logs; gone afterwards.
    """

    network: Network
    client: Browser
    specialist: Browser
    server: Server
    proxy: ImpairmentProxy | None
    folder: Path


@contextmanager
def arranged(proxied: bool, lifetime_s: float = 0.0, costly: bool = True) -> Iterator[Arrangement]:
    """Start everything and end it.

    Args:
        proxied: the impairment proxy is between browsers and node.
        lifetime_s: after which the proxy ends however this ends.
        costly: camera and microphone cost bits; else they are Chromium's own, which cost few.
    """
    with tempfile.TemporaryDirectory() as name, Network() as network:
        folder = Path(name)
        devices = chromium_arguments(folder) if costly else ()
        browsers: list[Browser] = []
        server = proxy = None
        try:
            for host in (CLIENT_HOST, SPECIALIST_HOST):
                enter = network.join(host).enter
                browsers.append(
                    Browser(*(Kind.CHROMIUM, folder / f"{host}.log", folder / host, enter, devices))
                )
            server = Server(
                *(SERVER_ADDRESS, HTTP_PORT, UDP_PORT, folder / "server"),
                udp_host="127.0.0.1" if proxied else SERVER_ADDRESS,
                options=("--tls", "auto", "--announce", SERVER_ADDRESS),
                enter=network.server.enter,
            )
            server.wait_ready(browsers[0])
            proxy = ImpairmentProxy(network, folder, lifetime_s) if proxied else None
            client, specialist = browsers
            yield Arrangement(network, client, specialist, server, proxy, folder)
        finally:
            for browser in browsers:
                with suppress(BrowserError):
                    browser.close()
            if proxy is not None:
                proxy.end()
            if server is not None:
                server.stop()


def look(page: Page) -> Look:
    """What the page has received by now."""
    return Look.read(page.evaluate("() => __probe.received()"))


def follow(page: Page, until_s: float) -> list[Look]:
    """Look again and again until that Unix time."""
    looks = [look(page)]
    while time.time() < until_s:
        time.sleep(FOLLOW_S)
        looks.append(look(page))
    return looks


def shown_s(page: Page, since_s: float) -> list[float]:
    """When pictures of the partner were shown, since then; Unix seconds."""
    found: list[float] = page.evaluate(
        "(since) => __probe.frames.map((frame) => frame.at).filter((at) => at >= since)",
        since_s * 1000,
    )
    return [at / 1000 for at in found]
