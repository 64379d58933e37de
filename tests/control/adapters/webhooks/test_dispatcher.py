"""Webhooks from the store to a real receiver, in simulated time."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from standardwebhooks import Webhook

from control.adapters.database import Database
from control.adapters.people import People
from control.adapters.store import Store
from control.adapters.webhooks import dispatcher
from control.adapters.webhooks.deliveries import Counts, Deliveries
from control.adapters.webhooks.dispatcher import Webhooks
from control.settings import WebhookTarget
from tests.control.adapters.webhooks.receiver import SECRET, Receiver, receiving
from tests.control.adapters.webhooks.story import ACCEPTED, ENDED, RATED, STARTED, Story
from tests.control.databases import ON_BOTH_DATABASES

pytestmark = ON_BOTH_DATABASES

ALL = [ACCEPTED, STARTED, ENDED, RATED]


class Platform:
    """Webhooks and their receiver. ``now`` stands still until a test moves it."""

    def __init__(self, database: Database, store: Store, people: People) -> None:
        # Near the true time, or the signatures would be too old for the standard's library.
        self.now = time.time()
        self._database = database
        self._store = store
        self._people = people
        self._running: list[Webhooks] = []

    async def webhooks(self, url: str) -> Webhooks:
        """Started, as a process would."""
        made = Webhooks(
            self._database,
            WebhookTarget(url, (SECRET,), allow_private=True),
            clock=lambda: self.now,
            spread=lambda: 0.5,
        )
        await made.start()
        self._running.append(made)
        return made

    def story(self, name: str) -> Story:
        """A consultation to be."""
        return Story(self._store, self._people, name)

    async def stop(self) -> None:
        """Stop all of them."""
        for each in self._running:
            await each.stop()


@pytest.fixture
async def platform(database: Database, store: Store, people: People) -> AsyncIterator[Platform]:
    """Nothing runs yet."""
    made = Platform(database, store, people)
    yield made
    await made.stop()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver that takes everything."""
    async with receiving() as made:
        yield made


