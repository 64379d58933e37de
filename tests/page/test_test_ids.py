"""The test ids listed for automation are those that the page gives."""

import re

from tests.page.conftest import PAGE

LISTED = re.search(r"```\n(.*?)```", (PAGE / "README.md").read_text(), re.S)
SOURCES = [path.read_text() for path in PAGE.rglob("*.js")]


def _listed() -> set[str]:
    assert LISTED is not None
    ids: set[str] = set()
    for line in LISTED[1].splitlines():
        ids |= set(re.sub(r"\[.*?\]", "", line[11:]).split())
    return {re.sub(r"\{\w+\}", "{}", each) for each in ids}


def _literals(pattern: str) -> set[str]:
    found = {match for source in SOURCES for match in re.findall(pattern, source)}
    return {re.sub(r"\$\{\w+\}", "{}", each) for each in found}


def test_each_listed_id_exists() -> None:
    assert _listed() - _literals(r"[\"`]([\w${}-]+)[\"`]") == set()


def test_each_given_id_is_listed() -> None:
    assert _literals(r"testid: [\"`]([^\"`]+)[\"`]") - _listed() == set()
