"""Our worker in a process of its own, for benchmarks.

``python -m benchmarks.worker_process HOST [SETTINGS]`` (a JSON object of ``PlaneSettings``) prints
{"port": …} and then answers each line of JSON: {"open_room": room} → {}; {"join": [room,
participant, offer]} → {"answer": sdp} or {"error": detail}; {"counts": true} → what the worker has
counted; {"lag": true} → how late its event loop has been since it was last asked (``lag``; measured
from the first time on); {"memory": true} → {"rss_kb": …}. It ends with its standard input.
"""

import asyncio
import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.lag import LagMeter
from sfu.api import Answer, Join, OpenRoom, Refused, Reply
from sfu.plane import PlaneSettings
from sfu.server import Worker, WorkerSettings

LINE_LIMIT = 1 << 20


async def serve(host: str, plane: PlaneSettings) -> None:
    """Run a worker until standard input ends."""
    worker = await Worker.start(WorkerSettings(udp_host=host, plane=plane))
    reader = asyncio.StreamReader(LINE_LIMIT)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    meters: list[LagMeter] = []
    draining = asyncio.create_task(_drain(worker))
    _say({"port": worker.port})
    while line := await reader.readline():
        _say(await _carry_out(worker, meters, json.loads(line)))
    draining.cancel()
    await worker.stop()


async def _carry_out(
    worker: Worker, meters: list[LagMeter], request: dict[str, Any]
) -> dict[str, Any]:
    reply: Reply
    if "open_room" in request:
        reply = await worker.request(OpenRoom(request["open_room"]))
    elif "join" in request:
        room, participant, offer = request["join"]
        reply = await worker.request(Join(room, participant, f"{room}/{participant}", offer))
    elif "lag" in request:
        if not meters:
            meters.append(LagMeter())
        return meters[0].read()
    elif "memory" in request:
        return {"rss_kb": _resident_kb()}
    else:
        return dataclasses.asdict(worker.counts())
    if isinstance(reply, Refused):
        return {"error": f"{reply.code}: {reply.detail}"}
    return {"answer": reply.answer} if isinstance(reply, Answer) else {}


def _resident_kb() -> int:
    """The resident set of this process (proc(5))."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0])


async def _drain(worker: Worker) -> None:
    """Read the events, as control would."""
    while True:
        await worker.next_event()


def _say(reply: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(reply) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1], PlaneSettings(**json.loads("".join(sys.argv[2:]) or "{}"))))
