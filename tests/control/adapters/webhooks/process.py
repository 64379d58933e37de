"""A process that tells of one session, until it is killed: DATABASE-FILE URL."""

import asyncio
import sys
import time
from pathlib import Path

from control.adapters.database import Database
from control.adapters.people import People
from control.adapters.store import Store
from control.adapters.webhooks.dispatcher import Webhooks
from control.settings import WebhookTarget
from tests.control.adapters.webhooks.receiver import SECRET
from tests.control.adapters.webhooks.story import Story


async def main(file: str, url: str) -> None:
    """Never ends by itself."""
    database = await Database.open_file(Path(file))
    webhooks = Webhooks(database, WebhookTarget(url, (SECRET,), allow_private=True), time.time)
    await webhooks.start()
    await Story(Store(database), People(database), "c1").told(time.time())
    await webhooks.run()


asyncio.run(main(*sys.argv[1:]))
