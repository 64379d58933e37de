"""What the page makes of the API's answers."""

import json

import pytest
from playwright.async_api import Page, Route

pytestmark = pytest.mark.asyncio(loop_scope="package")

SECOND = "/api/v1/consultations?limit=50&before=abc%3D"


async def _pages(route: Route) -> None:
    """A history of two pages."""
    later = route.request.url.endswith(SECOND)
    await route.fulfill(
        body=json.dumps([{"id": "old" if later else "new"}]),
        content_type="application/json",
        headers={} if later else {"Link": f'<{SECOND}>; rel="next"'},
    )


async def test_the_history_goes_on_where_the_link_leads(blank: Page) -> None:
    await blank.route("**/api/v1/consultations*", _pages)
    found = await blank.evaluate(
        """async () => {
          const api = new (await import("/api.js")).Api(null);
          const first = await api.consultations();
          return [first, await api.consultations(first.next)];
        }"""
    )
    assert found == [
        {"items": [{"id": "new"}], "next": SECOND.removeprefix("/api/v1")},
        {"items": [{"id": "old"}], "next": None},
    ]


async def test_a_receipt_keeps_the_very_text_that_was_signed(blank: Page) -> None:
    text = '{"receipt": {"paid_s": 1.50},  "key_id": "k"}'
    await blank.route(
        "**/api/v1/consultations/c1/receipt",
        lambda route: route.fulfill(body=text, content_type="application/json"),
    )
    found = await blank.evaluate(
        """async () => new (await import("/api.js")).Api(null).receipt("c1")"""
    )
    assert found == {"receipt": {"paid_s": 1.5}, "key_id": "k", "text": text}


async def test_a_refusal_has_its_code_and_a_silent_server_none(blank: Page) -> None:
    await blank.route(
        "**/api/v1/specialists/nobody",
        lambda route: route.fulfill(
            status=404, body='{"code": "not-found"}', content_type="application/problem+json"
        ),
    )
    await blank.route("**/api/v1/specialists/away", lambda route: route.abort())
    ask = """async (id) => {
      try { await new (await import("/api.js")).Api(null).specialist(id); }
      catch ({ status, code }) { return [status, code]; }
    }"""
    assert await blank.evaluate(ask, "nobody") == [404, "not-found"]
    assert await blank.evaluate(ask, "away") == [0, "unreachable"]
