"""Plain aiortc as a server: two RTCPeerConnections a room, each sent the other's tracks by way of a
MediaRelay, as its documentation shows. It decodes and encodes all media.

As a process (``python -m benchmarks.peers.media_relay``) it prints {} and answers
{"rooms": [[offer, offer], …]} with {"answers": [[sdp, sdp], …]}. It ends with its standard input.
"""

import asyncio
import json
import sys
from typing import Any

import uvloop
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaRelay

LINE_LIMIT = 4 << 20


async def open_room(offers: list[str], relay: MediaRelay) -> list[RTCPeerConnection]:
    """Both connections, answered."""
    connections = [RTCPeerConnection() for _ in offers]
    tracks: list[list[MediaStreamTrack]] = []
    for connection, offer in zip(connections, offers, strict=True):
        heard: list[MediaStreamTrack] = []
        connection.on("track", heard.append)
        await connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        tracks.append(heard)
    for connection, heard in zip(connections, reversed(tracks), strict=True):
        for track in heard:
            connection.addTrack(relay.subscribe(track))
        await connection.setLocalDescription(await connection.createAnswer())
    return connections


async def serve() -> None:
    """Relay until standard input ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(LINE_LIMIT)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    relay = MediaRelay()
    everyone: list[RTCPeerConnection] = []
    _say({})
    while line := await reader.readline():
        answers = []
        for offers in json.loads(line)["rooms"]:
            connections = await open_room(offers, relay)
            everyone += connections
            answers.append([connection.localDescription.sdp for connection in connections])
        _say({"answers": answers})
    await asyncio.gather(*(connection.close() for connection in everyone))


def _say(reply: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(reply) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(serve())
