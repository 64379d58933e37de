"""The check of the network before a call, by real browsers over real networks to the real node."""

from collections.abc import Iterator

import pytest

from tests.browser import accessibility
from tests.browser.browser import Browser, Kind
from tests.browser.gallery import Gallery
from tests.browser.network import CHROMIUM_HOST, FIREFOX_HOST, SERVER_ADDRESS, Network
from tests.browser.people import CLIENT, Person
from tests.browser.server import Api, Server

NARROW_KBIT_S = 150
ADVICE = """(count) => {
  const { state } = document.querySelector('[data-testid="precheck"]').dataset;
  const { advice } = document.querySelector('[data-testid="precheck-advice"]').dataset;
  return __probe.connections.length >= 2 * count && state !== "running" && advice;
}"""
# Firefox's word for a connection that does not come about, of which the page hears, too.
ICE_FAILED = "uncaught: Error: WebRTC: ICE failed"
ROOMS = "rodrun_rooms"
PROBES = "rodrun_probes"


@pytest.fixture(params=[Kind.CHROMIUM, Kind.FIREFOX])
def person(
    request: pytest.FixtureRequest,
    far_server: Server,
    near_chromium: Browser,
    far_firefox: Browser,
) -> Iterator[Person]:
    """A client in either browser, at the check of devices and network."""
    browser = near_chromium if request.param is Kind.CHROMIUM else far_firefox
    person = Person(CLIENT, browser, far_server.url)
    person.arrive()
    person.sign_in()
    person.page.click("home-check")
    person.wait_screen("devices")
    yield person
    uncaught = [each for each in person.page.uncaught if not each.startswith(ICE_FAILED)]
    person.close()
    assert uncaught == [], "the page let exceptions pass"


def advice(person: Person, count: int) -> str:
    """What is advised when so many probes were made."""
    return str(person.page.wait_for(ADVICE, count, timeout_s=25))


def mark(person: Person, name: str) -> str | None:
    return person.data(f"precheck-{name}", "mark")


def test_what_the_network_carries_is_found_out_before_the_call(
    person: Person,
    near_chromium: Browser,
    far_server: Server,
    network: Network,
    module_gallery: Gallery,
) -> None:
    api = Api(near_chromium, far_server.url)  # a page in front of theirs would hide it
    page = person.page
    rooms = api.metrics()[ROOMS]
    # By itself, once the camera runs.
    person.wait_data("precheck", "state", "running")
    page.wait_for("() => __probe.connections.at(-1).connectedAt")
    counted = api.metrics()
    assert (counted[ROOMS], counted[PROBES]) == (rooms, 1)
    # A busy machine draws and encodes little, and only Chromium tells what it would send.
    assert advice(person, 1) in ("video", "coarse")
    for name in ("camera", "microphone", "path", "rtt"):
        assert mark(person, name) == "ok", name
    assert "ms" in page.text("precheck-rtt")
    assert "бит/с" in page.text("precheck-bitrate")
    assert "%" in page.text("precheck-loss")
    assert api.metrics()[PROBES] == 0, "its places are free again"
    module_gallery.take(page, f"good-{person.browser.kind}")

    host = CHROMIUM_HOST if person.browser.kind is Kind.CHROMIUM else FIREFOX_HOST
    network.narrow(host, NARROW_KBIT_S)
    try:
        page.click("precheck-again")
        assert advice(person, 2) == "audio-only"
        assert mark(person, "path") == "ok"
    finally:
        network.widen(host)

    network.block_udp(host)
    try:
        page.click("precheck-again")
        assert advice(person, 3) == "blocked"
        assert mark(person, "path") == "bad"
        assert f"UDP към {SERVER_ADDRESS}:" in page.text("precheck-advice")
    finally:
        network.allow_udp(host)
    if person.browser.kind is Kind.CHROMIUM:
        accessibility.check(page, "precheck")
    api.close()
