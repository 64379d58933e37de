"""Kills control while pairs of people work, then checks that nothing is lost: at any moment, in the
middle of a session, and as one ends, in turn.

A long run: ``python -m tests.control.killing.run --kills 200 --seed 7 [--url postgresql://…]``
"""

import argparse
import asyncio
import contextlib
import json
import random
import socket
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from tests.control.killing.person import CLOSED, LOOK_EVERY_S, Person

Pairs = list[tuple[Person, Person]]

PAIRS = 4
START_WITHIN_S = 60.0
SUMMED_UP_WITHIN_S = 10.0
# What happens by itself, once at most in a consultation.
ONCE = ("requested", "accepted", "declined", "cancelled", "expired", "started", "ended", "quality")
TERMS = {
    "summary": "",
    "duration_s": 10,
    "price": "1.00",
    "currency": "EUR",
    "takes_video": True,
}


class Server:
    """The process under test."""

    def __init__(self, url: str, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._arguments = (url, str(folder), str(self.port))
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Run it, and wait until it answers."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.control.killing.process", *self._arguments
        )
        async with asyncio.timeout(START_WITHIN_S):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                    writer.close()
                    return
                assert self._process.returncode is None, "control did not start"
                await asyncio.sleep(0.02)

    async def kill(self) -> None:
        """As the kernel does when memory runs out: no word of warning."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()


async def killed_again_and_again(url: str, folder: Path, kills: int, seed: int) -> Counter[str]:
    """Events by type, after everything was checked. Raises AssertionError."""
    dice = random.Random(seed)
    server = Server(url, folder)
    await server.start()
    try:
        async with _people(f"http://127.0.0.1:{server.port}/api/v1") as pairs:
            stop = asyncio.Event()
            work = [
                asyncio.create_task(_work(*pair, random.Random(f"{seed} {n}"), stop))
                for n, pair in enumerate(pairs)
            ]
            for number in range(kills):
                await MOMENTS[number % len(MOMENTS)](pairs, dice)
                await server.kill()
                await server.start()
            stop.set()
            await asyncio.gather(*work)
            # Whatever was under way as these ended is lost, too.
            await server.kill()
            await server.start()
            return await _checked(pairs)
    finally:
        await server.kill()


@contextlib.asynccontextmanager
async def _people(base: str) -> AsyncIterator[Pairs]:
    async with ClientSession() as http:
        clients = [Person(http, base, f"client{n}", "client") for n in range(PAIRS)]
        specialists = [Person(http, base, f"spec{n}", "specialist") for n in range(PAIRS)]
        pairs = list(zip(clients, specialists, strict=True))
        for _, specialist in pairs:
            assert (await specialist.command("PUT", "/me/profile", TERMS))[0] == 200
        pages = [asyncio.create_task(person.follow()) for pair in pairs for person in pair]
        try:
            yield pairs
        finally:
            for page in pages:
                page.cancel()
            for ended in await asyncio.gather(*pages, return_exceptions=True):
                # A page comes back for ever: what ended it otherwise is worth knowing.
                if isinstance(ended, Exception):
                    raise ended


async def _at_any_moment(pairs: Pairs, dice: random.Random) -> None:
    """Some commands later: by time, a slow machine would do nothing."""

    def answered() -> int:
        return sum(len(person.answered) for pair in pairs for person in pair)

    until = answered() + dice.randint(3, 20)
    await _until(lambda: answered() >= until)
    await asyncio.sleep(dice.uniform(0, 0.1))


async def _in_a_session(pairs: Pairs, dice: random.Random) -> None:
    """Once a page was told that its session began, and before it can be over."""
    began = _told(pairs, "started")
    await _until(lambda: bool(_told(pairs, "started") - began - _told(pairs, "ended")))
    await asyncio.sleep(dice.uniform(0, 0.05))


async def _as_a_session_ends(pairs: Pairs, dice: random.Random) -> None:
    """Once a page was told that its session is over, or while the other one is."""

    def over() -> set[str]:
        return _told(pairs, "started") & _told(pairs, "ended")

    before = over()
    await _until(lambda: bool(over() - before))
    await asyncio.sleep(dice.uniform(0, 0.005))


MOMENTS = (_at_any_moment, _in_a_session, _as_a_session_ends)


async def _until(holds: Callable[[], bool]) -> None:
    while True:
        if holds():
            return
        await asyncio.sleep(0.002)


def _told(pairs: Pairs, event: str) -> set[str]:
    """The consultations of which a client's page was told that."""
    return {
        consultation_id
        for client, _ in pairs
        for consultation_id, events in client.told.items()
        if any(each["type"] == event for each in events)
    }


async def _work(
    client: Person, specialist: Person, dice: random.Random, stop: asyncio.Event
) -> None:
    while not stop.is_set():
        ask = {"specialist_id": specialist.user_id, "purpose": "x"}
        status, text = await client.command("POST", "/consultations", ask)
        if status != 201:
            # His page has not come back yet; or the answer to an earlier request is still open.
            await asyncio.sleep(0.05)
            continue
        await _consult(client, specialist, f"/consultations/{json.loads(text)['id']}", dice)


