"""Control in a process of its own, for benchmarks.

``python -m benchmarks.control.control_process FOLDER`` serves the API over a SQLite file in FOLDER,
as ``rodrun serve`` does, for a platform that signs its tokens with ``identity``; its node is an
``AnsweringNode``. It prints {"port": …} and then answers each line of JSON: {"live": {room:
silent_at, …}}: the participants of these rooms are heard from now on, the specialist until then
(null: always); {"lag": true} → how late its event loop has
been since it was last asked (``lag``; measured from the first time on); {"open": true} → how many
consultations are. It ends with its standard input.
"""

import asyncio
import gc
import json
import sys
from pathlib import Path
from typing import Any

import uvloop
from aiohttp import web

from benchmarks.control.node import AnsweringNode
from benchmarks.control.people import identity
from benchmarks.lag import LagMeter
from control.adapters.database import Database
from control.settings import Rate, Settings
from control.web.application import application
from control.web.service import SERVICE

HOST = "127.0.0.1"
LINE_LIMIT = 4 << 20
# All of the load comes from a few addresses, and is meant.
UNLIMITED = Rate(per_s=1e6, burst=1_000_000)


async def serve(folder: Path) -> None:
    """Run control until standard input ends."""
    reader = asyncio.StreamReader(LINE_LIMIT)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    node = AnsweringNode()
    settings = Settings(
        data_dir=folder, identity=identity(), user_rate=UNLIMITED, address_rate=UNLIMITED
    )
    database = await Database.open_file(folder / "rodrun.sqlite")
    app = application(database, node, settings)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0, backlog=1024).start()
    gc.collect()
    gc.freeze()
    reporting = asyncio.create_task(node.report())
    meters: list[LagMeter] = []
    _say({"port": runner.addresses[0][1]})
    while line := await reader.readline():
        _say(_carry_out(app, node, meters, json.loads(line)))
    reporting.cancel()
    await runner.cleanup()
    await database.close()


def _carry_out(
    app: web.Application, node: AnsweringNode, meters: list[LagMeter], request: dict[str, Any]
) -> dict[str, Any]:
    if "live" in request:
        node.take(request["live"])
    elif "open" in request:
        return {"open": len(app[SERVICE].live.open())}
    elif "lag" in request:
        if not meters:
            meters.append(LagMeter())
        return meters[0].read()
    return {}


def _say(reply: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(reply) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(serve(Path(sys.argv[1])))
