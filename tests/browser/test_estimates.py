"""A browser without transport-wide feedback: the other's estimate (REMB) reaches its sender."""

import time

from tests.browser import media
from tests.browser.people import SPECIALIST, Pair, Person

ANSWER = "() => __probe.connections.at(-1).pc.remoteDescription.sdp"
RELAYED = 'rodrun_plane_events_total{event="remb_relayed"}'


def test_the_receivers_estimate_reaches_a_sender_without_transport_cc(local_pair: Pair) -> None:
    local_pair.specialist.close()
    local_pair.specialist = Person(
        SPECIALIST,
        local_pair.specialist.browser,
        local_pair.url,
        preload=[media.WITHOUT_TRANSPORT_CC],
    )
    before = local_pair.api.metrics()[RELAYED]
    local_pair.sign_in()
    local_pair.start_call()
    client, specialist = local_pair.people
    answer = specialist.page.evaluate(ANSWER)
    assert "goog-remb" in answer
    assert "transport-" not in answer
    assert "goog-remb" not in client.page.evaluate(ANSWER)
    deadline = time.monotonic() + 15.0
    while local_pair.api.metrics()[RELAYED] < before + 3:
        assert time.monotonic() < deadline, "the estimate does not reach the sender"
        time.sleep(0.5)
    assert media.measured(media.measuring(client.page, 1.0)).audio_packets > 0
