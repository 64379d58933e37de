"""The document: everything is its own, and nothing is fetched one after another."""

import re

from tests.page.conftest import PAGE

HTML = (PAGE / "index.html").read_text()


def test_all_modules_load_side_by_side() -> None:
    preloaded = re.findall(r'rel="modulepreload" href="([^"]+)"', HTML)

    assert sorted(preloaded) == sorted(
        path.relative_to(PAGE).as_posix() for path in PAGE.rglob("*.js")
    )


def test_all_styles_are_used() -> None:
    linked = re.findall(r'rel="stylesheet" href="([^"]+)"', HTML)

    assert sorted(linked) == sorted(
        path.relative_to(PAGE).as_posix() for path in PAGE.rglob("*.css")
    )


def test_nothing_stands_inline_and_nothing_comes_from_elsewhere() -> None:
    # The Content-Security-Policy would refuse either.
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|//", HTML)


def test_each_icon_that_a_module_names_is_drawn() -> None:
    drawn = set(re.findall(r'<symbol id="([\w-]+)"', (PAGE / "icons.svg").read_text()))
    sources = [path.read_text() for path in PAGE.rglob("*.js")]
    named = {
        name
        for source in sources
        for name in re.findall(
            r'(?<![.\w])(?:icon|setIcon|toggle|item|sign)\((?:\w+, )?"([\w-]+)"', source
        )
    }

    assert named <= drawn
