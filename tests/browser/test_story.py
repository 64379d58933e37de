"""A whole consultation in the page, from the sign-in to the two ratings."""

from tests.browser import media
from tests.browser.gallery import Gallery
from tests.browser.people import PURPOSE, Pair, Person

# The shortest session that a specialist can offer.
SHORTEST_S = 10
COMMENT = "Ясно и търпеливо обяснение. Благодаря!"


def check_mute(speaker: Person, listener: Person) -> None:
    """A muted microphone is silence at the other side, and speech again after."""
    speaker.toggle("mute-button")
    media.wait_for_silence(listener.page)
    speaker.toggle("mute-button")
    media.wait_for_sound(listener.page)


def check_camera(filmed: Person, viewer: Person) -> None:
    """A camera that is off sends no pictures; it comes back without a new connection."""
    before = media.negotiation(viewer.page)
    filmed.toggle("camera-button")
    media.wait_for_stillness(viewer.page)
    filmed.toggle("camera-button")
    media.wait_for_pictures(viewer.page)
    assert media.negotiation(viewer.page) == before


def check_screen(sharer: Person, viewer: Person, gallery: Gallery) -> None:
    """A shared screen appears beside the camera and goes when the sharing ends."""
    before = [media.negotiation(person.page) for person in (sharer, viewer)]
    sharer.toggle("screen-button")
    viewer.page.wait_visible("remote-screen", timeout_s=10)
    viewer.page.wait_for("async () => (await __probe.framesDecoded(1)) > 0")
    gallery.take(viewer.page, "screen-shared-with-us")
    gallery.take(sharer.page, "screen-shared-by-us")
    sharer.toggle("screen-button")
    viewer.page.wait_hidden("remote-screen", timeout_s=10)
    assert [media.negotiation(person.page) for person in (sharer, viewer)] == before


def check_early_end(client: Person, specialist: Person, gallery: Gallery) -> None:
    """The client proposes, is refused, proposes again and is heard."""

    def open_menu() -> None:
        if not client.page.is_visible("call-menu"):
            client.page.click("call-menu-button")
            client.page.wait_visible("call-menu")

    open_menu()
    gallery.take(client.page, "call-menu", again=open_menu)
    client.page.click("propose-early-end")
    specialist.page.wait_visible("early-end-question")
    client.page.wait_visible("early-end-pending")
    gallery.take(specialist.page, "early-end-question")
    gallery.take(client.page, "early-end-pending")
    specialist.page.click("early-end-refuse")
    client.wait_notice("notice", "early-end-refused")
    gallery.take(client.page, "early-end-refused")
    specialist.page.wait_hidden("early-end-question")

    open_menu()
    client.page.click("propose-early-end")
    specialist.page.click("early-end-accept")


def rate(client: Person, what: str, stars: int) -> None:
    client.page.click(f"rating-{what}-star-{stars}")
    client.page.fill(f"rating-{what}-comment", COMMENT)
    client.page.click(f"rating-{what}-send")
    client.page.wait_visible(f"rating-{what}-done")


def test_consultation_from_sign_in_to_ratings(pair: Pair, gallery: Gallery) -> None:
    client, specialist = pair.people

    client.arrive()
    gallery.take(client.page, "signin")
    client.sign_in()
    specialist.arrive()
    specialist.sign_in()
    gallery.take(client.page, "home-specialist-without-camera")
    specialist.page.click("check-devices")
    specialist.wait_data("device-state", "state", "ready")
    gallery.take(specialist.page, "devices")
    specialist.page.click("devices-done")
    specialist.wait_screen("home")
    gallery.take(specialist.page, "desk")

    client.wait_can_ask(pair.specialist_id)
    gallery.take(client.page, "home")

    def begin_to_ask() -> None:
        client.page.click(f"request-button-{pair.specialist_id}")
        client.page.wait_visible("request-dialog")
        client.page.click("purpose-example-0")
        client.page.fill("request-purpose", PURPOSE)

    begin_to_ask()
    gallery.take(client.page, "request", again=begin_to_ask)
    client.page.click("request-send")
    client.wait_screen("waiting")
    client.wait_data("device-state", "state", "ready")
    assert PURPOSE in client.page.text("waiting-purpose")
    gallery.take(client.page, "waiting")
    specialist.wait_screen("incoming")
    assert PURPOSE in specialist.page.text("incoming-purpose")
    specialist.wait_data("device-state", "state", "ready")
    gallery.take(specialist.page, "incoming")
    specialist.page.click("incoming-accept")

    # Nothing to click from here to a conversation.
    for person in pair.people:
        person.wait_in_call()
    for person in pair.people:
        media.wait_for_media(person.page)
    assert pair.faults() == []
    assert pair.consultation()["state"] == "active"
    for person in pair.people:
        person.page.wait_for(
            """() => /\\d+:\\d\\d/.test(
                 document.querySelector("[data-testid=time-left]").innerText)"""
        )
        person.page.wait_for(
            """() => ["excellent", "good"].includes(
                 document.querySelector("[data-testid=quality]").dataset.level)"""
        )
    gallery.take(client.page, "call-client")
    gallery.take(specialist.page, "call-specialist")

    for one, other in ((client, specialist), (specialist, client)):
        check_mute(one, other)
        check_camera(one, other)
    check_screen(client, specialist, gallery)

    check_early_end(client, specialist, gallery)
    for person in pair.people:
        person.wait_screen("finish")
        assert person.data("finish-reason", "reason") == "early_end_agreed"
    gallery.take(specialist.page, "finish-specialist")
    assert pair.consultation()["end"]["reason"] == "early_end_agreed"

    gallery.take(client.page, "finish-client")
    rate(client, "specialist", 5)
    rate(client, "technical", 4)
    gallery.take(client.page, "finish-rated")
    ratings = pair.consultation()["ratings"]
    assert {subject: (each["stars"], each["comment"]) for subject, each in ratings.items()} == {
        "specialist": (5, COMMENT),
        "technical": (4, COMMENT),
    }
    assert specialist.page.is_visible("rating-specialist") is False
    for person in pair.people:
        person.page.click("finish-home")
        person.wait_screen("home")


