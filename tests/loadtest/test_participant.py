import asyncio
import socket

import pytest
from aioice import stun
from aiortc import RTCCertificate

from loadtest import participant
from loadtest.arrival_profile import PROFILES, fitted, read_profile
from loadtest.generator import Generator
from loadtest.participant import SRTP_PROFILES, ConnectFailed, Participant
from loadtest.session_description import RemoteDescription
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


async def test_the_checks_of_a_far_end_that_makes_some_are_answered() -> None:
    person = Participant(HOST, RTCCertificate.generateCertificate(), "aes-128-gcm")
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
        far.setblocking(False)
        far.bind((HOST, 0))
        far_address = far.getsockname()
        remote = RemoteDescription("ufrag", "password", (), (far_address,))
        connecting = asyncio.create_task(person.connect_to(remote))
        _, address = await loop.sock_recvfrom(far, 2048)
        replies: list[stun.Message] = []
        for password in ("wrong", person.local.ice_pwd):
            check = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
            check.attributes["USERNAME"] = f"{person.local.ice_ufrag}:ufrag"
            check.add_message_integrity(password.encode())
            await loop.sock_sendto(far, bytes(check), address)
        while not replies or replies[-1].message_class != stun.Class.RESPONSE:
            replies.append(stun.parse_message(await loop.sock_recv(far, 2048)))
        connecting.cancel()
        await asyncio.wait([connecting])
    person.close()
    assert replies[-1].transaction_id == check.transaction_id
    assert replies[-1].check_message_integrity(person.local.ice_pwd.encode())
    assert replies[-1].attributes["XOR-MAPPED-ADDRESS"] == far_address
