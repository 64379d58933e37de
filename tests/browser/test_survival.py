"""A downlink too narrow for sound and pictures: they pause, a shared screen last, and come back by
themselves."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import media
from tests.browser.browser import Browser, Kind, Page
from tests.browser.conftest import meeting
from tests.browser.gallery import Gallery
from tests.browser.network import CHROMIUM_HOST, FIREFOX_HOST, Network
from tests.browser.people import Pair
from tests.browser.server import Server

# Sound and feedback take 80, headers included: no room is left for the stillest screen.
NARROW_KBIT_S = 90
PAUSED_WITHIN_S = 15.0
# What the sender had in its pacer at the pause still comes, as slowly as it believes the way to be.
SETTLE_S = 3.5
LISTEN_S = 4.0  # before the picture is tried again
MOST_LOST = 0.05
MOST_CONCEALED = 0.2  # a busy machine plays late, too
# The pause is tried again after 5 and then 10 s; the browser needs a moment for a keyframe.
BACK_WITHIN_S = 20.0

# Lines of the connection.
CAMERA, SCREEN = 1, 2
ACTIVE = """(line) =>
  __probe.connections.at(-1).pc.getSenders()[line].getParameters().encodings[0].active"""
# Writes down why the client's connection is no better, as the page hears.
NOTE_QUALITY = """() => {
  const parse = JSON.parse;
  JSON.parse = (text) => {
    const heard = parse(text);
    if (heard?.type === "quality" && heard.participant === "client")
      globalThis.__reasons = heard.reasons.map(({ code }) => code);
    return heard;
  };
  globalThis.__reasons = [];
}"""
MISSED = '() => __reasons.includes("paused")'
PAUSED_AND_NOT_MISSED = f"() => !({MISSED})() && !({ACTIVE})(1)"
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
# Writes down what the receiver counted of the sound.
NOTE_SOUND = """() => {
  const look = async () => {
    const { audio } = await __probe.received();
    __sound.push({
      at: Date.now() / 1000,
      lost: audio.packetsLost,
      received: audio.packetsReceived,
      concealed: audio.concealedSamples,
      played: audio.totalSamplesReceived,
    });
  };
  globalThis.__sound = [];
  setInterval(look, 100);
}"""
SOUND = "() => __sound"
HEARD_UNTIL = "(at) => __sound.at(-1).at >= at"


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


def check_sound(client: Page, paused_at: float) -> None:
    """The client's sound must be good enough to be understood while the picture pauses."""
    since = paused_at + SETTLE_S
    client.wait_for(HEARD_UNTIL, since + LISTEN_S, timeout_s=SETTLE_S + LISTEN_S + 5)
    looks = [look for look in client.evaluate(SOUND) if since <= look["at"] <= since + LISTEN_S]
    rose = {name: looks[-1][name] - looks[0][name] for name in looks[0]}
    assert rose["at"] > LISTEN_S - 0.5, looks
    assert rose["lost"] <= MOST_LOST * (rose["lost"] + rose["received"]), rose
    assert rose["concealed"] < MOST_CONCEALED * rose["played"], rose


def test_sound_survives_a_narrow_downlink_and_the_picture_returns(
    network: Network, narrow_pair: Pair, module_gallery: Gallery
) -> None:
    client, specialist = narrow_pair.people
    narrow_pair.sign_in()
    narrow_pair.start_call()
    before = media.negotiation(specialist.page)
    client.page.evaluate(NOTE_SOUND)
    specialist.page.evaluate(NOTE_QUALITY)
    network.narrow(CHROMIUM_HOST, NARROW_KBIT_S)
    try:
        wait_active(specialist.page, CAMERA, False, PAUSED_WITHIN_S)
        specialist.wait_notice("video-pause", "own-video-paused", timeout_s=3)
        # The client's own page hears of it over the narrow link, and that may take its time.
        client.wait_notice("video-pause", "video-paused")
        # The first pause lasts 5 s, the second 10.
        wait_active(specialist.page, CAMERA, True, PAUSED_WITHIN_S)
        wait_active(specialist.page, CAMERA, False, PAUSED_WITHIN_S)
        paused_at = time.time()
        specialist.page.wait_for(MISSED, timeout_s=4)
        specialist.toggle("camera-button")
        specialist.page.wait_for(PAUSED_AND_NOT_MISSED, timeout_s=4)
        specialist.toggle("camera-button")
        check_sound(client.page, paused_at)
        specialist.wait_notice("video-pause", "own-video-paused", timeout_s=3)
        module_gallery.take(client.page, "video-paused")
        module_gallery.take(specialist.page, "own-video-paused")
    finally:
        network.widen(CHROMIUM_HOST)
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
    client.page.evaluate(NOTE_SOUND)
    network.narrow(CHROMIUM_HOST, NARROW_KBIT_S)
    try:
        wait_active(specialist.page, CAMERA, False, PAUSED_WITHIN_S)
        specialist.wait_notice("video-pause", "own-camera-paused", timeout_s=3)
        wait_active(specialist.page, SCREEN, False, PAUSED_WITHIN_S)
        paused_at = time.time()  # for 10 s: the second time in a row
        # The client's own page hears of it over the narrow link, and that may take its time.
        specialist.wait_notice("video-pause", "own-video-paused", timeout_s=3)
        check_sound(client.page, paused_at)
        keyframes = client.page.evaluate(KEYFRAMES)
    finally:
        network.widen(CHROMIUM_HOST)
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
