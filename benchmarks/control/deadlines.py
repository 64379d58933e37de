"""How late a deadline is while many consultations are open.

The database is filled before control starts, with what the rules themselves made, as it would be
after a restart: requests, accepted consultations and sessions. Of sessions both participants are
alive by the node's reports, once a second each. Some deadlines of each kind come within the run,
evenly spread; all other consultations stay open until after it.
"""

import asyncio
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from benchmarks.control.people import Page, Person, http
from benchmarks.control.run import ControlUnderLoad, Load
from control.accounts import AccountRole
from control.adapters.database import Database
from control.adapters.people import People, User
from control.adapters.store import Store
from control.consultations.commands import Accept, Heard, perform
from control.consultations.consultation import Change
from control.consultations.parties import Party, Role, Terms
from control.consultations.policy import PLATFORM
from control.consultations.requests import request

TERMS = Terms(1800, Decimal("40.00"), "EUR", takes_video=True)
# Of the deadlines that come, and of what stays open.
SHARES = {"request": 0.5, "accepted": 0.2, "session": 0.2, "lost": 0.1}
STANDING = {"request": 0.85, "accepted": 0.05, "session": 0.1}
REQUESTS_A_SPECIALIST = 100
# What stays open does so for at least this long after the run, and begins to end after it.
STANDS_S = 20.0
SAVED_TOGETHER = 500
OPENING_AT_ONCE = 50


@dataclass(frozen=True)
class Planned:
    """A consultation, and when something happens to it by itself (Unix seconds).

    ``at`` of a lost connection is when the specialist falls silent; that of what is not to happen
    within the run lies after it.
    """

    kind: str
    specialist_id: str
    consultation_id: str
    at: float
    within: bool


@dataclass
class Lateness:
    """What came of the deadlines of the run, by kind.

    Attributes:
        recorded_s: the time on record less the deadline.
        told_s: when a page had read the event, less the deadline.
    """

    load: Load
    open_at_least: int
    sessions: int
    recorded_s: dict[str, list[float]] = field(default_factory=dict)
    told_s: dict[str, list[float]] = field(default_factory=dict)
    missing: int = 0


def plan(
    standing: int, per_second: float, begins_at: float, seconds: float, chance: random.Random
) -> Iterator[Planned]:
    """What is open when control starts."""
    number = 0
    for within, shares, count in (
        (True, SHARES, round(per_second * seconds)),
        (False, STANDING, standing),
    ):
        for kind, share in shares.items():
            for index in range(round(count * share)):
                at = begins_at + seconds * chance.random()
                if not within:
                    # Requests live for five minutes and must be older than now.
                    at = begins_at + seconds + STANDS_S + 60 * chance.random()
                group = index // REQUESTS_A_SPECIALIST if kind == "request" else index
                specialist = f"{kind}-{'within' if within else 'after'}-{group}"
                yield Planned(kind, specialist, f"{number:032x}", at, within)
                number += 1


def made(planned: Planned, now: float) -> list[Change]:
    """The consultation as the rules make it, with its whole history until ``now``."""
    client = Party(f"client-{planned.consultation_id}", "Client")
    specialist = Party(planned.specialist_id, "Specialist")
    match planned.kind:
        case "request":
            asked_at = planned.at - PLATFORM.accept_within_s
        case "accepted":
            asked_at = planned.at - PLATFORM.start_within_s - 10
        case "session":
            asked_at = planned.at - TERMS.duration_s - 20
        case _:
            asked_at = now - TERMS.duration_s / 2
    changes = request(
        planned.consultation_id,
        client,
        specialist,
        TERMS,
        "Results of the blood test",
        specialist_online=True,
        others=[],
        now=min(asked_at, now),
    )
    if planned.kind != "request":
        accept = Accept(Role.SPECIALIST)
        changes.append(perform(changes[-1].consultation, accept, asked_at + 10))
    if planned.kind in ("session", "lost"):
        for role in Role:
            heard = Heard(role, asked_at + 20)
            changes.append(perform(changes[-1].consultation, heard, asked_at + 20))
    return changes


async def fill(folder: Path, plans: list[Planned], now: float) -> None:
    """Write all of it down."""
    database = await Database.open_file(folder / "rodrun.sqlite")
    people, store = People(database), Store(database)
    for first in range(0, len(plans), SAVED_TOGETHER):
        changes = [each for one in plans[first : first + SAVED_TOGETHER] for each in made(one, now)]
        users = {
            party.id: User(party.id, party.name, role)
            for change in changes
            for party, role in (
                (change.consultation.client, AccountRole.CLIENT),
                (change.consultation.specialist, AccountRole.SPECIALIST),
            )
        }
        await asyncio.gather(*(people.save_user(user) for user in users.values()))
        await store.save(changes)
    await database.close()


async def follow(
    control: ControlUnderLoad, plans: list[Planned], begins_at: float, seconds: float
) -> Lateness:
    """Open the pages of those whose deadlines come, and compare what they are told with these."""
    rooms = {
        each.consultation_id: each.at if each.kind == "lost" else None
        for each in plans
        if each.kind in ("session", "lost")
    }
    control.process.ask(live=rooms)
    limit = asyncio.Semaphore(OPENING_AT_ONCE)
    async with http(control.port) as session:

        async def make(specialist_id: str) -> Page:
            async with limit:
                page = await Person(session, specialist_id, "specialist").page()
                await page.ready.wait()
            return page

        ids = sorted({each.specialist_id for each in plans if each.within})
        pages = dict(zip(ids, await asyncio.gather(*(make(each) for each in ids)), strict=True))
        if time.time() > begins_at:
            raise RuntimeError(
                "the deadlines began before all pages were open: the machine is busy; try again"
            )
        await asyncio.sleep(begins_at - time.time())
        window = control.window()
        await asyncio.sleep(seconds)
        load = window.end()
        # Who was lost last is judged a little after that.
        await asyncio.sleep(PLATFORM.specialist.drop_after_s or 0.0)
        await asyncio.sleep(2)
        lateness = Lateness(load, control.process.ask(open=True)["open"], len(rooms))
        for each in plans:
            if each.within:
                _compare(lateness, each, pages[each.specialist_id])
        await asyncio.gather(*(page.close() for page in pages.values()))
    return lateness


def _compare(lateness: Lateness, planned: Planned, page: Page) -> None:
    wanted = "expired" if planned.kind == "request" else "ended"
    deadline = _deadline(planned, page)
    for kind, consultation_id, at, read_at in page.told:
        if kind == wanted and consultation_id == planned.consultation_id and deadline is not None:
            lateness.recorded_s.setdefault(planned.kind, []).append(at - deadline)
            lateness.told_s.setdefault(planned.kind, []).append(read_at - deadline)
            return
    lateness.missing += 1


def _deadline(planned: Planned, page: Page) -> float | None:
    if planned.kind == "session":
        # Its end moved by the time for which control was away.
        return page.ends_at.get(planned.consultation_id)
    if planned.kind == "lost":
        drop_at = page.drop_at.get(planned.consultation_id)
        return None if drop_at is None else drop_at + PLATFORM.verdict_grace_s
    return planned.at
