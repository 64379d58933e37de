"""Places of the page, as they stand in its address."""

from typing import Any

import pytest
from playwright.async_api import Page

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def _call(page: Page, name: str, *arguments: Any) -> Any:
    return await page.evaluate(
        "async ([name, values]) => (await import('/places.js'))[name](...values)",
        [name, list(arguments)],
    )


@pytest.mark.parametrize(
    ("name", "id", "address"),
    [
        ("home", None, "#/home"),
        ("specialist", "ivan", "#/specialist/ivan"),
        ("consultation", "a/b ?#д", "#/consultation/a%2Fb%20%3F%23%D0%B4"),
    ],
)
async def test_an_address_leads_back_to_its_place(
    modules: Page, name: str, id: str | None, address: str
) -> None:
    assert await _call(modules, "addressOf", name, id) == address
    assert await _call(modules, "placeFrom", address) == {"name": name, "id": id}


@pytest.mark.parametrize(
    "address",
    [
        "",
        "#",
        "#/",
        "#main",
        "#/nowhere",
        "#/toString",
        "#/home/ivan",
        "#/specialist",
        "#/specialist/",
        "#/specialist/%",
        "#/specialist/a/b",
        "#access_token=abc",
    ],
)
async def test_other_addresses_are_no_place(modules: Page, address: str) -> None:
    assert await _call(modules, "placeFrom", address) is None


async def test_everybody_may_be_where_the_header_leads_them(modules: Page) -> None:
    for role in ("client", "specialist", "operator"):
        for name in await modules.evaluate(
            "async (role) => (await import('/places.js')).NAVIGATION[role]", role
        ):
            assert await _call(modules, "allowed", {"name": name, "id": None}, role)
