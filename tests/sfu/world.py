"""A node in simulated time: real offers in, commands and events out."""

import random
from pathlib import Path

import numpy as np

from sfu.api import Answer, Done, Join, OpenRoom, RefusalCode, Refused, Reply, Request, VideoCodec
from sfu.negotiation import Candidate
from sfu.node import Node, Output
from sfu.plane import Column, OwnCounts, Snapshot, blank_snapshot
from sfu.plane_commands import OpenSlot
from tests.sfu.checks import binding_request
from tests.sfu.peer import Answer as ReadAnswer

OFFERS = Path(__file__).parent.parent / "fixtures" / "offers"
CHROMIUM_OFFER = (OFFERS / "chromium-camera.sdp").read_bytes().decode()
RESTART_OFFER = (OFFERS / "chromium-camera-restart.sdp").read_bytes().decode()
FIREFOX_OFFER = (OFFERS / "firefox-camera.sdp").read_bytes().decode()
OURS = (("sha-256", ":".join(["AB"] * 32)),)
PHONE = ("203.0.113.5", 40_000)


class Measured:
    """What the plane would have measured; ``counts`` is by slot."""

    def __init__(self, slots: int) -> None:
        self.heard_at: dict[int, float] = {}
        self.counts = blank_snapshot(slots)
        self.own = OwnCounts()
        self.late_s = 0.0

    def heard_s(self) -> Column:
        return np.array([self.heard_at.get(slot, 0.0) for slot in range(self.counts.slots.size)])

    def own_counts(self) -> OwnCounts:
        return self.own

    def behind_s(self) -> float:
        return self.late_s

    def snapshot(self, slots: Column) -> Snapshot:
        return self.counts.of(slots)


class World:
    """A node, its time, and everything that it wants done."""

    def __init__(self, max_participants: int = 8) -> None:
        here = Candidate("192.0.2.1", 5000)
        self.node = Node((here,), OURS, random.Random(7), float, max_participants)
        self.measured = Measured(max_participants)
        self.now = 1000.0

    def ask(self, message: Request) -> tuple[Reply, list[Output]]:
        return self.node.request(message, self.now)

    def open(self, codec: VideoCodec = VideoCodec.VP8) -> None:
        assert self.ask(OpenRoom("room", codec)) == (Done(), [])

    def join(
        self, participant: str, connection: str | None = None, offer: str = CHROMIUM_OFFER
    ) -> tuple[Answer, int, list[Output]]:
        reply, outputs = self.ask(Join("room", participant, connection or participant, offer))
        assert isinstance(reply, Answer), reply
        (slot,) = [output.slot for output in outputs if isinstance(output, OpenSlot)]
        return reply, slot, outputs

    def secure(self, slot: int) -> list[Output]:
        self.measured.heard_at[slot] = self.now
        return self.node.secured(slot, self.now, self.measured)

    def call(self) -> tuple[int, int]:
        self.open()
        slots = (self.join("client")[1], self.join("specialist", offer=FIREFOX_OFFER)[1])
        for slot in slots:
            self.secure(slot)
        return slots

    def run(self, seconds: float) -> list[tuple[float, Output]]:
        """Tick along; each output with the seconds since the beginning of this run."""
        began, happened = self.now, list[tuple[float, Output]]()
        for _ in range(round(seconds * 10)):
            self.now += 0.1
            outputs = self.node.tick(self.now, self.measured)
            happened += [(round(self.now - began, 1), output) for output in outputs]
        return happened


def refusal(reply: Reply) -> RefusalCode:
    assert isinstance(reply, Refused), reply
    assert reply.detail
    return reply.code


def check(answer: ReadAnswer, *, pwd: str | None = None, use_candidate: bool = False) -> bytes:
    ufrag = next(line for line in CHROMIUM_OFFER.splitlines() if line.startswith("a=ice-ufrag:"))
    return binding_request(
        username=f"{answer.ufrag}:{ufrag.partition(':')[2]}",
        pwd=pwd or answer.pwd,
        use_candidate=use_candidate,
    )
