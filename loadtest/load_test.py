"""A load test from its beginning to its end, whatever happens in between."""

import asyncio
import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable

from aiortc import RTCCertificate

from loadtest.api import Api, CannotBegin, Refused
from loadtest.arrival_profile import PROFILES, ArrivalProfile, fitted, read_profile, spread
from loadtest.hostility import refuse_other_machines
from loadtest.media import Media, Second
from loadtest.participant import Participant
from loadtest.percentiles import of_values
from loadtest.plays import PLAYS
from loadtest.record import Record, Tick
from loadtest.scenario import MAX_SESSION_S, Scenario
from loadtest.server_watch import ServerMetrics
from loadtest.stage import ServerGone, Stage
from loadtest.user import User
from loadtest.virtual_consultation import SRTP_PROFILE, CallFailed, VirtualConsultation

LOOK_EVERY_S = 1.0
MEDIA_LATE_S = 0.5  # so long the media's thread may need to sum its second up
POLL_S = 0.02
NICENESS = 10
GONE_AFTER_S = 6.0  # without an answer

_GONE = f"the server did not answer for {GONE_AFTER_S:g} s"

OnTick = Callable[[Record], None]


class LoadTest:
    """One load test.

    Args:
        operator_token: of the deployment; "" to sign in to a demo.
        metrics: addresses of the servers' metrics.
        on_tick: called each second.
        stands_back: give the thread of the media precedence over this one, for good.
        media: made by ``load_media``, for that compiles, and started.
    """

    def __init__(
        self,
        scenario: Scenario,
        api: Api,
        media: Media,
        operator_token: str = "",
        metrics: ServerMetrics | None = None,
        on_tick: OnTick = lambda _: None,
        *,
        stands_back: bool = False,
    ) -> None:
        self.record = Record()
        self.media = media
        self._scenario = scenario
        self._api = api
        self._operator_token = operator_token
        self._metrics = metrics
        self._on_tick = on_tick
        self._stands_back = stands_back

    async def run(self, interrupted: asyncio.Event) -> Record:
        """Until it is over, ``interrupted``, or the server is gone; the record in any case.

        Raises:
            CannotBegin: before there was anything to record.
        """
        try:
            return await self._run(interrupted)
        finally:
            await self.media.stop()

    async def _run(self, interrupted: asyncio.Event) -> Record:
        scenario, api = self._scenario, self._api
        if scenario.kind == "hostile":
            refuse_other_machines(api.host)
        if self._metrics is not None:
            await self._metrics.begin()
        operator = self._operator_token or await api.operator_token()
        minted = await api.mint(operator, scenario.calls, round(scenario.longest_s))
        certificate = RTCCertificate.generateCertificate()
        host = _own_address(api.host, api.port)
        duration_s = round(min(MAX_SESSION_S, max(60.0, scenario.longest_s)))
        waiting = [
            VirtualConsultation(
                User(api, pair["client"]),
                User(api, pair["specialist"]),
                self.media,
                host,
                certificate,
                duration_s,
            )
            for pair in reversed(minted)
        ]
        stage = Stage(scenario, self.record, self.media, waiting)
        if self._stands_back:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        anybody = waiting[-1].client
        looking = asyncio.create_task(self._look(stage, anybody))
        playing = asyncio.create_task(self._play(stage))
        stopping = asyncio.create_task(interrupted.wait())
        tasks = (looking, playing, stopping)
        gone = False
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            stopped = _why_stopped(looking, playing, stopping)
            gone = stopped is None and await _is_gone(anybody)
            self.record.stopped = _GONE if gone else stopped
        finally:
            for task in (playing, stopping):
                task.cancel()
            await asyncio.wait((playing, stopping))
            await stage.clear(with_api=not (gone or looking.done()))
            looking.cancel()
            await asyncio.wait((looking,))
        return self.record

    async def _play(self, stage: Stage) -> None:
        await PLAYS[self._scenario.kind](stage)

    async def _look(self, stage: Stage, user: User) -> None:
        """Once a second: what was measured, and whether the server still answers."""
        answered = time.monotonic()
        asking: asyncio.Task[None] | None = None
        due = time.monotonic()
        told = len(self.media.seconds)
        while True:
            due += LOOK_EVERY_S
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            lag_ms = max(0.0, (time.monotonic() - due) * 1e3)
            if asking is None or asking.done():
                if asking is not None and asking.exception() is None:
                    answered = time.monotonic()
                asking = asyncio.create_task(_ask(user))
            load = await self._metrics.read() if self._metrics is not None else None
            fresh = await self._media_since(told)
            told += len(fresh)
            latest = fresh[-1] if fresh else None
            if time.monotonic() > due + LOOK_EVERY_S / 2:
                due = time.monotonic()  # the media's seconds are a little longer than ours
            self.record.ticks.append(
                Tick(
                    t=round(time.monotonic() - self.record.begun, 2),
                    calls=len(stage.up),
                    failed=self.record.failed,
                    sent=sum(each.sent for each in fresh),
                    received=sum(each.received for each in fresh),
                    recovered=sum(each.recovered for each in fresh),
                    latency_ms=latest.latency_ms if latest else {},
                    jitter_ms=latest.jitter_ms if latest else {},
                    api_ms=of_values(self._api.take_recent()),
                    generator_cpu_pct=latest.cpu_pct if latest else 0.0,
                    lag_ms=round(lag_ms, 2),
                    cpu_pct=load.cpu_pct if load else None,
                    memory_mib=load.memory_mib if load else None,
                )
            )
            self._on_tick(self.record)
            if time.monotonic() - answered > GONE_AFTER_S:
                asking.cancel()
                raise ServerGone(_GONE)

    async def _media_since(self, told: int) -> list[Second]:
        """The media's seconds after the first ``told``, each of which is told once."""
        deadline = time.monotonic() + MEDIA_LATE_S
        while time.monotonic() < deadline:
            if len(self.media.seconds) > told:
                break
            await asyncio.sleep(POLL_S)
        return self.media.seconds[told:]


