"""A client and a specialist at the page, doing what people do there."""

from collections.abc import Sequence
from typing import Any

from tests.browser import media
from tests.browser.browser import Browser, Page
from tests.browser.server import Api

CLIENT, SPECIALIST = "maria", "ivan"
PURPOSE = "Болки в коляното след бягане, от две седмици"
# The picture is small where it is not the point; a little above the least that a call must
# show, for browsers scale down when the processor is busy.
PICTURE = "480x270@20"


class Person:
    """Somebody signed in, or about to be, in a browser of their own."""

    def __init__(
        self,
        account: str,
        browser: Browser,
        url: str,
        picture: str = PICTURE,
        preload: Sequence[str] = (),
    ) -> None:
        self.account = account
        self.browser = browser
        self._preload = [media.PROBE, *preload]
        self.address = f"{url}/?video={picture}"
        self._user = browser.new_user()
        self.page = self.new_tab()

    def new_tab(self) -> Page:
        """Another tab of the same user, still empty."""
        return self._user.new_page(self._preload)

    def close(self) -> None:
        """Close all their tabs."""
        self._user.close()

    def arrive(self) -> None:
        """Open the page and see the sign-in."""
        self.page.goto(self.address)
        self.wait_screen("signin")

    def sign_in(self) -> None:
        """Sign in with the demo account and be at home."""
        self.page.click(f"demo-account-{self.account}")
        self.go_home()

    def go_home(self) -> None:
        """Wait until a sign-in is done and be at home; what an earlier test left is put away."""
        while (screen := self.page.wait_for(ARRIVED)) != "home":
            self.page.click(f"{screen}-home")

    def wait_screen(self, name: str, timeout_s: float = 15.0) -> None:
        """Wait until the page shows that screen."""
        self.page.wait_for(
            "(name) => document.documentElement.dataset.screen === name", name, timeout_s=timeout_s
        )

    def wait_in_call(self, timeout_s: float = 20.0) -> None:
        """Wait until the page is in the call and its connection is up."""
        self.wait_screen("call", timeout_s)
        self.page.wait_for(
            "() => document.documentElement.dataset.call === 'connected'", timeout_s=timeout_s
        )

    def wait_notice(self, name: str, notice: str, timeout_s: float = 15.0) -> None:
        """Wait for an element ``name`` that is visible and says ``notice``."""
        self.page.wait_for(
            """(name, notice) => [...document.querySelectorAll(`[data-testid="${name}"]`)]
               .some((each) => each.dataset.notice === notice && each.checkVisibility())""",
            name,
            notice,
            timeout_s=timeout_s,
        )

    def data(self, name: str, field: str) -> str | None:
        """The ``data-…`` attribute of an element; None when either is absent."""
        value: str | None = self.page.evaluate(
            """(name, field) =>
               document.querySelector(`[data-testid="${name}"]`)?.dataset[field] ?? null""",
            name,
            field,
        )
        return value

    def wait_data(self, name: str, field: str, value: str, timeout_s: float = 10.0) -> None:
        """Wait until that attribute has that value."""
        self.page.wait_for(
            """(name, field, value) =>
               document.querySelector(`[data-testid="${name}"]`)?.dataset[field] === value""",
            name,
            field,
            value,
            timeout_s=timeout_s,
        )

    def is_pressed(self, name: str) -> bool:
        """Whether a toggle is on."""
        pressed: bool = self.page.evaluate(
            """(name) => document.querySelector(`[data-testid="${name}"]`)
               .getAttribute("aria-pressed") === "true" """,
            name,
        )
        return pressed

    def wait_pressed(self, name: str, pressed: bool) -> None:
        """Wait until a toggle is on, or off."""
        self.page.wait_for(
            """(name, pressed) => document.querySelector(`[data-testid="${name}"]`)
               .getAttribute("aria-pressed") === String(pressed)""",
            name,
            pressed,
        )

    def toggle(self, name: str) -> None:
        """Click a toggle and wait until it has turned over."""
        before = self.is_pressed(name)
        self.page.click(name)
        self.wait_pressed(name, not before)

    def tab_to(self, name: str) -> None:
        """Move the focus to an element by the Tab key alone."""
        for _ in range(40):
            focused = self.page.evaluate("() => document.activeElement?.dataset.testid ?? null")
            if focused == name:
                return
            self.page.press("Tab")
        raise AssertionError(f"the Tab key does not lead to {name}")

    def make_camera_ready(self) -> None:
        """As a specialist: check camera and microphone, and be back at the desk, ready."""
        if self.data("desk-camera", "ready") == "true":
            return
        self.page.click("check-devices")
        self.wait_data("device-state", "state", "ready")
        self.page.click("devices-done")
        self.wait_screen("home")
        self.wait_data("desk-camera", "ready", "true")

    def wait_can_ask(self, specialist_id: str) -> None:
        """As a client: wait until the specialist is shown as online, with the camera ready."""
        self.page.wait_for(
            """(id) => {
              const row = document.querySelector(`[data-testid="specialist-${id}"]`);
              return row.querySelector("[data-testid=presence]").dataset.online === "true"
                && row.querySelector("[data-testid=camera]").dataset.ready === "true";
            }""",
            specialist_id,
        )

    def ask(self, specialist_id: str, purpose: str = PURPOSE) -> None:
        """As a client: send a request from home and be waiting."""
        self.page.click(f"request-button-{specialist_id}", timeout_s=15.0)
        self.page.wait_visible("request-dialog")
        self.page.fill("request-purpose", purpose)
        self.page.click("request-send")
        self.wait_screen("waiting")

    def accept(self) -> None:
        """As a specialist: accept the request that comes in."""
        self.wait_screen("incoming")
        self.page.click("incoming-accept")

    def describe(self) -> str:
        """What the page is doing and shows, for somebody who reads about a failure."""
        return str(self.page.evaluate(DESCRIBE))


