"""The plane with its thread, between real sockets."""

import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from sfu.native import pack_address
from sfu.plane import Plane, PlaneBusy, PlaneEvent, PlaneSettings, Released, StunReceived
from tests.sfu.plane.counts import counts_of
from tests.sfu.plane.stage import CHROMIUM, FIREFOX, Browser, Rtp, ufrag_of
from tests.sfu.plane.test_loop import stun

PATIENCE_S = 20.0


@pytest.fixture(params=[socket.AF_INET, socket.AF_INET6], ids=["ipv4", "dual"])
def bound(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    with socket.socket(request.param, socket.SOCK_DGRAM) as sock:
        if request.param == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind(("::" if request.param == socket.AF_INET6 else "127.0.0.1", 0))
        yield sock


@pytest.fixture
def plane(bound: socket.socket) -> Iterator[Plane]:
    each = Plane(bound, PlaneSettings(max_participants=4))
    each.start()
    yield each
    each.stop()


def next_event(plane: Plane) -> PlaneEvent:
    assert select.select([plane], [], [], PATIENCE_S)[0], "no event came"
    [event] = plane.read_events()
    return event


def wait_for(condition: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.002)


def steady_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def join(plane: Plane, slot: int, browser: Browser) -> None:
    plane.open_participant(slot, ufrag_of(slot) + "aaaa")
    plane.set_media(slot, browser.media)
    plane.set_remote(slot, browser.address)
    plane.set_srtp(slot, browser.node_in.pointer, browser.node_out.pointer)


def test_media_crosses_and_its_arrival_is_the_kernels(plane: Plane, bound: socket.socket) -> None:
    port = bound.getsockname()[1]
    chromium = Browser(0, CHROMIUM, bound.family)
    firefox = Browser(1, FIREFOX, bound.family)
    join(plane, 0, chromium)
    join(plane, 1, firefox)
    plane.pair(0, 1)
    before_ns = steady_ns()
    packet = chromium.protect(Rtp(96, 7, 0, 1001))
    chromium.socket.sendto(packet, ("127.0.0.1", port))

    def media_came() -> bool:  # RTCP may be there before it
        firefox.read()
        return bool(firefox.rtp)

    wait_for(media_came)
    assert [(each.ssrc, each.payload) for each in firefox.rtp] == [(6001, b"payload!")]
    assert before_ns <= plane.last_heard_ns(0) <= steady_ns()
    assert plane.last_heard_ns(1) == 0
    statistics = counts_of(plane, 0)
    assert (statistics.received_in, statistics.octets_in) == (1, len(packet))
    assert counts_of(plane, 1).media_packets_out == 1
    for slot in (0, 1):
        plane.close_participant(slot)
        assert next_event(plane) == Released(slot)
    chromium.close()
    firefox.close()


def test_stun_comes_up_and_can_be_answered(plane: Plane, bound: socket.socket) -> None:
    plane.open_participant(3, ufrag_of(3) + "aaaa")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        packet = stun(f"{ufrag_of(3)}aaaa:peer".encode())
        peer.sendto(packet, ("127.0.0.1", bound.getsockname()[1]))
        event = next_event(plane)
        assert isinstance(event, StunReceived)
        assert (event.slot, event.data) == (3, packet)
        assert event.address == pack_address(peer.getsockname(), bound.family)
        assert abs(event.at_ns - steady_ns()) < PATIENCE_S * 1e9


def test_strangers_are_counted(plane: Plane, bound: socket.socket) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        for datagram in (b"", b"\x80\x60" + bytes(20), b"\x16", bytes(65_000)):
            peer.sendto(datagram, ("127.0.0.1", bound.getsockname()[1]))
        wait_for(lambda: sum(plane.drops().values()) == 4)
    drops = {name: count for name, count in plane.drops().items() if count}
    assert drops == {"empty": 1, "unknown_source": 2, "oversized": 1}


def test_datagrams_that_found_no_room_are_counted_with_their_time(bound: socket.socket) -> None:
    plane = Plane(bound, PlaneSettings(max_participants=1))
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        for _ in range(100):
            peer.sendto(b"@", ("127.0.0.1", bound.getsockname()[1]))
        plane.start()
        try:
            wait_for(lambda: plane.drops()["unknown_protocol"] > 0)
            assert plane._tables.state[0]["overflow_ns"] == 0, "the next one tells"
            peer.sendto(b"@", ("127.0.0.1", bound.getsockname()[1]))
            wait_for(lambda: plane.drops()["socket_overflow"] > 0)
        finally:
            plane.stop()
    drops = plane.drops()
    assert drops["socket_overflow"] + drops["unknown_protocol"] == 101
    noted_ns = int(plane._tables.state[0]["overflow_ns"])
    assert 0 <= time.time_ns() - noted_ns < PATIENCE_S * 1e9


def test_stopping_twice_is_harmless_and_starting_twice_is_not(bound: socket.socket) -> None:
    plane = Plane(bound, PlaneSettings(max_participants=1))
    plane.start()
    with pytest.raises(RuntimeError):
        plane.start()
    plane.stop()
    plane.stop()


def test_a_plane_that_does_not_keep_up_says_so_and_can_be_stopped(bound: socket.socket) -> None:
    plane = Plane(bound, PlaneSettings(max_participants=1))
    accepted = 0
    with suppress(PlaneBusy):
        while accepted < 100_000:
            plane.pair(0, None)
            accepted += 1
    assert 50 < accepted < 100_000
    plane.stop()


def test_what_cannot_be_is_refused(bound: socket.socket) -> None:
    plane = Plane(bound, PlaneSettings(max_participants=2))
    wrong: list[Callable[[], object]] = [
        lambda: plane.open_participant(2, "0200aaaa"),
        lambda: plane.open_participant(-1, "0200aaaa"),
        lambda: plane.open_participant(0, "short"),
        lambda: plane.add_address(0, b"1234"),
        lambda: plane.pair(0, 0),
        lambda: plane.pair(0, 5),
        lambda: plane.remote(9),
    ]
    for call in wrong:
        with pytest.raises(ValueError, match=r".+"):
            call()
    plane.stop()
    with pytest.raises(ValueError, match="max_participants"):
        Plane(bound, PlaneSettings(max_participants=0))
    for coalesce_ns in (-1, 500_001):
        with pytest.raises(ValueError, match="coalesce_ns must be 0 to 500000, not "):
            PlaneSettings(coalesce_ns=coalesce_ns)
