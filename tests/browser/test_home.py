"""The page outside a call: specialists, history, settings, ratings, help."""

import pytest

from control.adapters.receipt_keys import public_keys
from control.adapters.signed_receipt import verified
from tests.browser import accessibility
from tests.browser.browser import Page
from tests.browser.gallery import Gallery
from tests.browser.people import Pair, Person

KEEP_BLOBS = """() => {
  globalThis.blobs = [];
  const make = URL.createObjectURL;
  URL.createObjectURL = (blob) => { globalThis.blobs.push(blob); return make(blob); };
}"""
IN_HEADING = "() => document.activeElement === document.querySelector('h1')"


@pytest.fixture(scope="module")
def home_gallery() -> Gallery:
    """Pictures of these screens."""
    return Gallery("home")


@pytest.fixture
def look(home_gallery: Gallery) -> "Look":
    """Looks at screens for people and for axe-core."""
    return Look(home_gallery)


class Look:
    """Takes pictures of a screen and checks that everybody can use it."""

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery

    def __call__(self, page: Page, screen: str) -> None:
        self._gallery.take(page, screen)
        accessibility.check(page, screen)


def go(person: Person, name: str, screen: str) -> None:
    """Follow a link, and have the keyboard at the new heading."""
    person.page.click(name)
    person.wait_screen(screen)
    person.page.wait_for(IN_HEADING)


def wait_text(page: Page, name: str, text: str) -> None:
    page.wait_for(
        """(name, text) => document.querySelector(`[data-testid="${name}"]`)
           ?.innerText.includes(text)""",
        name,
        text,
    )


def test_a_client_sees_live_whom_they_can_ask_and_why_not(local_pair: Pair, look: Look) -> None:
    client, specialist = local_pair.people
    reason = f"request-reason-{local_pair.specialist_id}"
    button = f"request-button-{local_pair.specialist_id}"
    client.arrive()
    accessibility.check(client.page, "signin")
    client.sign_in()
    wait_text(client.page, reason, "не е на линия")
    client.page.click(button)
    assert not client.page.is_visible("request-dialog")
    look(client.page, "home-offline")

    specialist.arrive()
    specialist.sign_in()
    wait_text(client.page, reason, "камерата му още не е готова")
    specialist.page.click("check-devices")
    specialist.wait_data("device-state", "state", "ready")
    accessibility.check(specialist.page, "devices")
    specialist.page.click("devices-done")
    client.wait_can_ask(local_pair.specialist_id)
    wait_text(client.page, reason, "")
    look(client.page, "home")
    look(specialist.page, "desk")

    specialist.page.click("online-switch")
    wait_text(client.page, reason, "не е на линия")
    specialist.wait_data("desk-online", "ready", "false")
    look(specialist.page, "desk-switched-off")
    specialist.page.click("online-switch")
    client.wait_can_ask(local_pair.specialist_id)

    specialist.page.fill("profile-price", "55.5")
    specialist.page.click("profile-takes-video")
    specialist.page.click("profile-save")
    wait_text(specialist.page, "profile-saved", "запазени")
    wait_text(client.page, reason, "не приема видео срещи")
    wait_text(client.page, "price", "55,50")


def test_specialists_are_found_added_and_removed(local_pair: Pair, look: Look) -> None:
    client = local_pair.client
    client.arrive()
    client.sign_in()
    id = local_pair.specialist_id
    client.page.click(f"remove-specialist-{id}")
    client.page.wait_hidden(f"specialist-{id}")
    client.page.wait_for(IN_HEADING)
    client.page.fill("find-input", "няма такъв")
    wait_text(client.page, "find-results", "Няма намерени")
    client.page.fill("find-input", "ортопед")
    client.page.wait_visible(f"add-specialist-{id}")
    accessibility.check(client.page, "home-empty")
    client.page.fill("find-input", "ортопед")
    client.page.wait_visible(f"add-specialist-{id}")
    go(client, f"found-specialist-{id}", "specialist")
    client.page.click("list-specialist")
    client.wait_data("list-specialist", "added", "true")
    wait_text(client.page, "summary", "Ортопед")
    client.page.wait_visible("specialist-ratings")
    look(client.page, "specialist")
    client.page.evaluate("() => history.back()")
    client.wait_screen("home")
    client.page.wait_visible(f"specialist-{id}")