DESCRIBE = """() => JSON.stringify({
  ...document.documentElement.dataset,
  shown: document.body.innerText.replace(/\\s+/g, " ").slice(0, 600),
  connections: __probe.connections.map(({ pc, connectedAt }) => ({
    signaling: pc.signalingState, connection: pc.connectionState, ice: pc.iceConnectionState,
    connectedAt,
  })),
  frames: __probe.frames.slice(-3),
}, null, 1)"""
# The first screen of somebody who has signed in, once everything is loaded.
ARRIVED = """() => {
  const { screen, events } = document.documentElement.dataset;
  return events === "open" && ["home", "outcome", "finish"].includes(screen) && screen;
}"""


class Pair:
    """A client and a specialist, each in a browser, at one server.

    ``preload``: scripts that run in their pages before the pages' own.
    """

    def __init__(
        self,
        url: str,
        client_browser: Browser,
        specialist_browser: Browser,
        picture: str = PICTURE,
        preload: Sequence[str] = (),
    ) -> None:
        self.url = url
        self.api = Api(client_browser, url)
        self.specialist_id: str = self.api.do("GET", "/me", SPECIALIST)["id"]
        self.end_all()
        self.set_terms()
        self.client = Person(CLIENT, client_browser, url, picture, preload)
        self.specialist = Person(SPECIALIST, specialist_browser, url, picture, preload)

    @property
    def people(self) -> tuple[Person, Person]:
        """The two of them."""
        return self.client, self.specialist

    def set_terms(self, duration_s: int = 1800) -> None:
        """Set what the specialist offers."""
        terms = {
            "summary": "Ортопед-травматолог с 18 години опит.",
            "duration_s": duration_s,
            "price": "40.00",
            "currency": "EUR",
            "takes_video": True,
        }
        self.api.do("PUT", "/me/profile", SPECIALIST, terms)

    def sign_in(self) -> None:
        """Both come home, the specialist with the camera ready."""
        for person in (self.specialist, self.client):
            person.arrive()
            person.sign_in()
        self.specialist.make_camera_ready()

    def start_call(self) -> None:
        """From both at home to both in the call with media."""
        self.client.ask(self.specialist_id)
        self.specialist.accept()
        for person in self.people:
            person.wait_in_call()
        for person in self.people:
            media.wait_for_media(person.page)

    def measuring(self, seconds: float = media.MEASURE_S) -> media.Running:
        """Begin to measure what both receive; see :meth:`measured`."""
        return {
            "client": media.measuring(self.client.page, seconds),
            "specialist": media.measuring(self.specialist.page, seconds),
        }

    def measured(self, running: media.Running) -> list[str]:
        """What was wrong with the media that each received meanwhile."""
        return media.faults(running)

    def faults(self, seconds: float = media.MEASURE_S) -> list[str]:
        """What is wrong with the media that each receives during the next seconds."""
        return self.measured(self.measuring(seconds))

    def consultation(self) -> Any:
        """The newest consultation, as the API tells it to the client."""
        return self.api.do("GET", "/consultations", CLIENT)[0]

    def end_all(self) -> None:
        """End whatever an earlier test left open."""
        for consultation in self.api.do("GET", "/consultations", SPECIALIST):
            path = f"/consultations/{consultation['id']}"
            if consultation["state"] == "requested":
                self.api.do("POST", f"{path}/decline", SPECIALIST, {})
            elif consultation["state"] in ("accepted", "active"):
                # The client's leaving ends it at once.
                self.api.do("POST", f"{path}/leave", CLIENT, {})

    def close(self) -> None:
        """Close their pages and end what is open."""
        uncaught = [line for person in self.people for line in person.page.uncaught]
        for person in self.people:
            person.close()
        self.end_all()
        self.api.close()
        assert uncaught == [], "the page let exceptions pass"
