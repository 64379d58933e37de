"""The 15-second rule: a specialist whose network fails without a word."""

import time

from tests.browser import media
from tests.browser.gallery import Gallery
from tests.browser.network import Network
from tests.browser.people import Pair, Person

# Writes down when each screen came up, in Unix seconds.
NOTE_SCREENS = """() => {
  const root = document.documentElement;
  globalThis.__screens = {};
  new MutationObserver(() => { __screens[root.dataset.screen] ??= Date.now() / 1000; })
    .observe(root, { attributes: true, attributeFilter: ["data-screen"] });
}"""


def sleep_until(at: float) -> None:
    time.sleep(max(0.0, at - time.time()))


def flowing_again(person: Person, since: float) -> float:
    return media.back_at(person.page, since, timeout_s=8)


def test_specialist_lost_for_15_seconds_ends_the_session(
    network: Network, lost_pair: Pair, lost_host: str, module_gallery: Gallery
) -> None:
    client, specialist = lost_pair.people
    lost_pair.sign_in()
    lost_pair.start_call()
    client.page.evaluate(NOTE_SCREENS)
    cut_after = time.time()
    network.pull_out(lost_host)
    cut_before = time.time()
    try:
        client.wait_notice("call-notice", "specialist-reconnecting", timeout_s=7)
        module_gallery.take(client.page, "specialist-reconnecting")
        specialist.wait_notice("call-notice", "self-reconnecting")
        module_gallery.take(specialist.page, "self-reconnecting")
        sleep_until(cut_after + 14)
        assert lost_pair.consultation()["state"] == "active"
        assert client.page.is_visible("call-notice")
        client.wait_screen("finish", timeout_s=3)
    finally:
        network.plug_in(lost_host)
    finished = client.page.evaluate("() => __screens.finish")
    assert finished - cut_after > 14
    assert finished - cut_before <= 15.5
    assert client.data("finish-reason", "reason") == "specialist_connection_lost"
    consultation = lost_pair.consultation()
    assert consultation["state"] == "ended"
    assert consultation["end"]["reason"] == "specialist_connection_lost"
    assert consultation["ended_at"] - cut_before <= 15.5
    module_gallery.take(client.page, "specialist-connection-lost")
    # Back on the network, the specialist is told the same.
    specialist.wait_screen("finish", timeout_s=20)
    module_gallery.take(specialist.page, "own-connection-lost")


def test_specialist_back_after_10_seconds_resumes(
    network: Network, lost_pair: Pair, lost_host: str
) -> None:
    client, specialist = lost_pair.people
    lost_pair.sign_in()
    lost_pair.start_call()
    before = media.negotiation(client.page)
    cut = time.time()
    network.pull_out(lost_host)
    try:
        client.wait_notice("call-notice", "specialist-reconnecting", timeout_s=7)
        sleep_until(cut + 10)
    finally:
        network.plug_in(lost_host)
    back = time.time()
    for person in (client, specialist):
        assert flowing_again(person, back) - back <= 5
    client.page.wait_hidden("call-notice")
    specialist.page.wait_hidden("call-notice")
    assert media.negotiation(client.page) == before, "the client's page had to do something"
    assert lost_pair.faults() == []
    assert lost_pair.consultation()["state"] == "active"
