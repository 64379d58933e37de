"""Plain aiortc in the contest: as many rooms as it can decode and encode for."""

import asyncio
import os
import time
from collections.abc import Sequence

from aiortc import RTCCertificate

from benchmarks import disturbance
from benchmarks.peers.coded_media import CodedLoad, CodedParticipant
from benchmarks.peers.contest import Entry
from benchmarks.server_process import ServerProcess
from loadtest.arrival_profile import ArrivalProfile
from loadtest.peer_description import audio_and_video, describe
from loadtest.session_description import read_transport

WARM_UP_S = 5.0  # two keyframes go by
FRAMES_PCT = 95.0  # arriving of those sent; fewer, and it cannot keep up


async def contend_aiortc(
    name: str,
    cores: tuple[int, int],
    host: str,
    srtp_profile: str,
    _load: ArrivalProfile,
    rooms: Sequence[int],
    seconds: float,
) -> list[Entry]:
    """One room, and then as the others; CPU is over the packets that were sent to it.

    It encodes anew, at 500 kbit/s unless told otherwise, so that fewer packets leave than came.
    """
    entries: list[Entry] = []
    load = CodedLoad()
    certificate = RTCCertificate.generateCertificate()
    joined_rooms = 0
    with ServerProcess("benchmarks.peers.media_relay", cores[0]) as process:
        process.read()
        try:
            for count in dict.fromkeys([1, *rooms]):
                joined = [
                    CodedParticipant(host, certificate, srtp_profile)
                    for _ in range(2 * (count - joined_rooms))
                ]
                joined_rooms = count
                await _join(process, joined)
                load.add(joined)
                before = disturbance.take_account(cores)
                from_s = time.monotonic() + WARM_UP_S
                running = asyncio.create_task(load.run(from_s, from_s + seconds))
                await asyncio.sleep(from_s - time.monotonic())
                used_ns = process.cpu_ns()
                counts = await running
                used_ns = process.cpu_ns() - used_ns
                after = disturbance.take_account(cores)
                arrived_pct = 100 * counts.frames_received / max(counts.frames_sent, 1)
                entries.append(
                    Entry(
                        name,
                        count,
                        round(used_ns / 1000 / max(counts.packets_sent, 1), 1),
                        round(max(100 - arrived_pct, 0.0), 1),
                        None,
                        None,
                        None
                        if arrived_pct >= FRAMES_PCT
                        else f"{arrived_pct:.0f} % of the video frames came through",
                        disturbance.between(before, after, (process.pid, os.getpid())).reason,
                        ({"cpu_pct": round(used_ns / 1e7 / seconds, 1), **vars(counts)},),
                    )
                )
                if entries[-1].saturated:
                    break
        finally:
            load.close()
    return entries


async def _join(process: ServerProcess, people: Sequence[CodedParticipant]) -> None:
    offers = [describe(person.local, audio_and_video("sendrecv")) for person in people]
    answers = process.ask(rooms=[offers[at : at + 2] for at in range(0, len(offers), 2)])["answers"]
    told = [answer for pair in answers for answer in pair]
    await asyncio.gather(
        *(
            person.connect_to(read_transport(answer))
            for person, answer in zip(people, told, strict=True)
        )
    )
