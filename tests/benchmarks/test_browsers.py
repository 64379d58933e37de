from pathlib import Path

import pytest

from benchmarks.browsers import CHROMIUM, FIREFOX, BrowserMissing, InstalledBrowser


def place(folder: Path, name: str) -> str:
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in which programs are looked for; no variable names a browser."""
    monkeypatch.setenv("PATH", str(tmp_path))
    for browser in (CHROMIUM, FIREFOX):
        monkeypatch.delenv(browser.variable, raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("browser", "name"),
    [(browser, name) for browser in (CHROMIUM, FIREFOX) for name in browser.names],
)
def test_a_browser_is_found_by_each_of_its_names(
    folder: Path, browser: InstalledBrowser, name: str
) -> None:
    path = place(folder, name)
    assert browser.executable() == path


def test_the_first_name_that_is_installed_is_taken(folder: Path) -> None:
    place(folder, "google-chrome")
    path = place(folder, "chromium-browser")
    assert CHROMIUM.executable() == path


@pytest.mark.parametrize("by_path", [True, False])
def test_the_variable_names_another_executable(
    folder: Path, monkeypatch: pytest.MonkeyPatch, by_path: bool
) -> None:
    place(folder, "chromium")
    path = place(folder, "brave")
    monkeypatch.setenv("RODRUN_CHROMIUM", path if by_path else "brave")
    assert CHROMIUM.executable() == path


def test_an_empty_variable_names_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = place(folder, "chromium")
    monkeypatch.setenv("RODRUN_CHROMIUM", "")
    assert CHROMIUM.executable() == path


def test_what_the_variable_names_has_to_be_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(folder, "chromium")
    monkeypatch.setenv("RODRUN_CHROMIUM", "brave")
    with pytest.raises(BrowserMissing, match="brave"):
        CHROMIUM.executable()


def test_a_machine_without_the_browser_is_told_what_to_do(folder: Path) -> None:
    with pytest.raises(BrowserMissing, match=r"install-browsers.*RODRUN_FIREFOX"):
        FIREFOX.executable()
