"""A downlink too narrow for sound and picture: the picture pauses, and comes back by itself."""

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
PAUSED_WITHIN_S = 15.0
# From the pause on, when what was in the queue and asked for again has passed.
SETTLE_S, LISTEN_S = 1.5, 3.0
MOST_LOST = 0.05
MOST_CONCEALED = 0.2  # a busy machine plays late, too
# The pause is tried again after 5 and then 10 s; the browser needs a moment for a keyframe.
BACK_WITHIN_S = 20.0

ACTIVE = (
    """() => __probe.connections.at(-1).pc.getSenders()[1].getParameters().encodings[0].active"""
)
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


@pytest.fixture
def narrow_pair(
    network: Network, far_server: Server, near_chromium: Browser, logs: Path
) -> Iterator[Pair]:
    """Two Chromiums on machines of their own; that of the client will have a narrow downlink."""
    enter = network.host(FIREFOX_HOST).enter
    other = Browser(Kind.CHROMIUM, logs / "other.log", logs / "other-home", enter)
    try:
        with meeting(far_server, near_chromium, other) as pair:
            yield pair
    finally:
        other.close()


def wait_active(page: Page, active: bool, timeout_s: float) -> None:
    page.wait_for(f"(active) => ({ACTIVE})() === active", active, timeout_s=timeout_s)


def test_sound_survives_a_narrow_downlink_and_the_picture_returns(
    network: Network, narrow_pair: Pair, module_gallery: Gallery
) -> None:
    client, specialist = narrow_pair.people
    narrow_pair.sign_in()
    narrow_pair.start_call()
    before = media.negotiation(specialist.page)
    network.narrow(CHROMIUM_HOST, NARROW_KBIT_S)
    try:
        wait_active(specialist.page, False, PAUSED_WITHIN_S)
        listening = client.page.start(LISTEN, SETTLE_S, LISTEN_S)
        client.wait_notice("video-pause", "video-paused", timeout_s=3)
        module_gallery.take(client.page, "video-paused")
        specialist.wait_notice("video-pause", "own-video-paused", timeout_s=8)
        module_gallery.take(specialist.page, "own-video-paused")
        heard: dict[str, Any] = listening.result(20)
    finally:
        network.widen(CHROMIUM_HOST)
    assert heard["lost"] <= MOST_LOST * (heard["lost"] + heard["received"]), heard
    assert heard["concealed"] < MOST_CONCEALED, heard
    wait_active(specialist.page, True, BACK_WITHIN_S)
    media.wait_for_pictures(client.page)
    for person in (client, specialist):
        person.page.wait_hidden("video-pause")
    assert media.negotiation(specialist.page) == before, "no page had to negotiate anything"
