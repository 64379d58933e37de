"""Pictures of every screen, for people to look at."""

import os
from collections.abc import Callable
from pathlib import Path

from tests.browser.browser import DESKTOP, PHONE, Page

FOLDER = Path(os.environ.get("RODRUN_SCREENSHOTS", Path(__file__).parent / "screenshots"))

LANGUAGE = "() => document.documentElement.dataset.language"
# By script, because a dialog that is open keeps the mouse from everything else.
SWITCH = """() => document.querySelector('[data-testid="language-switch"]').click()"""


class Gallery:
    """Takes each screen at desktop and phone width, in both languages.

    Args:
        name: folder of this gallery.
    """

    def __init__(self, name: str) -> None:
        self._folder = FOLDER / name
        self._folder.mkdir(parents=True, exist_ok=True)
        for old in self._folder.glob("*.png"):
            old.unlink()
        self._count = 0

    def take(self, page: Page, screen: str, again: Callable[[], object] = lambda: None) -> None:
        """Four pictures of what ``page`` shows now, which is then as it was before.

        ``again`` opens what a change of language closes: a dialog, a menu.
        """
        self._count += 1
        for size, width in ((DESKTOP, "desktop"), (PHONE, "phone")):
            page.set_size(size)
            for _ in range(2):
                language = page.evaluate(LANGUAGE)
                name = f"{self._count:02}-{screen}-{width}-{language}.png"
                page.screenshot(self._folder / name)
                page.evaluate(SWITCH)
                again()
        page.set_size(DESKTOP)
