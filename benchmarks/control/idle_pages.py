"""What open pages on which nothing happens cost in memory."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass

from benchmarks.control.people import Page, Person, http
from benchmarks.control.run import ControlUnderLoad, Load
from loadtest.descriptors import raise_limit

# A few thousand connections come from each; there are 28 000 ports.
SOURCES = 8
OPENING_AT_ONCE = 50
WARM_UP = 50
# Longer than the time between two pings, so that each page has answered one.
SETTLE_S = 20.0
SPECIALISTS_EVERY = 10


@dataclass(frozen=True)
class IdlePages:
    """Resident sets in KiB: after a first few pages came and went, and with all of them open."""

    count: int
    still_open: int
    before_kb: int
    after_kb: int
    load: Load

    @property
    def growth_mib(self) -> float:
        """By all of them."""
        return (self.after_kb - self.before_kb) / 1024


async def open_pages(control: ControlUnderLoad, count: int, settle_s: float) -> IdlePages:
    """Open them, each of a user of its own, wait, and look."""
    raise_limit(count + 200)
    limit = asyncio.Semaphore(OPENING_AT_ONCE)
    async with AsyncExitStack() as stack:
        sessions = [
            await stack.enter_async_context(http(control.port, f"127.0.0.{source + 2}"))
            for source in range(SOURCES)
        ]

        async def make(number: int) -> Page:
            role = "client" if number % SPECIALISTS_EVERY else "specialist"
            person = Person(sessions[number % SOURCES], f"idle-{number}", role)
            async with limit:
                page = await person.page()
                await page.ready.wait()
            return page

        for page in await asyncio.gather(*(make(-1 - number) for number in range(WARM_UP))):
            await page.close()
        await asyncio.sleep(1)
        before_kb = control.resident_kb()
        pages = await asyncio.gather(*(make(number) for number in range(count)))
        window = control.window()
        await asyncio.sleep(settle_s)
        load = window.end()
        after_kb = control.resident_kb()
        still_open = sum(page.is_open for page in pages)
        await asyncio.gather(*(page.close() for page in pages))
    return IdlePages(count, still_open, before_kb, after_kb, load)
