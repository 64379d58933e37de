"""Quality as people see it: a reason beside the mark, and a picture when it is over."""

from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

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


async def test_the_picture_has_the_last_seconds_too(meeting: Meeting) -> None:
    await meeting.begin()
    await measure(meeting, 12, 6.0)
    page = meeting.client.page
    answers: list[bool] = []

    async def answer(route: Route) -> None:
        told = await (await route.fetch()).json()
        if not answers:  # as it is before the last period is stored
            told |= {"complete": False, "periods": told["periods"][:1]}
        answers.append(told["complete"])
        await route.fulfill(json=told)

    await page.route("**/quality", answer)
    await meeting.client.person.post(f"{meeting.path}/leave")
    bars = page.get_by_test_id("finish-quality").get_by_role("img").first.locator("rect")
    await expect(bars).to_have_count(3)
    assert answers == [False, True]


NODE = {"level": "poor", "leg": "client_up", "reasons": [{"code": "loss", "value": 6}], "at": 1000}
WELL = {"silentMs": 20, "rttMs": 30, "lossPct": 0}


@pytest.mark.parametrize(
    ("state", "stats", "measured", "now", "level"),
    [
        pytest.param("connected", WELL, NODE, 2000, "poor", id="the node says so"),
        pytest.param(
            "connected",
            WELL | {"rttMs": 900, "lossPct": 30},
            NODE | {"level": "excellent", "leg": "client_down", "reasons": []},
            2000,
            "excellent",
            id="the partner's way up loses, or they are mute, or away",
        ),
        pytest.param(
            "connected",
            WELL | {"lossPct": None, "rttMs": None},
            NODE | {"level": "excellent"},
            2000,
            "excellent",
            id="nothing comes",
        ),
        pytest.param("connected", WELL, NODE, 13000, "unknown", id="the node's word is old"),
        pytest.param("connected", WELL, None, 2000, "unknown", id="it has not spoken"),
        pytest.param("connected", None, NODE, 2000, "poor", id="a browser without figures"),
        pytest.param(
            "connected", WELL | {"silentMs": 4000}, NODE, 2000, "lost", id="nothing is heard of it"
        ),
        pytest.param("reconnecting", None, NODE, 2000, "lost", id="the connection is gone"),
        pytest.param("connecting", None, None, 2000, "unknown", id="it begins"),
    ],
)
async def test_the_mark_is_the_nodes_word_while_there_is_one(
    modules: Page, state: str, stats: Any, measured: Any, now: int, level: str
) -> None:
    said = await modules.evaluate(
        """async ([state, stats, client, now]) => {
          const { ownQuality } = await import("/views/call.js");
          return ownQuality({ state, stats, measured: { client } }, "client", now);
        }""",
        [state, stats, measured, now],
    )
    assert said["level"] == level
    # what the node said of another moment is no reason
    assert ("leg" in said) == (measured is not None and level not in {"lost", "unknown"})


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
    assert all(each.startswith("receiving: ") for each in said)
    assert [code for code, each in zip(ReasonCode, said, strict=True) if "6" not in each] == [
        ReasonCode.PAUSED
    ]
