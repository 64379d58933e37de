"""Whoever waits alone in the call sends modestly, and freely once the partner is there."""

import time

from tests.browser import media
from tests.browser.gallery import Gallery
from tests.browser.people import SPECIALIST, Pair

ALONE_S = 30.0
OUTGOING = "() => __probe.outgoing()"


def test_alone_held_to_a_modest_rate_and_climbs_with_a_partner(
    large_pair: Pair, module_gallery: Gallery
) -> None:
    client, specialist = large_pair.people
    large_pair.sign_in()
    client.ask(large_pair.specialist_id)
    specialist.wait_screen("incoming")
    # Accepted elsewhere, so that the specialist's page is not there yet.
    specialist.page.goto("about:blank")
    consultation = large_pair.consultation()
    large_pair.api.do("POST", f"/consultations/{consultation['id']}/accept", SPECIALIST)
    client.wait_in_call()
    connected = media.connected_at(client.page)
    client.wait_notice("call-notice", "partner-expected")
    module_gallery.take(client.page, "specialist-expected")

    time.sleep(max(0.0, connected + ALONE_S - time.time()))
    before = client.page.evaluate(OUTGOING)
    time.sleep(3)
    after = client.page.evaluate(OUTGOING)
    sent_bps = 8 * (after["bytesSent"] - before["bytesSent"]) / (after["at"] - before["at"]) * 1000
    print(f"alone: {after['availableBps']:.0f} available, {sent_bps:.0f} bit/s sent")
    for figures in (before, after):
        assert 300_000 <= figures["availableBps"] <= 600_000, figures
    assert sent_bps <= 650_000, sent_bps

    specialist.page.goto(specialist.address)
    specialist.wait_in_call()
    for person in large_pair.people:
        media.wait_for_media(person.page)
    for person in large_pair.people:  # the one who waited, and the one who came
        climbed = person.page.wait_for(
            """async () => {
              const figures = await __probe.outgoing();
              return figures.availableBps > 1_000_000 && figures;
            }""",
            timeout_s=15,
        )
        print(f"together: {climbed['availableBps']:.0f} available to {person.account}")
    assert large_pair.faults() == []
