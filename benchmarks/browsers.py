"""Where the installed browsers are, for the capture and for the tests."""

import os
import shutil
from dataclasses import dataclass


class BrowserMissing(Exception):
    """The browser is not installed; the text says what to do."""


@dataclass(frozen=True)
class InstalledBrowser:
    """A browser of this machine. ``tests/install-browsers`` knows the same names.

    Attributes:
        variable: of the environment; names the executable when it is set and not empty.
        names: of executables, tried in this order otherwise.
    """

    variable: str
    names: tuple[str, ...]

    def executable(self) -> str:
        """The path of the executable. Raises BrowserMissing when there is none."""
        named = os.environ.get(self.variable)
        names = (named,) if named else self.names
        for name in names:
            if (path := shutil.which(name)) is not None:
                return path
        raise BrowserMissing(
            f"None of {', '.join(names)} is installed. Run tests/install-browsers, or name "
            f"another executable in {self.variable}."
        )


CHROMIUM = InstalledBrowser(
    "RODRUN_CHROMIUM", ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
)
FIREFOX = InstalledBrowser("RODRUN_FIREFOX", ("firefox-esr", "firefox"))
