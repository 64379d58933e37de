"""schemathesis reads the description and sends whatever it can think of, good and bad."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from control.adapters.database import Database
from control.settings import Rate, Settings
from tests.control.people import Control, Page

# It takes a quarter of a minute on a machine that does nothing else.
GIVE_UP_AFTER_S = 180
EXAMPLES = 15
HOOKS = "tests.control.web.schemathesis_hooks"


@pytest.fixture
async def control(database: Database, tmp_path: Path) -> AsyncIterator[Control]:
    """Control whose limits are out of the way."""
    ample = Rate(per_s=1e6, burst=10**9)
    settings = Settings(data_dir=tmp_path, demo=True, user_rate=ample, address_rate=ample)
    made = Control(database, settings)
    await made.start()
    yield made
    await made.stop()


async def test_nothing_that_schemathesis_sends_is_answered_otherwise_than_described(
    control: Control, tmp_path: Path
) -> None:
    people = {name: await control.person(name) for name in ("maria", "ivan", "olga")}
    tokens = {name: person.token for name, person in people.items()}
    # The specialist is on line, and reads what is sent.
    page = await people["ivan"].page()
    meanwhile = [asyncio.create_task(_read(page)), asyncio.create_task(_connect(control))]
    run = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run"),
        str(control.http.make_url("/openapi.json")),
        *("--checks", "all", "--max-examples", str(EXAMPLES), "--seed", "1", "--warnings", "off"),
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([os.getcwd(), *sys.path]),
            "SCHEMATHESIS_HOOKS": HOOKS,
            "TOKENS": json.dumps(tokens),
            "NO_COLOR": "1",
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(GIVE_UP_AFTER_S):
        said, _ = await run.communicate()
    for task in meanwhile:
        task.cancel()
    await page.socket.close()
    assert run.returncode == 0, said.decode()
    # It came as far as into a session's commands.
    happened = set(control.service.live.happened)
    assert {"requested", "accepted", "started", "ended"} <= happened, said.decode()


async def _read(page: Page) -> None:
    while True:
        await page.next()


async def _connect(control: Control) -> None:
    """Both sides of whatever was accepted are in the room."""
    while True:
        for each in control.service.live.open():
            if each.is_joinable:
                await control.hear(each.id, "client", "specialist")
        await asyncio.sleep(0.05)
