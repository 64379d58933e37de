"""The load tests of docs/loadtest.md: the server on one core, ``rodrun loadtest`` on another.

Each has a server of its own. Its report is kept as JSON and HTML, and as a picture if asked.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import urllib.request
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from playwright.sync_api import sync_playwright

from benchmarks.browsers import CHROMIUM
from benchmarks.processor import ROOT, cores
from tests.browser.server import Server

TESTS: Final = {
    "steady": ("steady", "--calls", "60", "--duration", "30"),
    "ramp": ("ramp",),
    "drops": ("drops-200",),
}
PORTS: Final = (8480, 7880)
_WIDTH, _HEIGHT = 1100, 2300  # of a picture: the summary and the plots


def run(name: str, options: list[str], folder: Path) -> int:
    """One of ``TESTS`` against a server of its own; the exit code of ``rodrun loadtest``.

    ``options`` come after those of the test. The report is ``NAME.json`` and ``NAME.html``.
    """
    server_core, load_core = cores()
    with tempfile.TemporaryDirectory() as data:
        place = ("taskset", "--cpu-list", str(server_core))
        server = Server("127.0.0.1", *PORTS, Path(data) / "server", enter=place)
        try:
            server.wait_until(partial(_is_ready, server))
            report = (f"--json={folder / name}.json", f"--html={folder / name}.html")
            done = subprocess.run(
                [
                    *("taskset", "--cpu-list", str(load_core), sys.executable, "-m", "rodrun"),
                    *("loadtest", *TESTS[name], *options, "--url", server.url),
                    *("--metrics", f"{server.url}/metrics", *report),
                ],
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
        finally:
            server.stop()
    return done.returncode


def _is_ready(server: Server) -> bool:
    with suppress(OSError), urllib.request.urlopen(f"{server.url}/readyz"):
        return True
    return False


def take_pictures(names: list[str], folder: Path, pictures: Path) -> None:
    """The reports in ``folder`` as a browser shows them, ``loadtest-NAME.png``."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM.executable(), args=["--no-sandbox"]
        )
        for name in names:
            page = browser.new_page(viewport={"width": _WIDTH, "height": _HEIGHT})
            page.goto((folder / f"{name}.html").absolute().as_uri())
            page.screenshot(path=pictures / f"loadtest-{name}.png")
        browser.close()


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code, that of the first load test which failed."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.load_tests",
        description=__doc__,
        epilog="What follows -- is passed on to rodrun loadtest.",
    )
    parser.add_argument("names", nargs="*", choices=[*TESTS, []], help="steady, ramp, drops; all")
    parser.add_argument("--folder", type=Path, default=Path("var/load-tests"), help="for reports")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="take pictures of them")
    given = sys.argv[1:] if arguments is None else arguments
    split = given.index("--") if "--" in given else len(given)
    options, passed_on = parser.parse_args(given[:split]), given[split + 1 :]
    names = options.names or list(TESTS)
    options.folder.mkdir(parents=True, exist_ok=True)
    codes = [run(name, passed_on, options.folder) for name in names]
    if options.pictures:
        take_pictures(names, options.folder, options.pictures)
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    sys.exit(main())
