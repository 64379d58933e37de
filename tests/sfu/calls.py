"""A worker with a call on it, for tests of what may happen to both."""

from collections.abc import Callable
from dataclasses import dataclass, field

from sfu.api import Answer, Event, Join, OpenRoom, RestartIce, VideoCodec
from sfu.server import Worker
from tests.sfu.peer import CHROMIUM, FIREFOX, Numbers, Peer

ROOM = "room"


@dataclass
class Call:
    """One worker, its peers, and the events that it has reported."""

    worker: Worker
    peers: list[Peer] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    async def open(self, codec: VideoCodec = VideoCodec.VP8) -> None:
        await self.worker.request(OpenRoom(ROOM, codec))

    async def join(
        self,
        participant: str,
        connection: str | None = None,
        numbers: Numbers = CHROMIUM,
        host: str = "127.0.0.1",
    ) -> Peer:
        """Join and connect."""
        peer, answer = await self.knock(participant, connection, numbers, host)
        await peer.connect(answer.answer)
        await self.until_event(
            lambda event: (
                type(event).__name__ == "ParticipantConnected"
                and getattr(event, "connection_id", "") == (connection or participant)
            )
        )
        return peer

    async def knock(
        self,
        participant: str,
        connection: str | None = None,
        numbers: Numbers = CHROMIUM,
        host: str = "127.0.0.1",
    ) -> tuple[Peer, Answer]:
        """Join without connecting yet; the socket is open."""
        peer = Peer(numbers, host)
        self.peers.append(peer)
        await peer.open()
        reply = await self.worker.request(
            Join(ROOM, participant, connection or participant, peer.offer())
        )
        assert isinstance(reply, Answer), reply
        peer.accept(reply.answer)
        return peer, reply

    async def start(self) -> tuple[Peer, Peer]:
        """A Chromium-like client and a Firefox-like specialist, connected."""
        await self.open()
        return await self.join("client"), await self.join("specialist", numbers=FIREFOX)

    async def restart_ice(self, peer: Peer, participant: str) -> str:
        """Re-offer with new credentials; gives back the answer."""
        peer.new_credentials()
        reply = await self.worker.request(RestartIce(ROOM, participant, participant, peer.offer()))
        assert isinstance(reply, Answer), reply
        return reply.answer

    async def until_event(self, wanted: Callable[[Event], bool]) -> Event:
        """Read events until ``wanted`` says yes to one."""
        while True:
            event = await self.worker.next_event()
            self.events.append(event)
            if wanted(event):
                return event

    async def goes_on(self) -> None:
        """Media sent now arrives, on every track and both ways."""
        one, other = self.peers[-2:]
        for sender, receiver in ((one, other), (other, one)):
            for mid in ("audio", "video", "screen"):
                await arrives(sender, receiver, mid)

    async def close(self) -> None:
        for peer in self.peers:
            await peer.close()
        await self.worker.stop()


async def arrives(sender: Peer, receiver: Peer, mid: str) -> None:
    """What ``sender`` sends on a track comes to ``receiver`` as its own numbers have it."""
    before = len(receiver.received_on(mid))
    payload = b"\x10\x00" + bytes(100 + before % 50)
    sent = sender.send_rtp(mid, payload)
    await receiver.until(lambda: len(receiver.received_on(mid)) > before)
    got = receiver.received_on(mid)[-1]
    assert got.payload == sent.payload
    assert got.marker == sent.marker
    numbers = receiver.numbers
    expected = numbers.opus if mid == "audio" else numbers.video["VP8"][0]
    assert got.payload_type == expected
