"""Rooms of other codecs than VP8, and a partner who lacks the room's."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.browser import media
from tests.browser.browser import Browser
from tests.browser.network import SERVER_ADDRESS, SERVER_ADDRESS_6, Network
from tests.browser.people import SPECIALIST, Pair
from tests.browser.server import Server, free_ports

CODEC = "() => __probe.videoCodec()"


@pytest.mark.parametrize(
    ("setting", "mime_type"),
    [("vp9", "video/VP9"), ("av1", "video/AV1"), ("h264", "video/H264")],
)
def test_room_plays_in_its_codec(
    setting: str, mime_type: str, local_chromium: Browser, logs: Path
) -> None:
    with ExitStack() as stack:
        http_port, udp_port = free_ports()
        server = Server(
            *("127.0.0.1", http_port, udp_port, logs / f"server-{setting}"),
            environment={"RODRUN_VIDEO_CODEC": setting},
        )
        stack.callback(server.stop)
        server.wait_ready(local_chromium)
        pair = Pair(server.url, local_chromium, local_chromium)
        stack.callback(pair.close)
        pair.sign_in()
        pair.start_call()
        for person in pair.people:
            person.page.wait_for(f"async () => (await ({CODEC})()) === {mime_type!r}")
        assert pair.faults(3.0) == []


def test_partner_without_the_codec_gets_the_other_to_rejoin_with_vp8(
    network: Network, near_chromium: Browser, far_firefox: Browser, logs: Path
) -> None:
    with ExitStack() as stack:
        server = Server(
            *(SERVER_ADDRESS, 8444, 7879, logs / "server-fallback"),
            udp_host=SERVER_ADDRESS_6,  # and so this is a call over IPv6, too
            options=("--tls", "auto"),
            enter=network.server.enter,
            environment={"RODRUN_VIDEO_CODEC": "h264"},
        )
        stack.callback(server.stop)
        server.wait_ready(near_chromium)
        pair = Pair(server.url, near_chromium, far_firefox)
        stack.callback(pair.close)
        client, specialist = pair.people
        pair.sign_in()
        client.ask(pair.specialist_id)
        specialist.wait_screen("incoming")
        # Accepted elsewhere, so that the page with H.264 is there first and alone.
        specialist.page.goto("about:blank")
        pair.api.do("POST", f"/consultations/{pair.consultation()['id']}/accept", SPECIALIST)
        client.wait_in_call()
        alone = media.negotiation(client.page)["connections"]
        sends = "() => rodrunCall.getStats().then((stats) => [...stats.values()]"
        sends += ".filter((each) => each.type === 'codec').map((each) => each.mimeType))"
        client.page.wait_for(f"async () => (await ({sends})()).includes('video/H264')")

        specialist.page.goto(specialist.address)
        for person in pair.people:
            person.wait_in_call()
            media.wait_for_media(person.page)
            person.page.wait_for(f"async () => (await ({CODEC})()) === 'video/VP8'")
        assert media.negotiation(client.page)["connections"] == alone + 1
        assert pair.faults() == []
