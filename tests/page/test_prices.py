"""What a consultation costs with its extensions."""

from typing import Any

import pytest
from playwright.async_api import Page

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def ask(page: Page, name: str, *arguments: Any) -> Any:
    return await page.evaluate(
        "async ([name, values]) => (await import('/prices.js'))[name](...values)",
        [name, list(arguments)],
    )


def agreed(price: str, *extensions: str) -> dict[str, Any]:
    terms = {"price": price, "duration_s": 1800}
    return {"terms": terms, "extensions": [{"price": each} for each in extensions]}


async def test_extensions_are_added_to_the_price(modules: Page) -> None:
    assert await ask(modules, "totalPrice", agreed("40.00")) == "40.00"
    assert await ask(modules, "totalPrice", agreed("0.10", "0.20"), "0.3") == "0.60"
    assert await ask(modules, "totalPrice", agreed("9999999.99", "9999999.99")) == "19999999.98"


async def test_an_extension_costs_in_proportion_at_first(modules: Page) -> None:
    assert await ask(modules, "proportionalPrice", agreed("40.00", "5.00"), 900) == "20.00"
    assert await ask(modules, "proportionalPrice", agreed("40.00"), 600) == "13.33"
