"""Times, lengths, prices and names as the page writes them."""

import re
from typing import Any

import pytest
from playwright.async_api import Page

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def _call(page: Page, name: str, *arguments: Any) -> Any:
    return await page.evaluate(
        "async ([name, values]) => (await import('/times.js'))[name](...values)",
        [name, list(arguments)],
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (300, "5:00"),
        (299.2, "5:00"),
        (59.0, "0:59"),
        (0.01, "0:01"),
        (0, "0:00"),
        (-3, "0:00"),
        (3725, "1:02:05"),
    ],
)
async def test_countdown(modules: Page, seconds: float, text: str) -> None:
    assert await _call(modules, "countdown", seconds) == text


@pytest.mark.parametrize(
    ("language", "seconds", "text"),
    [
        ("bg", 1800, "30 мин"),
        ("bg", 5400, "1 ч 30 мин"),
        ("bg", 90, "1 мин 30 с"),
        ("en", 20, "20 s"),
        ("en", 0, "0 s"),
    ],
)
async def test_duration(modules: Page, language: str, seconds: int, text: str) -> None:
    told = await modules.evaluate(
        """async ([language, seconds]) => {
             const { translator } = await import("/language.js");
             return (await import("/times.js")).duration(seconds, translator(language)); }""",
        [language, seconds],
    )

    assert told == text


@pytest.mark.parametrize(
    ("amount", "currency", "language", "text"),
    [
        ("40.00", "EUR", "bg", "40,00 €"),
        ("40.00", "EUR", "en", "€40.00"),
        ("7.5", "nonsense", "bg", "7.5 nonsense"),
    ],
)
async def test_price(modules: Page, amount: str, currency: str, language: str, text: str) -> None:
    told = await _call(modules, "price", amount, currency, language)

    assert told.replace("\xa0", " ") == text


@pytest.mark.parametrize(
    ("name", "letters"),
    [("д-р Иван Георгиев", "ИГ"), ("Мария Петрова", "МП"), ("Anna", "A"), ("анна", "")],
)
async def test_initials(modules: Page, name: str, letters: str) -> None:
    assert await _call(modules, "initials", name) == letters


# 23 November 2026, 00:05:09 UTC; the browser of these tests may be anywhere.
AT = 1_795_392_309


@pytest.mark.parametrize(
    ("language", "pattern"),
    [("bg", r"2[234] ноември 2026 г\..* \d{1,2}:05.*"), ("en", r"2[234] November 2026.* \d\d:05")],
)
async def test_a_moment(modules: Page, language: str, pattern: str) -> None:
    assert re.fullmatch(pattern, await _call(modules, "moment", AT, language))


@pytest.mark.parametrize(("language", "text"), [("bg", "4,7"), ("en", "4.7")])
async def test_an_average_of_stars(modules: Page, language: str, text: str) -> None:
    assert await _call(modules, "average", 14 / 3, language) == text


@pytest.mark.parametrize(("language", "text"), [("bg", "ноември 2026 г."), ("en", "November 2026")])
async def test_a_month_is_that_of_utc(modules: Page, language: str, text: str) -> None:
    first_second = 1_793_491_200
    assert await _call(modules, "month", first_second, language) == text
