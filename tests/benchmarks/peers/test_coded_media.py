import time
from collections.abc import Iterator

import pytest
from aiortc import RTCCertificate

from benchmarks.peers.coded_media import (
    AUDIO_RATE,
    FRAME_RATE,
    LOOP_S,
    CodedLoad,
    CodedParticipant,
)


@pytest.fixture(scope="module")
def load() -> Iterator[CodedLoad]:
    one = CodedLoad()
    yield one
    one.close()


def test_the_loop_is_two_seconds_of_what_a_browser_sends(load: CodedLoad) -> None:
    packets = load._packets
    video = [packet for packet in packets if packet.video]
    assert sum(packet.frame_end for packet in video) == LOOP_S * FRAME_RATE
    assert len(packets) - len(video) == pytest.approx(LOOP_S * AUDIO_RATE, abs=2)
    assert 100 < len(video) / LOOP_S < 250
    # RFC 7741: behind the descriptor the frame tag, whose lowest bit is 0 for a keyframe
    assert video[0].payload[4] & 1 == 0


async def test_two_participants_exchange_it_and_go_on(load: CodedLoad) -> None:
    certificate = RTCCertificate.generateCertificate()
    people = [CodedParticipant("127.0.0.1", certificate, "aes-128-gcm") for _ in range(2)]
    keys = [person.make_key() for person in people]
    people[0].expect(people[1].socket.getsockname(), keys[0], keys[1])
    people[1].expect(people[0].socket.getsockname(), keys[1], keys[0])
    load.add(people)
    for _ in range(2):
        load._began = time.monotonic() - LOOP_S + 0.01  # a loop begins at once
        now = time.monotonic()
        counts = await load.run(now, now + 0.3)
        assert counts.frames_received > 0
        assert 0.8 * counts.packets_sent <= counts.packets_received <= counts.packets_sent