def ids(name: str, *seqs: int) -> list[str]:
    return [f"{name}.{seq}" for seq in seqs]


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait for something that happens in its own time, over real sockets."""
    async with asyncio.timeout(5):
        while True:
            holds = condition()
            if holds if isinstance(holds, bool) else await holds:
                return
            await asyncio.sleep(0.005)


async def test_what_the_platform_hears_of_a_session(platform: Platform, receiver: Receiver) -> None:
    webhooks = await platform.webhooks(receiver.url)
    await platform.story("c1").told(platform.now)
    await webhooks.settled()
    assert receiver.ids == ids("c1", *ALL)
    for received in receiver.received:
        assert Webhook(SECRET).verify(received.body, received.headers)
    accepted, started, ended, rated = (each.content for each in receiver.received)
    assert accepted["type"] == "consultation.accepted"
    assert accepted["data"] == {
        "consultation_id": "c1",
        "seq": ACCEPTED,
        "at": platform.now,
        "by": "specialist",
        "client_id": "client-c1",
        "specialist_id": "specialist-c1",
    }
    assert started["type"] == "consultation.started"
    assert started["data"]["ends_at"] == platform.now + 1800
    assert ended["type"] == "consultation.ended"
    assert ended["data"]["reason"] == "client_left"
    assert ended["data"]["paid_s"] == pytest.approx(1)
    assert rated["type"] == "consultation.rated"
    assert (rated["data"]["stars"], rated["data"]["comment"]) == (5, "Чудесно")
    assert await webhooks.deliveries.counts() == Counts(0, None, 0)
    assert webhooks.attempts == {"delivered": 4}
    await webhooks.settled()
    assert len(receiver.received) == 4


async def test_nothing_of_the_time_before_the_first_start(
    platform: Platform, receiver: Receiver
) -> None:
    await platform.story("before").told(platform.now)
    webhooks = await platform.webhooks(receiver.url)
    await platform.story("after").started(platform.now)
    await webhooks.settled()
    assert receiver.ids == ids("after", ACCEPTED, STARTED)


async def test_a_failure_holds_back_its_own_consultation_only(
    platform: Platform, receiver: Receiver
) -> None:
    webhooks = await platform.webhooks(receiver.url)
    receiver.status["bad"] = 500
    await platform.story("bad").told(platform.now)
    await platform.story("good").told(platform.now)
    await webhooks.settled()
    assert [each for each in receiver.ids if each.startswith("good")] == ids("good", *ALL)
    assert [each for each in receiver.ids if each.startswith("bad")] == ids("bad", ACCEPTED)
    assert (await webhooks.deliveries.counts()).pending == 4
    # Not before its time; then the same again, under the same id, and the rest in order.
    del receiver.received[:]
    platform.now += 4.9
    await webhooks.settled()
    assert receiver.ids == []
    platform.now += 0.1
    await webhooks.settled()
    assert receiver.ids == ids("bad", ACCEPTED)
    receiver.status.clear()
    platform.now += 10
    await webhooks.settled()
    assert receiver.ids == ids("bad", ACCEPTED, *ALL)
    assert (await webhooks.deliveries.counts()).pending == 0


async def test_a_target_that_does_not_answer_holds_back_its_own_consultation_only(
    platform: Platform, receiver: Receiver
) -> None:
    webhooks = await platform.webhooks(receiver.url)
    receiver.silent_to.add("slow")
    await platform.story("slow").told(platform.now)
    await platform.story("good").told(platform.now)
    running = asyncio.create_task(webhooks.run())
    await until(lambda: set(ids("good", *ALL)) <= set(receiver.ids))
    assert [each for each in receiver.ids if each.startswith("slow")] == ids("slow", ACCEPTED)
    running.cancel()


async def test_one_attempt_after_another_at_a_time(platform: Platform, receiver: Receiver) -> None:
    webhooks = await platform.webhooks(receiver.url)
    receiver.silent_to.add("slow")
    await platform.story("slow").told(platform.now)
    for _ in range(5):
        platform.now += 3600
        await webhooks.round()
        await receiver.arrived.wait()
    assert receiver.ids == ids("slow", ACCEPTED)


async def test_given_up_after_a_day_and_then_the_next_ones_turn(
    platform: Platform, receiver: Receiver
) -> None:
    webhooks = await platform.webhooks(receiver.url)
    receiver.status["accepted"] = 500
    await platform.story("c1").told(platform.now)
    began_at = platform.now
    await webhooks.settled()
    while "c1.3" not in receiver.ids:
        platform.now += 1800
        await webhooks.settled()
    assert platform.now == began_at + 86_400
    assert receiver.ids[-3:] == ids("c1", STARTED, ENDED, RATED)
    assert await webhooks.deliveries.counts() == Counts(0, None, 1)
    assert webhooks.attempts["given_up"] == 1
    (row,) = await webhooks.deliveries.undelivered(10)
    assert (row["seq"], row["error"]) == (ACCEPTED, "answered with status 500")
    # It is kept for a while, to be looked at and sent anew, then forgotten.
    await platform.story("c2").asked(platform.now)
    platform.now += 31 * 86_400
    await webhooks.settled()
    assert await webhooks.deliveries.counts() == Counts(0, None, 0)


async def test_replayed_from_a_number_on_under_the_same_ids(
    platform: Platform, receiver: Receiver
) -> None:
    webhooks = await platform.webhooks(receiver.url)
    await platform.story("c1").told(platform.now)
    await platform.story("c2").told(platform.now)
    await webhooks.settled()
    del receiver.received[:]
    assert await webhooks.deliveries.replay("c1", ACCEPTED, platform.now) == 3
    await webhooks.settled()
    assert receiver.ids == ids("c1", STARTED, ENDED, RATED)
    assert await webhooks.deliveries.replay("c1", 99, platform.now) == 0
    assert await webhooks.deliveries.replay("nothing", 0, platform.now) == 0


async def test_replay_of_what_was_given_up_and_of_what_waits(
    platform: Platform, receiver: Receiver
) -> None:
    webhooks = await platform.webhooks(receiver.url)
    receiver.status["c1"] = 500
    await platform.story("c1").told(platform.now)
    await webhooks.settled()
    platform.now += 90_000
    await webhooks.settled()
    assert (await webhooks.deliveries.counts()).given_up > 0
    receiver.status.clear()
    del receiver.received[:]
    assert await webhooks.deliveries.replay("c1", 0, platform.now) == 4
    await webhooks.settled()
    assert receiver.ids == ids("c1", *ALL)
    assert await webhooks.deliveries.counts() == Counts(0, None, 0)


async def test_replay_before_the_events_were_taken_up(
    platform: Platform, receiver: Receiver
) -> None:
    webhooks = await platform.webhooks(receiver.url)
    await platform.story("c1").told(platform.now)
    assert await webhooks.deliveries.replay("c1", 0, platform.now) == 4
    await webhooks.settled()
    assert receiver.ids == ids("c1", *ALL)


async def test_a_replay_while_one_is_under_way_is_not_lost(
    platform: Platform, receiver: Receiver
) -> None:
    webhooks = await platform.webhooks(receiver.url)
    receiver.status["c1"] = 500
    await platform.story("c1").started(platform.now)
    await webhooks.round()
    await receiver.arrived.wait()
    # The attempt fails, but its delivery is another one now.
    platform.now += 1
    assert await webhooks.deliveries.replay("c1", 0, platform.now) == 2
    receiver.status.clear()
    await webhooks.settled()
    assert receiver.ids == ids("c1", ACCEPTED, ACCEPTED, STARTED)


async def test_nothing_is_lost_over_a_restart(platform: Platform, receiver: Receiver) -> None:
    receiver.silent_to.add("c1")
    before = await platform.webhooks(receiver.url)
    await platform.story("c1").told(platform.now)
    await before.round()
    await receiver.arrived.wait()
    # Killed while one is under way; more happens while nobody runs.
    await before.stop()
    await platform.story("c2").started(platform.now)
    receiver.silent_to.clear()
    del receiver.received[:]
    after = await platform.webhooks(receiver.url)
    await after.settled()
    assert sorted(receiver.ids) == sorted(ids("c1", *ALL) + ids("c2", ACCEPTED, STARTED))
    assert [each for each in receiver.ids if each.startswith("c1")] == ids("c1", *ALL)


async def test_what_was_sent_but_not_written_down_comes_again(
    platform: Platform, receiver: Receiver
) -> None:
    before = await platform.webhooks(receiver.url)
    await platform.story("c1").started(platform.now)
    await before.round()
    await until(lambda: before.attempts["delivered"] == 1)
    # Killed before the next round.
    await before.stop()
    after = await platform.webhooks(receiver.url)
    await after.settled()
    assert receiver.ids == ids("c1", ACCEPTED, ACCEPTED, STARTED)


async def test_a_target_that_comes_back(platform: Platform) -> None:
    async with receiving() as gone:
        port, url = gone.port, gone.url
    webhooks = await platform.webhooks(url)
    await platform.story("c1").told(platform.now)
    await webhooks.settled()
    assert webhooks.last_error is not None
    assert webhooks.last_error.startswith("cannot connect")
    async with receiving(port) as back:
        platform.now += 5
        await webhooks.settled()
        assert back.ids == ids("c1", *ALL)
    assert webhooks.last_error is None


async def test_it_goes_on_when_the_database_was_away(
    platform: Platform, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "POLL_S", 0.01)
    webhooks = await platform.webhooks(receiver.url)
    await platform.story("c1").told(platform.now)
    settle, failures = Deliveries.settle, iter(range(3))

    async def sometimes(self: Deliveries, *arguments: object) -> None:
        if next(failures, None) is not None:
            raise OSError("away")
        await settle(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Deliveries, "settle", sometimes)
    running = asyncio.create_task(webhooks.run())

    async def nothing_waits() -> bool:
        return receiver.ids == ids("c1", *ALL) and not (await webhooks.deliveries.counts()).pending

    await until(nothing_waits)
    running.cancel()