def test_request_is_declined_with_a_reason(local_pair: Pair, module_gallery: Gallery) -> None:
    client, specialist = local_pair.people
    local_pair.sign_in()
    client.ask(local_pair.specialist_id)
    specialist.wait_screen("incoming")

    def begin_to_decline() -> None:
        specialist.page.click("incoming-decline")
        specialist.page.wait_visible("decline-dialog")
        specialist.page.fill("decline-reason", "Вашият случай е за ревматолог.")

    begin_to_decline()
    module_gallery.take(specialist.page, "decline", again=begin_to_decline)
    specialist.page.click("decline-confirm")
    client.wait_screen("outcome")
    assert "ревматолог" in client.page.text("outcome-reason")
    module_gallery.take(client.page, "declined")
    specialist.wait_screen("home")
    client.page.click("outcome-home")
    client.wait_screen("home")


def test_request_and_call_by_keyboard_alone(local_pair: Pair) -> None:
    client, specialist = local_pair.people

    def choose(person: Person, *names: str) -> None:
        for name in names:
            person.page.wait_visible(name)
            person.tab_to(name)
            person.page.press("Enter")

    specialist.arrive()
    choose(specialist, "demo-account-ivan")
    specialist.go_home()
    choose(specialist, "check-devices")
    specialist.wait_data("device-state", "state", "ready")
    choose(specialist, "devices-done")
    client.arrive()
    choose(client, "demo-account-maria")
    client.go_home()
    client.wait_can_ask(local_pair.specialist_id)
    choose(client, f"request-button-{local_pair.specialist_id}")
    client.page.wait_visible("request-dialog")
    client.tab_to("request-purpose")
    client.page.type(PURPOSE)
    choose(client, "request-send")
    specialist.wait_screen("incoming")
    choose(specialist, "incoming-accept")
    for person in local_pair.people:
        person.wait_in_call()
    muted = client.is_pressed("mute-button")
    choose(client, "mute-button")
    client.wait_pressed("mute-button", not muted)
    choose(client, "call-menu-button", "propose-early-end")
    choose(specialist, "early-end-accept")
    client.wait_screen("finish")


def test_client_cancels_the_request(local_pair: Pair, module_gallery: Gallery) -> None:
    client, specialist = local_pair.people
    local_pair.sign_in()
    client.ask(local_pair.specialist_id)
    specialist.wait_screen("incoming")
    client.page.click("waiting-cancel")
    client.wait_screen("home")
    specialist.wait_screen("home")
    specialist.wait_notice("notice", "request-cancelled")
    module_gallery.take(specialist.page, "request-cancelled")
    assert local_pair.consultation()["state"] == "cancelled"


def test_specialist_leaves(local_pair: Pair, module_gallery: Gallery) -> None:
    client, specialist = local_pair.people
    local_pair.sign_in()
    local_pair.start_call()

    def begin_to_leave() -> None:
        specialist.page.click("call-menu-button")
        specialist.page.click("leave-button")
        specialist.page.wait_visible("leave-dialog")

    begin_to_leave()
    module_gallery.take(specialist.page, "leave", again=begin_to_leave)
    specialist.page.click("leave-confirm")
    client.wait_screen("finish")
    assert client.data("finish-reason", "reason") == "specialist_left"
    module_gallery.take(client.page, "specialist-left")
    end = local_pair.consultation()["end"]
    assert (end["reason"], end["by"]) == ("specialist_left", "specialist")


def test_session_ends_by_time(local_pair: Pair, module_gallery: Gallery) -> None:
    client, _ = local_pair.people
    local_pair.set_terms(duration_s=SHORTEST_S)
    local_pair.sign_in()
    local_pair.start_call()
    started = local_pair.consultation()
    assert started["ends_at"] - started["started_at"] == SHORTEST_S
    for person in local_pair.people:
        person.wait_screen("finish", timeout_s=SHORTEST_S + 2)
        assert person.data("finish-reason", "reason") == "completed"
    ended = local_pair.consultation()
    assert 0 <= ended["ended_at"] - ended["ends_at"] < 1
    module_gallery.take(client.page, "completed")
