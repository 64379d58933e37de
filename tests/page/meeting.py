"""The pages of a client and a specialist at a real control, whose clock a test moves.

Their calls are real ones too, each with an opposite in its own page in place of the node; what the
node would report of them the test says itself.
"""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, ViewportSize, expect

from tests.browser.accessibility import AXE, RUN, TOO_WIDE
from tests.browser.gallery import FOLDER, LANGUAGE, SWITCH
from tests.control.people import Control, Person

OPPOSITE = Path(__file__).with_name("opposite.js")
DESKTOP = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=360, height=740)
# A busy machine takes its time.
expect.set_options(timeout=20_000)
ROLES = ("client", "specialist")
# The API is control's own, all but the two requests that carry SDP.
ANSWER = """{
  const ask = globalThis.fetch;
  let opposite = null;
  globalThis.fetch = async (url, init) => {
    if (!/\\/(join|ice-restart)$/.test(url)) return ask(url, init);
    const { Opposite } = await import("/opposite.js");
    opposite ??= Object.assign(new Opposite(), { picture: () => null });
    return opposite.fetch(url, init);
  };
}"""


class Seat:
    """One side of the meeting: a person, and their page once it is open."""

    def __init__(self, role: str, person: Person, page: Page) -> None:
        self.role = role
        self.person = person
        self.page = page

    async def open(self) -> None:
        """Load the page, signed in."""
        url = self.person.control.http.make_url("/?video=160x90@2")
        await self.page.goto(f"{url}#access_token={self.person.token}")

    async def click(self, *names: str) -> None:
        """Click one element after another."""
        for name in names:
            await self.page.get_by_test_id(name).click()

    async def sees(self, name: str, *words: str) -> None:
        """Wait until that element is visible, with these words in it."""
        element = self.page.get_by_test_id(name)
        await expect(element).to_be_visible()
        for each in words:
            await expect(element).to_contain_text(each)

    async def sees_no(self, name: str) -> None:
        """Wait until that element is absent or hidden."""
        await expect(self.page.get_by_test_id(name)).to_be_hidden()

    async def is_told(self, notice: str, *words: str, name: str = "notice") -> None:
        """Wait for a notice of that kind, passing by or (``call-notice``) over the picture."""
        element = self.page.locator(f"[data-testid={name}][data-notice={notice}]")
        await expect(element).to_be_visible()
        for each in words:
            await expect(element).to_contain_text(each)

    async def screen(self, name: str) -> None:
        """Wait for that screen."""
        await expect(self.page.locator("html")).to_have_attribute("data-screen", name)

    async def speak(self, language: str) -> None:
        """Let the page be in that language."""
        if await self.page.evaluate(LANGUAGE) != language:
            await self.page.evaluate(SWITCH)
            await expect(self.page.locator("html")).to_have_attribute("data-language", language)


class Meeting:
    """Two seats. ``look`` takes pictures of what one shows."""

    def __init__(self, control: Control, seats: Sequence[Seat]) -> None:
        self.control = control
        self.client, self.specialist = seats
        self.id = ""

    async def begin(self, duration_s: int = 1800) -> None:
        """Both open the page; request, acceptance, and both are heard of."""
        await self.set_terms(duration_s)
        await self.accept()
        await self.hear(*ROLES)
        for seat in (self.client, self.specialist):
            await expect(seat.page.get_by_test_id("time-left")).not_to_have_text("–:––")

    async def accept(self) -> None:
        """The same, up to the acceptance."""
        for seat in (self.specialist, self.client):
            await seat.open()
            await seat.screen("home")
        asked = await self.client.person.post(
            "/consultations", {"specialist_id": "ivan", "purpose": "Резултати"}, status=201
        )
        self.id = asked["id"]
        await self.specialist.person.post(f"{self.path}/accept")
        for seat in (self.client, self.specialist):
            await expect(seat.page.locator("html")).to_have_attribute("data-call", "connected")

    async def set_terms(self, duration_s: int) -> None:
        """What the specialist offers: so long for 40 euros."""
        terms = {"duration_s": duration_s, "price": "40.00", "currency": "EUR"}
        profile = {"summary": "Ортопед-травматолог.", "takes_video": True, **terms}
        await self.specialist.person.put("/me/profile", profile)

    @property
    def path(self) -> str:
        """The consultation in the API."""
        return f"/consultations/{self.id}"

    async def snapshot(self) -> Any:
        """The consultation as the client may read it."""
        return await self.client.person.get(self.path)

    async def hear(self, *roles: str, ago: float = 0.0) -> None:
        """The node hears these."""
        await self.control.hear(self.id, *roles, ago=ago)

    async def pass_time(self, seconds: float, *heard: str) -> None:
        """The clock moves, these having been heard to the last moment."""
        self.control.now += seconds
        await self.hear(*heard)
        await self.control.pass_time(0)

    async def look(
        self,
        seat: Seat,
        name: str,
        again: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Pictures in both languages, wide and narrow, and no fault that axe-core knows.

        ``again`` opens what a change of language closes.
        """
        faults: list[str] = []
        page = seat.page
        FOLDER.joinpath("call").mkdir(parents=True, exist_ok=True)
        for _ in range(2):
            language = await page.evaluate(LANGUAGE)
            if not await page.evaluate("() => 'axe' in globalThis"):
                await page.evaluate(f"() => {{ {AXE.read_text(encoding='utf-8')}\n}}")
            for width, size in (("phone", PHONE), ("desktop", DESKTOP)):
                await page.set_viewport_size(size)
                file = FOLDER / "call" / f"{name}-{seat.role}-{width}-{language}.png"
                await page.screenshot(path=file)
                if width == "phone":
                    faults += [f"{language} too wide: {it}" for it in await page.evaluate(TOO_WIDE)]
            faults += [f"{language}: {each}" for each in await page.evaluate(RUN)]
            await page.evaluate(SWITCH)
            if again:
                await again()
        assert not faults, "\n".join([name, *faults])


async def seat(browser: Browser, role: str, person: Person, bypass_csp: bool = False) -> Seat:
    """A page of that person in a browser context of their own."""
    context = await browser.new_context(viewport=DESKTOP, bypass_csp=bypass_csp)
    await context.add_init_script(ANSWER)
    await context.route(
        "**/opposite.js",
        lambda route: route.fulfill(path=OPPOSITE, content_type="text/javascript"),
    )
    return Seat(role, person, await context.new_page())
