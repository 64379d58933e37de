"""Probes: what a user's network carries to the node and back, found out before a call.

A probe is a room of its own on the node, with one browser in it twice: what its one connection
sends comes back on the other. The node measures it like any call. Nothing of it is stored.
"""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from statistics import mean, median

from control.adapters.errands import Errands
from control.adapters.scheduler import Clock
from control.errors import ControlError, NodeUnavailable, NotFound
from sfu.api import (
    PROBE_LASTS_S,
    Answer,
    CloseRoom,
    ConnectionQuality,
    Event,
    Join,
    LegQuality,
    OpenRoom,
    ParticipantConnected,
    Reply,
    Request,
)

SENDER, RECEIVER = "sender", "receiver"

MAX_VIDEO_BPS = 1_000_000
"""More is of no use to a picture of the page's camera, and would only take from others' calls."""

SETTLE_S = 2
"""Reports that do not count: a browser's estimate begins low, and overshoots before it settles."""

CALM_LOSS = 0.02
"""Up to so much loss a network carries what it is given."""

KEPT_S = 60.0
"""After its end a probe's figures can still be read for this long."""


@dataclass(frozen=True)
class WayFigures:
    """One direction after it had settled; None: nothing is known.

    Attributes:
        loss_pct: of the packets whose fate became known.
        bitrate_bps: what came through, UDP payload: in the best second, or where packets were lost
            on average.
    """

    loss_pct: float | None
    bitrate_bps: float


@dataclass
class Probe:
    """One probe. ``answers`` are the node's, to the sender's offer and to the receiver's."""

    id: str
    user_id: str
    answers: tuple[str, str]
    ends_at: float
    connected: set[str] = field(default_factory=set)
    _up: list[LegQuality] = field(default_factory=list)
    _down: list[LegQuality] = field(default_factory=list)
    _rtts_ms: list[float] = field(default_factory=list)

    def take(self, event: Event) -> None:
        """What the node tells of its room."""
        if isinstance(event, ParticipantConnected):
            self.connected.add(event.participant_id)
        if not isinstance(event, ConnectionQuality):
            return
        if event.rtt_ms is not None:
            self._rtts_ms.append(event.rtt_ms)
        if event.participant_id == SENDER:
            self._up.append(event.up)
        else:
            self._down.append(event.down)

    @property
    def is_connected(self) -> bool:
        """Whether both connections came about."""
        return self.connected == {SENDER, RECEIVER}

    @property
    def seconds(self) -> int:
        """How many seconds its figures are of, so far."""
        return max(min(len(self._up), len(self._down)) - SETTLE_S, 0)

    @property
    def rtt_ms(self) -> float | None:
        """The round trip while it sent."""
        return median(self._rtts_ms) if self._rtts_ms else None

    @property
    def up(self) -> WayFigures | None:
        """To the node."""
        return _figures(self._up, arrived=True)

    @property
    def down(self) -> WayFigures | None:
        """From the node."""
        return _figures(self._down, arrived=False)


class Probes:
    """Those of all users, one each. ``ask`` asks the node and raises a ControlError."""

    def __init__(
        self,
        ask: Callable[[Request], Awaitable[Reply]],
        errands: Errands,
        clock: Clock,
        max_video_bps: int,
    ) -> None:
        self._ask = ask
        self._errands = errands
        self._clock = clock
        self._max_video_bps = min(max_video_bps, MAX_VIDEO_BPS)
        self._probes: dict[str, Probe] = {}

    async def begin(self, user_id: str, sender_offer: str, receiver_offer: str) -> Probe:
        """A new probe in place of any earlier one of the user; raises what the node refuses."""
        return await self._errands.undisturbed(self._begin(user_id, sender_offer, receiver_offer))

    def of(self, user_id: str, probe_id: str) -> Probe:
        """A user's probe; raises NotFound."""
        probe = self._probes.get(probe_id)
        if probe is None or probe.user_id != user_id:
            raise NotFound("There is no such probe, or it ended too long ago.")
        return probe

    def end(self, probe: Probe) -> None:
        """Give its places back, without waiting for it; its figures stay for a while."""
        probe.ends_at = min(probe.ends_at, self._clock())
        self._errands.send(self._close(probe.id))

    def take(self, event: Event) -> None:
        """The node tells of a room that is no consultation's."""
        probe = self._probes.get(event.room_id)
        if probe is not None:
            probe.take(event)

    async def _begin(self, user_id: str, *offers: str) -> Probe:
        now = self._clock()
        for each in list(self._probes.values()):
            if each.user_id == user_id:
                await self._ask(CloseRoom(each.id))
            if each.user_id == user_id or now >= each.ends_at + KEPT_S:
                self._probes.pop(each.id, None)
        probe_id = f"probe-{uuid.uuid4().hex}"
        room = OpenRoom(probe_id, max_video_bps=self._max_video_bps, probe=True)
        await self._ask(room)
        try:
            answers = [
                await self._join(probe_id, participant, offer)
                for participant, offer in zip((SENDER, RECEIVER), offers, strict=True)
            ]
        except ControlError:
            self._errands.send(self._close(probe_id))
            raise
        probe = Probe(probe_id, user_id, (answers[0], answers[1]), self._clock() + PROBE_LASTS_S)
        self._probes[probe_id] = probe
        return probe

    async def _join(self, probe_id: str, participant: str, offer: str) -> str:
        reply = await self._ask(Join(probe_id, participant, uuid.uuid4().hex, offer))
        if not isinstance(reply, Answer):
            raise NodeUnavailable("The media node gave no answer to a join.")
        return reply.answer

    async def _close(self, probe_id: str) -> None:
        await self._ask(CloseRoom(probe_id))


def _figures(seconds: list[LegQuality], *, arrived: bool) -> WayFigures | None:
    """``arrived``: the bitrate is of what came; otherwise of what went, and may be lost."""
    settled = seconds[SETTLE_S:]
    if not settled:
        return None
    expected = sum(each.expected for each in settled)
    lost = max(sum(each.lost for each in settled), 0)
    rates_bps = [each.bitrate_bps for each in settled]
    if expected <= 0:
        return WayFigures(None, max(rates_bps))
    loss = min(lost / expected, 1)
    if loss <= CALM_LOSS:  # still rising, as that of a browser which begins low
        return WayFigures(100 * loss, max(rates_bps))
    if arrived:
        return WayFigures(100 * loss, mean(rates_bps))
    # Of packets that went earlier, and faster, one hears now: those that came are what counts.
    went = sum(each.packets for each in settled)
    came = min((expected - lost) / went, 1) if expected > went > 0 else 1 - loss
    return WayFigures(100 * loss, mean(rates_bps) * came)
