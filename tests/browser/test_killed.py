"""``kill -9`` in the middle of a session: the media goes too, and it is nobody's fault."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.browser import media
from tests.browser.browser import Browser
from tests.browser.conftest import meeting
from tests.browser.people import CLIENT, SPECIALIST, Pair, Person
from tests.browser.server import Server, free_ports
from tests.postgresql import PostgresqlServer

BEFORE_S = 4.0
BACK_WITHIN_S = 15.0  # of the server's return; pages ask every 2 s at most
# It knows when it was last alive by its heartbeat, once a second on a machine with leisure.
UNKNOWN_S = 3.0


@contextmanager
def sqlite() -> Iterator[dict[str, str]]:
    """The settings of a server that is given none."""
    yield {}


@contextmanager
def postgresql() -> Iterator[dict[str, str]]:
    """The settings of one with a database on a PostgreSQL server of its own."""
    server = PostgresqlServer()
    server.start()
    try:
        yield {"RODRUN_DATABASE_URL": server.new_database()}
    finally:
        server.remove()


@pytest.fixture(params=[sqlite, postgresql], ids=["sqlite", "postgresql"])
def environment(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """Where it keeps what it knows."""
    with request.param() as settings:
        yield settings


@pytest.fixture
def doomed_server(
    local_chromium: Browser, environment: dict[str, str], tmp_path: Path
) -> Iterator[Server]:
    """A server that nobody else uses."""
    server = Server("127.0.0.1", *free_ports(), tmp_path / "server", environment=environment)
    try:
        server.wait_ready(local_chromium)
        yield server
    finally:
        server.stop()


@pytest.fixture
def doomed_pair(doomed_server: Server, local_chromium: Browser) -> Iterator[Pair]:
    """A client and a specialist there."""
    with meeting(doomed_server, local_chromium, local_chromium) as pair:
        yield pair


def document(person: Person) -> float:
    """Tells the loaded document from one that was loaded anew."""
    return float(person.page.evaluate("() => performance.timeOrigin"))


def test_a_killed_service_comes_back_and_its_absence_is_not_paid(
    doomed_server: Server, doomed_pair: Pair, local_chromium: Browser
) -> None:
    client = doomed_pair.client
    doomed_pair.sign_in()
    doomed_pair.start_call()
    time.sleep(BEFORE_S)
    before = doomed_pair.consultation()
    documents = [document(person) for person in doomed_pair.people]

    doomed_server.kill()
    killed = time.time()
    for person in doomed_pair.people:
        person.page.wait_for("() => document.documentElement.dataset.events === 'lost'")
    doomed_server.start_again()
    started = time.time()
    doomed_server.wait_ready(local_chromium)
    ready = time.time()

    # Nobody touches anything.
    for person in doomed_pair.people:
        person.wait_notice("notice", "service-back", BACK_WITHIN_S)
    for person in doomed_pair.people:
        assert media.back_at(person.page, ready, BACK_WITHIN_S) - ready <= BACK_WITHIN_S
        person.wait_in_call()
        person.page.wait_hidden("call-notice")
    for person in doomed_pair.people:
        media.wait_for_pictures(person.page)
        media.wait_for_sound(person.page)
    assert [document(person) for person in doomed_pair.people] == documents

    after = doomed_pair.consultation()
    assert (after["id"], after["state"]) == (before["id"], "active")
    moved_s = after["ends_at"] - before["ends_at"]
    path = f"/consultations/{after['id']}"
    doomed_pair.api.do("POST", f"{path}/leave", CLIENT, {})
    for account in (CLIENT, SPECIALIST):
        receipt = doomed_pair.api.do("GET", f"{path}/receipt", account)["receipt"]
        [gap] = receipt["reconnect_gaps"]
        assert gap["participant"] is None, "nobody's, but ours"
        assert killed - UNKNOWN_S < gap["began_at"] <= killed
        assert started < gap["ended_at"] < after["now"]
        assert gap["ended_at"] - gap["began_at"] == pytest.approx(moved_s)
        by = {event["type"]: event["by"] for event in receipt["events"]}
        assert (by["interrupted"], by["resumed"]) == ("service", "service")
        first, *_, last = receipt["paid_intervals"]
        assert first["stopped_at"] == gap["began_at"]
        assert gap["ended_at"] <= last["began_at"]
        paid_s = sum(each["stopped_at"] - each["began_at"] for each in receipt["paid_intervals"])
        assert receipt["paid_s"] == pytest.approx(paid_s)
        wall_s = receipt["ended_at"] - receipt["started_at"]
        assert BEFORE_S - UNKNOWN_S < paid_s <= wall_s - moved_s
    client.wait_screen("finish")
