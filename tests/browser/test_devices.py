"""Cameras and microphones that are denied, busy or missing, and a call without a camera."""

import pytest

from tests.browser import media
from tests.browser.browser import Browser
from tests.browser.gallery import Gallery
from tests.browser.people import CLIENT, SPECIALIST, Pair, Person
from tests.browser.server import Server

# The browser's own answer to getUserMedia, for whatever asks for one of `kinds`.
FAILING = """(() => {
  const devices = navigator.mediaDevices;
  const real = devices.getUserMedia.bind(devices);
  devices.getUserMedia = (wanted) =>
    %(kinds)s.some((kind) => wanted[kind])
      ? Promise.reject(new DOMException("it failed", "%(error)s"))
      : real(wanted);
})();"""
BOTH, CAMERA = '["audio", "video"]', '["video"]'


@pytest.mark.parametrize(
    ("error", "kinds", "state"),
    [
        ("NotAllowedError", BOTH, "denied"),
        ("NotReadableError", BOTH, "busy"),
        ("NotFoundError", BOTH, "missing"),
        ("NotFoundError", CAMERA, "audio-only"),
    ],
)
def test_device_that_fails_is_explained(
    error: str,
    kinds: str,
    state: str,
    local_server: Server,
    local_chromium: Browser,
    module_gallery: Gallery,
) -> None:
    failing = FAILING % {"kinds": kinds, "error": error}
    person = Person(SPECIALIST, local_chromium, local_server.url, preload=[failing])
    try:
        person.arrive()
        person.sign_in()
        person.page.click("check-devices")
        person.wait_data("device-state", "state", state)
        assert len(person.page.text("device-state")) > 20
        assert person.page.is_visible("device-retry")
        module_gallery.take(person.page, state)
        assert person.page.uncaught == []
    finally:
        person.close()


def test_client_without_a_camera_is_heard_and_sees(local_pair: Pair) -> None:
    failing = FAILING % {"kinds": CAMERA, "error": "NotFoundError"}
    local_pair.client.close()
    local_pair.client = Person(CLIENT, local_pair.client.browser, local_pair.url, preload=[failing])
    client, specialist = local_pair.people
    local_pair.sign_in()
    client.ask(local_pair.specialist_id)
    client.wait_data("device-state", "state", "audio-only")
    specialist.accept()
    for person in local_pair.people:
        person.wait_in_call()
    media.wait_for_media(client.page)
    media.wait_for_sound(specialist.page)
    assert media.faults_between(client=client.page) == []
    assert media.measured(media.measuring(specialist.page, 1.0)).frames_per_second == 0
    assert local_pair.consultation()["state"] == "active"
