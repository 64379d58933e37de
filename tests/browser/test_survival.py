"""A downlink too narrow for sound and pictures: they pause, a shared screen last, and come back by
themselves."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser import media
from tests.browser.browser import Browser, Kind, Page
from tests.browser.conftest import meeting
from tests.browser.gallery import Gallery
from tests.browser.network import CHROMIUM_HOST, FIREFOX_HOST, Network
from tests.browser.people import Pair
from tests.browser.server import Server

NARROW_KBIT_S = 100
VERY_NARROW_KBIT_S = 80  # not even for a screen that hardly changes beside the sound
PAUSED_WITHIN_S = 15.0
# From the pause on, when what was in the queue has passed; nothing of the picture is sent again.
SETTLE_S, LISTEN_S = 1.5, 2.5
MOST_LOST = 0.05
MOST_CONCEALED = 0.2  # a busy machine plays late, too
# The pause is tried again after 5 and then 10 s; the browser needs a moment for a keyframe.
BACK_WITHIN_S = 20.0

# Lines of the connection.
CAMERA, SCREEN = 1, 2
ACTIVE = """(line) =>
  __probe.connections.at(-1).pc.getSenders()[line].getParameters().encodings[0].active"""
# Writes down when the page let its camera and its screen flow or not.
NOTE_PAUSES = """() => {
  const { pc } = __probe.connections.at(-1);
  const flows = (line) => pc.getSenders()[line].getParameters().encodings[0].active;
  const look = () => {
    const [camera, screen] = [flows(1), flows(2)];
    const last = __pauses.at(-1);
    if (last?.camera !== camera || last.screen !== screen)
      __pauses.push({ at: Date.now() / 1000, camera, screen });
  };
  globalThis.__pauses = [];
  setInterval(look, 100);
  look();
}"""
PAUSES = "() => __pauses"
# Keyframes decoded of the partner's camera and of their screen.
KEYFRAMES = """async () => {
  const { pc } = __probe.connections.at(-1);
  const found = [];
  for (const line of [1, 2])
    for (const report of (await pc.getTransceivers()[line].receiver.getStats()).values())
      if (report.type === "inbound-rtp") found.push(report.keyFramesDecoded);
  return found;
}"""
# Packets lost and the share of the sound that was made up, over some seconds.
LISTEN = """async (settle, seconds) => {
  const sleep = (s) => new Promise((resolve) => setTimeout(resolve, s * 1000));
  await sleep(settle);
  const { audio: before } = await __probe.received();
  await sleep(seconds);
  const { audio: after } = await __probe.received();
  const rose = (name) => after[name] - before[name];
  return {
    concealed: rose("concealedSamples") / rose("totalSamplesReceived"),
    lost: rose("packetsLost"),
    received: rose("packetsReceived"),
  };
}"""


@pytest.fixture(scope="module")
def other_chromium(network: Network, logs: Path) -> Iterator[Browser]:
    """A Chromium on the second machine, where Firefox is in other tests."""
    enter = network.host(FIREFOX_HOST).enter
    browser = Browser(Kind.CHROMIUM, logs / "other.log", logs / "other-home", enter)
    yield browser
    browser.close()


@pytest.fixture
def narrow_pair(
    far_server: Server, near_chromium: Browser, other_chromium: Browser
) -> Iterator[Pair]:
    """Two Chromiums on machines of their own; that of the client will have a narrow downlink."""
    with meeting(far_server, near_chromium, other_chromium) as pair:
        yield pair


def wait_active(page: Page, line: int, active: bool, timeout_s: float) -> None:
    asked = f"(line, active) => ({ACTIVE})(line) === active"
    page.wait_for(asked, line, active, timeout_s=timeout_s)


def check_sound(heard: dict[str, Any]) -> None:
    """What ``LISTEN`` found must be good enough to be understood."""
    assert heard["lost"] <= MOST_LOST * (heard["lost"] + heard["received"]), heard
    assert heard["concealed"] < MOST_CONCEALED, heard


def test_sound_survives_a_narrow_downlink_and_the_picture_returns(
    network: Network, narrow_pair: Pair, module_gallery: Gallery
) -> None:
    client, specialist = narrow_pair.people
    narrow_pair.sign_in()
    narrow_pair.start_call()
    before = media.negotiation(specialist.page)
    network.narrow(CHROMIUM_HOST, NARROW_KBIT_S)
    try:
        wait_active(specialist.page, CAMERA, False, PAUSED_WITHIN_S)
        listening = client.page.start(LISTEN, SETTLE_S, LISTEN_S)
        specialist.wait_notice("video-pause", "own-video-paused", timeout_s=3)
        # The client's own page hears of it over the narrow link, and that may take its time.
        client.wait_notice("video-pause", "video-paused")
        module_gallery.take(client.page, "video-paused")
        module_gallery.take(specialist.page, "own-video-paused")
        heard: dict[str, Any] = listening.result(20)
    finally:
        network.widen(CHROMIUM_HOST)
    check_sound(heard)
    wait_active(specialist.page, CAMERA, True, BACK_WITHIN_S)
    media.wait_for_pictures(client.page)
    for person in (client, specialist):
        person.page.wait_hidden("video-pause")
    assert media.negotiation(specialist.page) == before, "no page had to negotiate anything"


def test_a_shared_screen_outlives_the_camera_and_both_return(
    network: Network, narrow_pair: Pair
) -> None:
    client, specialist = narrow_pair.people
    narrow_pair.sign_in()
    narrow_pair.start_call()
    specialist.toggle("screen-button")
    client.page.wait_visible("remote-screen", timeout_s=10)
    before = media.negotiation(specialist.page)
    specialist.page.evaluate(NOTE_PAUSES)
    network.narrow(CHROMIUM_HOST, VERY_NARROW_KBIT_S)
    try:
        wait_active(specialist.page, CAMERA, False, PAUSED_WITHIN_S)
        specialist.wait_notice("video-pause", "own-camera-paused", timeout_s=3)
        wait_active(specialist.page, SCREEN, False, PAUSED_WITHIN_S)
        listening = client.page.start(LISTEN, SETTLE_S, LISTEN_S)
        # The client's own page hears of it over the narrow link, and that may take its time.
        specialist.wait_notice("video-pause", "own-video-paused", timeout_s=3)
        heard: dict[str, Any] = listening.result(20)
        keyframes = client.page.evaluate(KEYFRAMES)
    finally:
        network.widen(CHROMIUM_HOST)
    check_sound(heard)
    for line in (CAMERA, SCREEN):
        wait_active(specialist.page, line, True, BACK_WITHIN_S)
    media.wait_for_pictures(client.page)
    client.page.wait_visible("remote-screen")
    for person in (client, specialist):
        person.page.wait_hidden("video-pause")
    noted = [(each["camera"], each["screen"]) for each in specialist.page.evaluate(PAUSES)]
    assert noted[:2] == [(True, True), (False, True)], "the camera goes first"
    assert (True, False) not in noted[: noted.index((False, False))], noted
    after = client.page.evaluate(KEYFRAMES)
    assert all(now > then for now, then in zip(after, keyframes, strict=True)), (keyframes, after)
    assert media.negotiation(specialist.page) == before, "no page had to negotiate anything"
