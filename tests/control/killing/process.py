"""Control in a process of its own: ``python -m tests.control.killing.process URL FOLDER PORT``."""

import asyncio
import sys
import time
from dataclasses import replace
from pathlib import Path

from aiohttp import web

from control.adapters.database import Database
from control.consultations.policy import PLATFORM
from control.settings import Identity, Rate, Settings
from control.web import application
from sfu.api import Answer, CloseRoom, Join, ParticipantHeard, Reply, Request
from tests.control.node import MemoryNode, quality_of

SECRET = b"the tests' secret, long enough for HS256"
IDENTITY = Identity(issuer="tests", audience="rodrun", secret=SECRET)
# So that each deadline fires often in a short test.
POLICY = replace(
    PLATFORM, accept_within_s=0.6, start_within_s=2.0, early_end_within_s=0.4, service_within_s=5.0
)
HEARD_EVERY_S = 0.2
MANY = Rate(per_s=100_000, burst=100_000)


class HearingNode(MemoryNode):
    """Hears everyone who joined, and measures their connections, until their room is closed."""

    def __init__(self) -> None:
        super().__init__()
        self._here: dict[tuple[str, str], str] = {}

    async def request(self, message: Request) -> Reply:
        """As a node that lost everything when its process was killed."""
        reply = await super().request(message)
        self.asked.clear()
        if isinstance(message, Join) and isinstance(reply, Answer):
            self._here[message.room_id, message.participant_id] = message.connection_id
        elif isinstance(message, CloseRoom):
            for place in [each for each in self._here if each[0] == message.room_id]:
                del self._here[place]
        return reply

    async def run(self) -> None:
        """Report, until cancelled."""
        while True:
            for (room_id, participant_id), connection_id in self._here.items():
                heard = ParticipantHeard(room_id, participant_id, connection_id, time.time())
                self.report(heard)
                self.report(quality_of(room_id, participant_id))
            await asyncio.sleep(HEARD_EVERY_S)


async def _serve(url: str, folder: Path, port: int) -> None:
    database = await Database.open(url)
    node = HearingNode()
    settings = Settings(
        data_dir=folder, identity=IDENTITY, policy=POLICY, user_rate=MANY, address_rate=MANY
    )
    runner = web.AppRunner(application(database, node, settings))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await node.run()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
