"""A browser whose network lets no UDP through, and a coturn set up by `rodrun turn-config`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.browser import Browser
from tests.browser.conftest import meeting
from tests.browser.network import CHROMIUM_HOST, SERVER_ADDRESS, Network
from tests.browser.server import Server
from tests.coturn import CoturnServer
from turn_config.coturn import Coturn

RELAY_HOST = "relay"
SECRET = "browser-tests-browser-tests-browser"
PORT = 3478
# The way that the newest connection of the page takes, once it has one.
WAY = """async () => {
  const { pc } = __probe.connections.at(-1);
  const stats = await pc.getStats();
  const { selectedCandidatePairId } = [...stats.values()].find(({ type }) => type === "transport");
  const { candidateType, relayProtocol } = stats.get(
    stats.get(selectedCandidatePairId).localCandidateId,
  );
  return [candidateType, relayProtocol];
}"""
PROBED = """() => {
  const { state } = document.querySelector('[data-testid="precheck"]').dataset;
  const { mark } = document.querySelector('[data-testid="precheck-path"]').dataset;
  return ["done", "failed"].includes(state) && mark;
}"""


@pytest.fixture(scope="module")
def relay(network: Network, logs: Path) -> Iterator[CoturnServer]:
    """The TURN server, on a machine of its own."""
    host = network.join(RELAY_HOST)
    settings = Coturn("turn.example.com", SECRET, (SERVER_ADDRESS,), port=PORT)
    relay = CoturnServer(settings, logs / "coturn", host.enter)
    yield relay
    relay.stop()


@pytest.fixture(scope="module")
def turn_server(
    network: Network, relay: CoturnServer, near_chromium: Browser, logs: Path
) -> Iterator[Server]:
    """A server beside the others, that knows of it."""
    secret = logs / "turn-secret"
    secret.write_text(SECRET)
    url = f"turn:{network.address(RELAY_HOST)}:{PORT}?transport=tcp"
    server = Server(
        *(SERVER_ADDRESS, 8444, 7879, logs / "turn-server"),
        options=("--tls", "auto", "--turn-url", url, "--turn-secret-file", str(secret)),
        enter=network.server.enter,
    )
    try:
        server.wait_ready(near_chromium)
        yield server
    finally:
        server.stop()


def test_where_no_udp_gets_through_a_call_goes_over_turn(
    network: Network, near_chromium: Browser, turn_server: Server
) -> None:
    network.block_udp(CHROMIUM_HOST)
    try:
        with meeting(turn_server, near_chromium, near_chromium) as pair:
            pair.sign_in()
            client = pair.client
            client.page.click("home-check")
            client.wait_data("precheck", "state", "running")
            assert client.page.wait_for(PROBED, timeout_s=20) == "warn"
            assert "TURN" in client.page.text("precheck-path")
            assert client.data("precheck-advice", "advice") in ("video", "coarse")
            client.page.click("devices-done")
            pair.start_call()
            for person in pair.people:
                assert person.page.evaluate(WAY) == ["relay", "tcp"]
            assert pair.faults(seconds=2) == []
    finally:
        network.allow_udp(CHROMIUM_HOST)