async def _ask(user: User) -> None:
    try:
        await user.call("alive", "GET", "/me")
    except Refused as refused:
        if refused.status in (0, 502, 503, 504):
            raise


async def _is_gone(user: User) -> bool:
    """Whether the server gives no answer: what ended by itself may have ended for that."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GONE_AFTER_S):
            while True:
                try:
                    await _ask(user)
                except Refused:
                    await asyncio.sleep(LOOK_EVERY_S)
                else:
                    return False
    return True


def _why_stopped(
    looking: asyncio.Task[None], playing: asyncio.Task[None], stopping: asyncio.Task[bool]
) -> str | None:
    if looking.done():
        error = looking.exception()
        if isinstance(error, ServerGone):
            return str(error)
        if error is not None:
            raise error
    if playing.done():
        error = playing.exception()
        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]
        if isinstance(error, CallFailed):
            return f"{error.stage}: {error.reason}"
        if error is not None:
            raise error
        return None
    return "interrupted" if stopping.done() else None


def load_media(scenario: Scenario) -> Media:
    """The generator of a scenario; compiles it the first time."""
    profile: ArrivalProfile = fitted(
        read_profile(PROFILES / "chromium-vp8.json"), video_pps=scenario.video_pps
    )
    trailer = Participant.trailer_of(SRTP_PROFILE)
    shaped = spread(profile) if scenario.spread else profile
    return Media(shaped, 2 * scenario.calls, trailer, dtx=scenario.dtx)


def _own_address(host: str, port: int) -> str:
    """The address of this machine from which the server is reached; an IPv4 one."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((host, port))
        return str(probe.getsockname()[0])
    raise CannotBegin(f"{host} is not reached over IPv4, which the load test needs for media.")
