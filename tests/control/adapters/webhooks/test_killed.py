"""A process is killed while it tells the platform what happened; the next one goes on."""

import asyncio
import sys
import time
from pathlib import Path

from control.adapters.database import Database
from control.adapters.webhooks.dispatcher import Webhooks
from control.settings import WebhookTarget
from tests.control.adapters.webhooks.receiver import SECRET, receiving
from tests.control.adapters.webhooks.story import ACCEPTED, ENDED, RATED, STARTED


async def test_kill_9_loses_no_webhook_and_keeps_their_order(tmp_path: Path) -> None:
    file = tmp_path / "rodrun.sqlite3"
    async with receiving() as receiver:
        receiver.silent_to.add("consultation.started")
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.control.adapters.webhooks.process", file, receiver.url
        )
        try:
            async with asyncio.timeout(30):
                while len(receiver.received) < 2:
                    receiver.arrived.clear()
                    await receiver.arrived.wait()
        finally:
            process.kill()
            await process.wait()
        receiver.silent_to.clear()
        database = await Database.open_file(file)
        target = WebhookTarget(receiver.url, (SECRET,), allow_private=True)
        webhooks = Webhooks(database, target, time.time)
        await webhooks.start()
        await webhooks.settled()
        assert receiver.ids == [f"c1.{seq}" for seq in (ACCEPTED, STARTED, STARTED, ENDED, RATED)]
        await webhooks.stop()
        await database.close()
