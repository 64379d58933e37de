"""Quality as people see it: a reason beside the mark, and a picture when it is over."""

import pytest
from playwright.async_api import Page, expect

from tests.control.node import quality_of
from tests.page.meeting import ROLES, Meeting

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def measure(meeting: Meeting, seconds: int, loss_pct: float) -> None:
    """The client's way up loses so much for some seconds."""
    for _ in range(seconds):
        await meeting.pass_time(1.0, *ROLES)
        session = meeting.path.split("/")[-1]
        meeting.control.node.report(quality_of(session, "client", loss_pct))
        meeting.control.node.report(quality_of(session, "specialist"))
        await meeting.control.service.errands.settled()


async def test_the_mark_says_why_and_the_end_has_a_picture_for_both(meeting: Meeting) -> None:
    await meeting.begin()
    await meeting.client.speak("bg")
    await meeting.specialist.speak("en")
    await measure(meeting, 1, 6.0)
    mark = meeting.client.page.get_by_test_id("quality")
    await expect(mark).to_have_attribute("data-level", "poor")
    await expect(mark).to_contain_text("Слаба връзка · изпращане: губят се 6 %")
    await expect(meeting.specialist.page.get_by_test_id("quality")).not_to_contain_text("6 %")
    await measure(meeting, 11, 6.0)
    await meeting.client.person.post(f"{meeting.path}/leave")
    await meeting.client.sees("finish-quality", "Вашата връзка", "Връзката на специалиста")
    await meeting.client.sees("quality-verdict", "Вашата връзка · изпращане: губят се 6 %")
    await meeting.specialist.sees(
        "quality-verdict", "The client’s connection · sending: 6 % is lost"
    )
    for seat, words in (
        (meeting.client, "Вашата връзка: Слаба връзка 100 %"),
        (meeting.specialist, "The client’s connection: Poor connection 100 %"),
    ):
        picture = seat.page.get_by_test_id("finish-quality").get_by_role("img", name=words)
        await expect(picture).to_be_visible()
        assert await picture.locator("rect[data-level=poor]").count() == 3
    await meeting.look(meeting.client, "finish-quality")
    await meeting.look(meeting.specialist, "finish-quality")


async def test_where_nothing_was_measured_no_picture_is_shown(meeting: Meeting) -> None:
    await meeting.begin()
    await meeting.client.person.post(f"{meeting.path}/leave")
    await meeting.client.screen("finish")
    await expect(meeting.client.page.get_by_test_id("finish-quality")).to_be_hidden()


async def test_each_code_of_the_node_has_its_words(modules: Page) -> None:
    from sfu.api import ReasonCode

    said = await modules.evaluate(
        """async (codes) => {
          const { reasonOf } = await import("/views/quality.js");
          const { default: texts } = await import("/language/en.js");
          const t = (key, filled = {}) =>
            texts[key].replace(/\\{(\\w+)\\}/g, (_, name) => filled[name]);
          return codes.map((code) => reasonOf(t, "client_down", [{ code, value: 6.04 }]));
        }""",
        [code.value for code in ReasonCode],
    )
    assert len(set(said)) == len(ReasonCode)
    assert all("6" in each and each.startswith("receiving: ") for each in said)
