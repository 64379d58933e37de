"""Media flows through the servers of our own that are measured."""

import pytest

from benchmarks.forwarding import generator_core, patterns
from benchmarks.measurement import measure
from benchmarks.peers.own import start_asyncio_forwarder, start_relay
from benchmarks.peers.peer import Start
from loadtest.generator import Generator


@pytest.mark.parametrize(
    ("start", "srtp_profile"),
    [
        (start_asyncio_forwarder, "aes-128-gcm"),
        (start_asyncio_forwarder, "aes-cm-sha1-80"),
        (start_relay, "aes-128-gcm"),
    ],
)
async def test_one_room(start: Start, srtp_profile: str) -> None:
    load = patterns(["spread"])["spread"]
    with generator_core() as cores:
        async with start(cores[0], "127.0.0.1", srtp_profile) as peer:
            joined = await peer.join(1)
            generator = Generator(joined.participants, load, joined.hears)
            found = measure(peer, generator, 0.3, cores)
            generator.close()
    assert found.traffic.sent > 0
    assert found.traffic.received == found.traffic.sent
    assert not any(found.traffic.faults.values())
    assert found.cpu_us_per_packet > 0
