import asyncio

import pytest
from aiortc import RTCCertificate

from loadtest import participant
from loadtest.arrival_profile import PROFILES, fitted, read_profile
from loadtest.generator import Generator
from loadtest.participant import SRTP_PROFILES, ConnectFailed, Participant
from sfu.api import Answer, Join, OpenRoom
from sfu.server import Worker, WorkerSettings

HOST = "127.0.0.1"


@pytest.mark.parametrize("profile", sorted(SRTP_PROFILES))
async def test_two_participants_hear_each_other_through_a_worker(profile: str) -> None:
    worker = await Worker.start(WorkerSettings(udp_host=HOST))
    await worker.request(OpenRoom("room"))
    certificate = RTCCertificate.generateCertificate()
    people = [Participant(HOST, certificate, profile) for _ in range(2)]
    for index, person in enumerate(people):
        reply = await worker.request(Join("room", f"p{index}", f"c{index}", person.offer()))
        assert isinstance(reply, Answer)
        await person.connect(reply.answer)
    load = fitted(read_profile(PROFILES / "chromium-vp8.json"))
    generator = Generator(people, load)
    result = await asyncio.to_thread(lambda: generator.start(0.5, warm_up_s=0.5).finish())
    for person in people:
        person.close()
    await worker.stop()
    assert result.sent > 0
    assert result.received == result.sent
    assert not any(result.faults.values())


async def test_a_far_end_that_is_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(participant, "DEADLINE_S", 0.05)
    worker = await Worker.start(WorkerSettings(udp_host=HOST))
    await worker.request(OpenRoom("room"))
    person = Participant(HOST, RTCCertificate.generateCertificate(), "aes-128-gcm")
    reply = await worker.request(Join("room", "p", "c", person.offer()))
    await worker.stop()
    assert isinstance(reply, Answer)
    with pytest.raises(ConnectFailed, match="no ICE"):
        await person.connect(reply.answer)
    person.close()
