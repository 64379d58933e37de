import socket
from collections.abc import Iterator

import pytest

from benchmarks.relay import Relay, measure_sendto

HOST = "127.0.0.1"


@pytest.fixture
def relay() -> Iterator[Relay]:
    running = Relay(HOST)
    yield running
    running.close()


@pytest.fixture
def people() -> Iterator[list[socket.socket]]:
    found = []
    for _ in range(5):
        person = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        person.bind((HOST, 0))
        person.settimeout(10)
        found.append(person)
    yield found
    for person in found:
        person.close()


def test_the_relay_passes_datagrams_on_unchanged_to_the_partner_only(
    relay: Relay, people: list[socket.socket]
) -> None:
    relay.add_route(people[0].getsockname(), people[1].getsockname())
    relay.add_route(people[2].getsockname(), people[3].getsockname())
    people[4].sendto(b"a stranger's", relay.address)
    for index in range(200):  # more than one batch, of any size
        for number, person in enumerate(people[:4]):
            person.sendto(bytes([number, index]) * (index + 1), relay.address)
        for number, person in enumerate(people[:4]):
            assert person.recv(2048) == bytes([number ^ 1, index]) * (index + 1)
    for person in people:
        person.setblocking(False)
        with pytest.raises(BlockingIOError):
            person.recv(2048)


def test_the_yardstick_is_some_microseconds() -> None:
    assert measure_sendto(HOST, 640) > 0
