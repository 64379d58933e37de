"""What the scenarios do with their calls, one function each."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from loadtest.drops import play_drop
from loadtest.hostility import Hostility
from loadtest.ramp import ramp
from loadtest.stage import Stage
from loadtest.virtual_consultation import CallFailed, VirtualConsultation


async def steady(stage: Stage) -> None:
    """All calls are up for so long; one that would outlast its session is followed by another."""
    scenario = stage.scenario
    await stage.begin_many(scenario.calls, scenario.starts_per_s)
    over = time.monotonic() + scenario.duration_s

    async def hold(call: VirtualConsultation) -> None:
        held: VirtualConsultation | None = call
        while held is not None:
            until = held.phases.begun_s + scenario.session_s
            await asyncio.sleep(max(0.0, min(until, over) - time.monotonic()))
            if until >= over:
                return
            await stage.end(held)
            held = await stage.begin()

    async with asyncio.TaskGroup() as tasks:
        for call in list(stage.up):
            tasks.create_task(hold(call))
    await asyncio.sleep(max(0.0, over - time.monotonic()))


async def churn(stage: Stage) -> None:
    """Short calls, one after the other, so many beside each other."""
    scenario = stage.scenario
    over = time.monotonic() + scenario.duration_s

    async def one_after_the_other(number: int) -> None:
        await asyncio.sleep(number / scenario.starts_per_s)
        while time.monotonic() < over:
            call = await stage.begin()
            if call is None:
                return
            await asyncio.sleep(scenario.call_s)
            await stage.end(call)

    async with asyncio.TaskGroup() as tasks:
        for number in range(scenario.calls):
            tasks.create_task(one_after_the_other(number))


async def rush(stage: Stage) -> None:
    """The top of the hour: consultations are agreed on, and all join within some seconds."""
    scenario = stage.scenario
    agreed: list[VirtualConsultation] = []

    async def agree() -> None:
        call = await stage.agree()
        if call is not None:
            agreed.append(call)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(scenario.calls):
            tasks.create_task(agree())
            await asyncio.sleep(1 / scenario.starts_per_s)
    async with asyncio.TaskGroup() as tasks:
        for call in agreed:
            tasks.create_task(stage.join(call))
            await asyncio.sleep(scenario.within_s / len(agreed))
    await asyncio.sleep(scenario.duration_s)


async def drops(stage: Stage) -> None:
    """Specialists' lines are cut for about as long as the rule allows."""
    scenario = stage.scenario
    await stage.begin_many(scenario.calls, scenario.starts_per_s)
    async with asyncio.TaskGroup() as tasks:
        for number, call in enumerate(list(stage.up)):
            silence_s = scenario.cuts_s[number % len(scenario.cuts_s)]
            # not all at one moment, and no two of a kind after each other
            tasks.create_task(play_drop(stage, call, silence_s, 2 + number / scenario.starts_per_s))


async def rejoin(stage: Stage) -> None:
    """One side of each call after the other comes back anew, again and again."""
    scenario = stage.scenario
    await stage.begin_many(scenario.calls, scenario.starts_per_s)
    over = time.monotonic() + scenario.duration_s

    async def come_back(call: VirtualConsultation, number: int) -> None:
        await asyncio.sleep(scenario.rejoin_every_s * (number + 1) / scenario.calls)
        roles = ("client", "specialist")
        for turn in range(1 << 30):
            if time.monotonic() >= over:
                return
            try:
                stage.record.rejoins_ms.append(await call.rejoin(roles[(number + turn) % 2]))
            except CallFailed as failure:
                await stage.give_up(call, failure)
                return
            await asyncio.sleep(scenario.rejoin_every_s)

    async with asyncio.TaskGroup() as tasks:
        for number, call in enumerate(list(stage.up)):
            tasks.create_task(come_back(call, number))


async def hostile(stage: Stage) -> None:
    """Good calls beside garbage, replays and a flood of nonsense against the API."""
    scenario = stage.scenario
    await stage.begin_many(scenario.calls, scenario.starts_per_s)
    async with Hostility(stage):
        await asyncio.sleep(scenario.duration_s)


PLAYS: dict[str, Callable[[Stage], Awaitable[None]]] = {
    "steady": steady,
    "soak": steady,
    "churn": churn,
    "rush": rush,
    "ramp": ramp,
    "drops": drops,
    "rejoin": rejoin,
    "hostile": hostile,
}
