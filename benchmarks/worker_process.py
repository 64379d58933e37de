"""Our worker in a process of its own, for benchmarks.

``python -m benchmarks.worker_process HOST`` prints {"port": …} and then answers each line of JSON:
{"open_room": room} → {}; {"join": [room, participant, offer]} → {"answer": sdp} or
{"error": detail}; {"counts": true} → what the worker has counted. It ends with its standard input.
"""

import asyncio
import dataclasses
import json
import sys
from typing import Any

import uvloop

from sfu.api import Answer, Join, OpenRoom, Refused, Reply
from sfu.server import Worker, WorkerSettings

LINE_LIMIT = 1 << 20


async def serve(host: str) -> None:
    """Run a worker until standard input ends."""
    worker = await Worker.start(WorkerSettings(udp_host=host))
    reader = asyncio.StreamReader(LINE_LIMIT)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    draining = asyncio.create_task(_drain(worker))
    _say({"port": worker.port})
    while line := await reader.readline():
        _say(await _carry_out(worker, json.loads(line)))
    draining.cancel()
    await worker.stop()


async def _carry_out(worker: Worker, request: dict[str, Any]) -> dict[str, Any]:
    reply: Reply
    if "open_room" in request:
        reply = await worker.request(OpenRoom(request["open_room"]))
    elif "join" in request:
        room, participant, offer = request["join"]
        reply = await worker.request(Join(room, participant, f"{room}/{participant}", offer))
    else:
        return dataclasses.asdict(worker.counts())
    if isinstance(reply, Refused):
        return {"error": f"{reply.code}: {reply.detail}"}
    return {"answer": reply.answer} if isinstance(reply, Answer) else {}


async def _drain(worker: Worker) -> None:
    """Read the events, as control would."""
    while True:
        await worker.next_event()


def _say(reply: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(reply) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
