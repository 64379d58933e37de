"""Consultations from the request to the ratings, over and over, by pairs of people.

A cycle has nine commands: the client asks, the specialist accepts, each takes a join token and
joins, the client leaves once their page was told that the session has started, and gives both
ratings. Each of the two has an open page, which is told of everything.
"""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from benchmarks.control.people import Page, Person
from benchmarks.control.run import ControlUnderLoad, Load
from benchmarks.lag import LagMeter

COMMANDS = 9
# Between the commands of a cycle when it is paced.
PACE_S = 0.2
PROFILE = {
    "summary": "Answers questions",
    "duration_s": 1800,
    "price": "40.00",
    "currency": "EUR",
    "takes_video": True,
}
# What a browser's has.
OFFER = "v=0\r\n" + "a=candidate of a browser, with all that belongs to it\r\n" * 100


@dataclass
class Latencies:
    """By command: seconds from the time at which it was to be sent until it was answered."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    # What is not among them: sent before this, by the loop's clock.
    since: float = 0.0

    async def of(self, name: str, due: float, command: Awaitable[Any]) -> Any:
        """Carry ``command`` out at ``due``."""
        now = time.monotonic()
        if due > now:
            await asyncio.sleep(due - now)
        answer = await command
        if due >= self.since:
            self.seconds[name].append(time.monotonic() - due)
        return answer


class Pair:
    """A client and a specialist."""

    def __init__(self, client: Person, specialist: Person, pages: tuple[Page, Page]) -> None:
        self.pages = pages
        self._client = client
        self._specialist = specialist
        self._in_use = asyncio.Lock()

    async def cycle(self, latencies: Latencies, times: Callable[[int], float]) -> None:
        """All of it. ``times`` says when the step of a number is due, at the earliest."""
        async with self._in_use:
            await self._cycle(latencies, times)

    async def _cycle(self, latencies: Latencies, times: Callable[[int], float]) -> None:
        client, specialist = self._client, self._specialist
        asked = await latencies.of(
            "request",
            times(0),
            client.call(
                "POST",
                "/consultations",
                {"specialist_id": specialist.id, "purpose": "Results of the blood test"},
            ),
        )
        path = f"/consultations/{asked['id']}"
        await latencies.of("accept", times(1), specialist.call("POST", f"{path}/accept"))
        await asyncio.gather(
            *(self._join(latencies, times, person, path) for person in (client, specialist))
        )
        await self.pages[0].started(asked["id"])
        await latencies.of("leave", times(4), client.call("POST", f"{path}/leave"))
        for step, subject in ((5, "specialist"), (6, "technical")):
            rating = {"stars": 5, "comment": "Heard and seen"}
            command = client.call("PUT", f"{path}/ratings/{subject}", rating)
            await latencies.of("rate", times(step), command)
        for page in self.pages:
            page.forget()

    async def _join(
        self, latencies: Latencies, times: Callable[[int], float], person: Person, path: str
    ) -> None:
        token = await latencies.of(
            "join token", times(2), person.call("POST", f"{path}/join-tokens")
        )
        body = {"token": token["token"], "offer": OFFER}
        await latencies.of("join", times(3), person.call("POST", "/join", body))


async def make_pairs(session: aiohttp.ClientSession, count: int) -> list[Pair]:
    """People who are known, with their pages open."""

    async def make(number: int) -> Pair:
        client = Person(session, f"client-{number}", "client")
        specialist = Person(session, f"specialist-{number}", "specialist")
        await specialist.call("PUT", "/me/profile", PROFILE)
        pages = (await client.page(), await specialist.page())
        for page in pages:
            await page.ready.wait()
        return Pair(client, specialist, pages)

    return list(await asyncio.gather(*(make(number) for number in range(count))))


@dataclass(frozen=True)
class Saturated:
    """As many cycles as went, and how many of them ended within the window of ``load``."""

    cycles: int
    latencies: Latencies
    load: Load


async def saturate(
    control: ControlUnderLoad, pairs: list[Pair], warm_up_s: float, seconds: float
) -> Saturated:
    """Every pair begins anew as soon as it is through."""
    began = time.monotonic()
    latencies = Latencies(since=began + warm_up_s)
    done: list[float] = []

    def at_once(step: int) -> float:
        return time.monotonic()

    async def go_on(pair: Pair) -> None:
        while time.monotonic() < began + warm_up_s + seconds:
            await pair.cycle(latencies, at_once)
            done.append(time.monotonic())

    going = [asyncio.create_task(go_on(pair)) for pair in pairs]
    await asyncio.sleep(warm_up_s)
    window = control.window()
    before = len(done)
    await asyncio.sleep(seconds)
    cycles = len(done) - before
    load = window.end()
    await asyncio.gather(*going)
    return Saturated(cycles, latencies, load)


@dataclass(frozen=True)
class Paced:
    """Cycles at a rate, and how late the event loops of the load and of control were (ms)."""

    latencies: Latencies
    late_ms: dict[str, float]
    control_late_ms: dict[str, float]
    load: Load


async def pace(
    control: ControlUnderLoad,
    pairs: list[Pair],
    per_second: float,
    warm_up_s: float,
    seconds: float,
    chance: random.Random,
) -> Paced:
    """Cycles begin at times that nobody who waits can move (a Poisson process).

    A command's latency counts from the time at which it was to be sent, so that one that was held
    up by a slow one before it counts as slow.
    """
    began = time.monotonic()
    latencies = Latencies(since=began + warm_up_s)
    meter = LagMeter()
    going = asyncio.create_task(
        _begin_cycles(latencies, pairs, per_second, began + warm_up_s + seconds, chance)
    )
    await asyncio.sleep(warm_up_s)
    window = control.window()
    control.process.ask(lag=True)
    meter.read()
    await asyncio.sleep(seconds)
    late_ms = meter.read()
    load = window.end()
    control_late_ms = control.process.ask(lag=True)
    await going
    return Paced(latencies, late_ms, control_late_ms, load)


async def _begin_cycles(
    latencies: Latencies,
    pairs: list[Pair],
    per_second: float,
    until: float,
    chance: random.Random,
) -> None:
    begun: list[asyncio.Task[None]] = []
    at = time.monotonic()
    while (at := at + chance.expovariate(per_second)) < until:
        await asyncio.sleep(max(0.0, at - time.monotonic()))

        def times(step: int, at: float = at) -> float:
            return at + step * PACE_S

        pair = pairs[len(begun) % len(pairs)]
        begun.append(asyncio.create_task(pair.cycle(latencies, times)))
    await asyncio.gather(*begun)