async def _consult(client: Person, specialist: Person, path: str, dice: random.Random) -> None:
    turn = dice.random()
    if turn < 0.1:
        await specialist.command("POST", f"{path}/decline", {})
    elif turn < 0.2:
        await client.command("POST", f"{path}/cancel")
    elif turn > 0.3:
        await specialist.command("POST", f"{path}/accept")
        # Sometimes one of them does not come.
        if dice.random() < 0.85:
            await _meet(client, specialist, path, dice)
    await client.sees_closed(path)
    if turn > 0.3:
        for subject in ("specialist", "technical"):
            given = {"stars": dice.randint(1, 5), "comment": "x"}
            await client.command("PUT", f"{path}/ratings/{subject}", given)


async def _meet(client: Person, specialist: Person, path: str, dice: random.Random) -> None:
    while (state := (await client.get(path))["state"]) == "accepted":
        await _join(client, specialist, path)
        await asyncio.sleep(0.1)
    if state != "active":
        return
    await asyncio.sleep(dice.uniform(0, 0.3))
    await client.command("POST", f"{path}/early-end")
    if dice.random() < 0.5:
        # Unanswered, it lapses; and over a restart both come back.
        await asyncio.sleep(0.5)
        await _join(client, specialist, path)
        await client.command("POST", f"{path}/leave")
    else:
        await specialist.command("POST", f"{path}/early-end/accept")
        await client.command("POST", f"{path}/leave")


async def _join(client: Person, specialist: Person, path: str) -> None:
    for person in (client, specialist):
        status, text = await person.command("POST", f"{path}/join-tokens")
        if status == 201:
            token = json.loads(text)["token"]
            await person.command("POST", "/join", {"token": token, "offer": "v=0"})


async def _checked(pairs: Pairs) -> Counter[str]:
    types: Counter[str] = Counter()
    for client, specialist in pairs:
        records = {}
        for consultation in await client.get("/consultations?limit=200"):
            await _summed_up(client, f"/consultations/{consultation['id']}")
        for snapshot in await client.get("/consultations?limit=200"):
            consultation_id = snapshot["id"]
            path = f"/consultations/{consultation_id}"
            records[consultation_id] = (await client.get(f"{path}/events"))["events"]
            _check_record(snapshot, records[consultation_id])
            types.update(event["type"] for event in records[consultation_id])
            await _check_told(client, records[consultation_id])
            his = (await specialist.get(f"{path}/events"))["events"]
            await _check_told(specialist, his)
        for person in (client, specialist):
            await _check_answers(person, records)
    return types


async def _summed_up(person: Person, path: str) -> None:
    """Wait until what was measured is on record, where anything was."""
    if not (await person.get(f"{path}/quality"))["periods"]:
        return
    async with asyncio.timeout(SUMMED_UP_WITHIN_S):
        while True:
            record = (await person.get(f"{path}/events"))["events"]
            if any(event["type"] == "quality" for event in record):
                return
            await asyncio.sleep(LOOK_EVERY_S)


def _check_record(snapshot: dict[str, Any], record: list[dict[str, Any]]) -> None:
    """Numbers without gaps, each deadline once, one end, at the times that were fixed."""
    assert [event["seq"] for event in record] == list(range(1, snapshot["seq"] + 1)), record
    counts = Counter(event["type"] for event in record)
    assert all(counts[name] <= 1 for name in ONCE), record
    assert sum(counts[name] for name in CLOSED) == 1, record
    assert snapshot["state"] in counts, record
    by_type = {event["type"]: event for event in record}
    if "expired" in by_type:
        assert by_type["expired"]["at"] == snapshot["accept_by"]
    assert counts["early_end_lapsed"] <= counts["early_end_proposed"]
    flows = counts["flow_began"] - counts["flow_stopped"]
    assert flows == 0, record
    for since, until in _absences(record):
        for event in record:
            if event["type"] == "flow_stopped":
                assert event["at"] <= since or event["data"]["began_at"] >= until, record


def _absences(record: list[dict[str, Any]]) -> Iterator[tuple[float, float]]:
    """From when until when we were away, by the record: not a second of it is paid."""
    since = None
    for event in record:
        if event["type"] == "interrupted":
            since = event["data"]["since"] if since is None else since
        elif event["type"] in ("resumed", "ended") and since is not None:
            yield since, event["at"]
            since = None


async def _check_told(person: Person, record: list[dict[str, Any]]) -> None:
    """The page got every event once, in order, over all restarts.

    Of what was asked and over while it was away it knows nothing, and has not asked.
    """
    consultation_id = record[0]["consultation_id"]
    if consultation_id in person.told:
        await person.is_told(consultation_id, len(record))
        assert person.told[consultation_id] == record, (person.told[consultation_id], record)


async def _check_answers(person: Person, records: dict[str, list[dict[str, Any]]]) -> None:
    """What was answered is in the record, and is answered again."""
    for sent in person.answered:
        if sent.path == "/join":
            continue
        status, text, replayed = await person.send(sent.method, sent.path, sent.body, sent.key)
        assert (status, text, replayed) == (sent.status, sent.text, True), sent
        answer = json.loads(text)
        if "seq" in answer:
            event = records[answer["id"]][answer["seq"] - 1]
            assert event["at"] <= answer["now"] + 0.001, (sent, event)


def main() -> None:
    """The long run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--url", default="")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = options.url or f"sqlite:///{folder}/rodrun.sqlite"
        types = asyncio.run(killed_again_and_again(url, Path(folder), options.kills, options.seed))
    for name, count in types.most_common():
        print(f"{count:6} {name}")


if __name__ == "__main__":
    main()
