"""How far events were heard, and what each of them means to a side."""

from typing import Any

import pytest
from playwright.async_api import Page

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest.mark.parametrize(
    ("kind", "by", "client", "specialist"),
    [
        ("early_end_proposed", "client", None, None),
        ("early_end_refused", "specialist", "early-end-refused", None),
        ("early_end_refused", "client", None, "early-end-refused"),
        ("early_end_withdrawn", "client", None, "early-end-withdrawn"),
        ("early_end_lapsed", "service", "early-end-lapsed", "early-end-question-lapsed"),
        ("extension_accepted", "client", "extension-agreed", "extension-accepted"),
        ("extension_refused", "client", None, "extension-refused"),
        ("extension_withdrawn", "specialist", "extension-withdrawn", None),
        ("extension_lapsed", "service", "extension-question-lapsed", "extension-lapsed"),
        ("reconnected", "service", None, "client-back"),
        ("resumed", "service", "service-back", "service-back"),
        ("ended", "service", None, None),
    ],
)
async def test_an_event_is_told_to_whom_it_concerns(
    modules: Page, kind: str, by: str, client: str | None, specialist: str | None
) -> None:
    told = await modules.evaluate(
        """async (event) => {
             const { noticeOf } = await import("/news.js");
             return ["client", "specialist"].map((role) => noticeOf(event, role, "client")); }""",
        {"type": kind, "by": by, "data": {"participant": "client"}},
    )

    assert told == [client, specialist]


async def play(page: Page, script: str) -> Any:
    """Run the body of a test with a journal, and `event(id, seq, type, by)`."""
    return await page.evaluate(
        """async () => {
             const { Journal } = await import("/journal.js");
             const event = (consultation_id, seq, type = "rated", by = "client") =>
               ({ consultation_id, seq, type, by });
             const journal = new Journal();
        """
        + script
        + "}"
    )


async def test_what_was_heard_is_not_news(blank: Page) -> None:
    taken = await play(
        blank,
        """return [1, 2, 2, 1, 3].map((seq) => journal.take(event("c1", seq)))
             .concat(journal.take(event("c2", 1)), journal.seen());""",
    )

    assert taken == [True, True, False, False, True, True, {"c1": 3, "c2": 1}]


async def test_a_reload_goes_on_where_the_page_was(blank: Page) -> None:
    assert await play(blank, "return journal.seen();") is None
    await play(blank, 'journal.take(event("c1", 4, "early_end_proposed", "specialist"));')

    assert await play(blank, 'return [journal.seen(), journal.proposer("c1")];') == [
        {"c1": 4},
        "specialist",
    ]
    assert await play(blank, "journal.forget(); return journal.seen();") is None


async def test_the_latest_twenty_are_remembered(blank: Page) -> None:
    seen = await play(
        blank,
        """for (let number = 0; number < 21; number++) journal.take(event(`c${number}`, 1));
           journal.take(event("c1", 2));
           journal.take(event("c21", 1));
           return journal.seen();""",
    )

    assert len(seen) == 20
    assert "c0" not in seen
    assert "c2" not in seen
    assert seen["c1"] == 2