def test_whoever_waits_may_look_around(local_pair: Pair, look: Look) -> None:
    client, specialist = local_pair.people
    local_pair.sign_in()
    id = local_pair.specialist_id

    def begin_to_ask() -> None:
        client.page.click(f"request-button-{id}")
        client.page.wait_visible("request-dialog")

    begin_to_ask()
    accessibility.check(client.page, "request", again=begin_to_ask)
    client.page.click("request-close")
    client.ask(id)
    accessibility.check(client.page, "waiting")
    go(client, "nav-home", "home")
    wait_text(client.page, "pending-requests", "Чакате отговор")
    wait_text(client.page, f"request-reason-{id}", "Вече имате изпратена заявка")
    look(client.page, "home-waiting")
    client.page.click(f"pending-{local_pair.consultation()['id']}")
    client.wait_screen("waiting")
    go(client, "nav-help", "help")
    specialist.wait_screen("incoming")
    accessibility.check(specialist.page, "incoming")

    def begin_to_decline() -> None:
        specialist.page.click("incoming-decline")
        specialist.page.wait_visible("decline-dialog")

    begin_to_decline()
    accessibility.check(specialist.page, "decline", again=begin_to_decline)
    specialist.page.fill("decline-reason", "В отпуск съм.")
    specialist.page.click("decline-confirm")
    client.wait_screen("outcome")
    accessibility.check(client.page, "outcome")
    client.page.click("outcome-home")
    client.wait_screen("home")


def test_a_consultation_stays_in_the_history_of_both(local_pair: Pair, look: Look) -> None:
    client, specialist = local_pair.people
    local_pair.sign_in()
    local_pair.start_call()
    for person in local_pair.people:
        accessibility.check(person.page, "call")
    client.page.click("call-menu-button")
    client.page.click("leave-button")
    client.page.click("leave-confirm")
    client.wait_screen("finish")
    client.page.click("rating-specialist-star-4")
    client.page.fill("rating-specialist-comment", "Търпеливо обяснение.")
    client.page.click("rating-specialist-send")
    wait_text(client.page, "rating-specialist-done", "Благодарим")
    accessibility.check(client.page, "finish")
    id = local_pair.consultation()["id"]
    for person in local_pair.people:
        person.page.click("finish-home")
        person.wait_screen("home")
        go(person, "nav-history", "history")
    wait_text(client.page, f"history-{id}", "Вие напуснахте")
    wait_text(specialist.page, f"history-{id}", "Клиентът напусна")
    look(client.page, "history")

    go(client, f"record-{id}", "record")
    wait_text(client.page, "record-purpose", local_pair.consultation()["purpose"])
    client.page.click("rating-specialist-star-5")
    client.page.click("rating-specialist-send")
    wait_text(client.page, "rating-specialist-done", "Благодарим")
    assert local_pair.consultation()["ratings"]["specialist"]["stars"] == 5
    look(client.page, "record-client")
    client.page.reload()
    client.wait_screen("record")
    client.page.evaluate(KEEP_BLOBS)
    client.page.click("receipt-show")
    wait_text(client.page, "receipt-events", "Консултацията приключи: Вие напуснахте")
    accessibility.check(client.page, "receipt", lambda: client.page.click("receipt-show"))
    client.page.click("receipt-download")
    kept = client.page.evaluate("() => globalThis.blobs.at(-1).text()")
    keys = public_keys(local_pair.api.do("GET", "/receipt-keys", "maria"))
    assert verified(kept.encode(), keys)["consultation_id"] == id
    go(specialist, f"record-{id}", "record")
    look(specialist.page, "record-specialist")
    assert not specialist.page.is_visible("rating-specialist")
    go(specialist, "nav-ratings", "ratings")
    wait_text(specialist.page, "comments-specialist", "Търпеливо обяснение.")
    look(specialist.page, "ratings")


def test_places_by_keyboard_alone(local_pair: Pair, look: Look) -> None:
    specialist = local_pair.specialist
    specialist.arrive()
    specialist.tab_to("nav-help")
    specialist.page.press("Enter")
    specialist.wait_screen("help")
    look(specialist.page, "help-signed-out")
    go(specialist, "nav-home", "signin")
    specialist.sign_in()
    for name in ("help", "history", "ratings", "home"):
        specialist.tab_to(f"nav-{name}")
        specialist.page.press("Enter")
        specialist.wait_screen(name)
        specialist.page.wait_for(IN_HEADING)
        assert (
            specialist.page.evaluate("() => document.querySelector('[aria-current]').dataset.name")
            == name
        )
    go(specialist, "nav-help", "help")
    look(specialist.page, "help")
    specialist.tab_to("language-switch")
    specialist.page.press("Enter")
    specialist.page.wait_for("() => document.documentElement.dataset.language === 'en'")
    # The switch keeps the keyboard, though it is another one now.
    focused = specialist.page.evaluate("() => document.activeElement?.dataset.testid")
    assert focused == "language-switch"


def test_operators_are_told_where_their_work_is(local_pair: Pair, look: Look) -> None:
    operator = local_pair.client
    operator.page.goto(f"{local_pair.url}/#access_token={local_pair.api.token('olga')}")
    operator.wait_screen("home")
    operator.page.wait_visible("operator")
    assert "access_token" not in operator.page.evaluate("() => location.href")
    look(operator.page, "operator")
    operator.page.click("operator-docs")
    operator.page.wait_for("() => location.pathname === '/docs'")
