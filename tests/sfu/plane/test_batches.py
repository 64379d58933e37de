"""Runs of datagrams in and out of the plane, through the kernel."""

import errno
import logging
import select
import socket
import struct
import time
from collections.abc import Iterator
from typing import Any

import pytest

from sfu.native import SOL_UDP, UDP_GRO, UDP_SEGMENT
from sfu.plane import Plane, PlaneSettings
from sfu.plane.layouts import BATCH, CONTROL_WORDS, FIRST_OCTET, STRIDE
from sfu.plane.loop import run
from sfu.plane.offloads import receive_runs, sends_runs
from sfu.plane.records import CommandKind
from tests.sfu.plane.counts import counts_of
from tests.sfu.plane.stage import CHROMIUM, FIREFOX, Browser, Rtp, ufrag_of

PATIENCE_S = 20.0
SO_NO_CHECK = 11  # the kernel refuses runs without checksums


@pytest.fixture(params=[socket.AF_INET, socket.AF_INET6], ids=["ipv4", "dual"])
def bound(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    with bind(request.param) as sock:
        yield sock


def bind(family: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.bind(("::" if family == socket.AF_INET6 else "127.0.0.1", 0))
    return sock


class Call:
    """A plane that begins when it is told, and the two ends of a call."""

    def __init__(self, bound: socket.socket, settings: PlaneSettings) -> None:
        self.plane = Plane(bound, settings, random_below=lambda _: 100)
        self.port = bound.getsockname()[1]
        self.chromium = Browser(0, CHROMIUM, bound.family)
        self.firefox = Browser(1, FIREFOX, bound.family)
        for slot, browser in enumerate((self.chromium, self.firefox)):
            self.plane.open_participant(slot, ufrag_of(slot) + "aaaa")
            self.plane.set_media(slot, browser.media)
            self.plane.set_remote(slot, browser.address)
            self.plane.set_srtp(slot, browser.node_in.pointer, browser.node_out.pointer)
        self.plane.pair(0, 1)

    def __enter__(self) -> "Call":
        return self

    def __exit__(self, *_: object) -> None:
        self.plane.stop()
        self.chromium.close()
        self.firefox.close()

    def send_run(self, datagrams: list[bytes], size: int) -> None:
        """Let Chromium send one message that its kernel cuts into ``size``, if it can."""
        if not sends_runs():
            for each in datagrams:
                self.chromium.socket.sendto(each, ("127.0.0.1", self.port))
            return
        control = [(SOL_UDP, UDP_SEGMENT, struct.pack("H", size))]
        self.chromium.socket.sendmsg(datagrams, control, 0, ("127.0.0.1", self.port))

    def received(self, count: int) -> list[bytes]:
        """The next RTP datagrams that Firefox gets, as they are on the wire."""
        got: list[bytes] = []
        while len(got) < count:
            assert select.select([self.firefox.socket], [], [], PATIENCE_S)[0], len(got)
            data = self.firefox.socket.recv(2048)
            if not 192 <= data[1] < 224:
                got.append(data)
        return got

    def counts(self) -> dict[str, int]:
        """What the plane has counted, once it has stopped."""
        self.plane.stop()
        return self.plane.counts()

    def wait_for(self, name: str, count: int) -> None:
        until = time.monotonic() + PATIENCE_S
        while self.plane.drops()[name] < count:
            assert time.monotonic() < until, self.plane.drops()
            time.sleep(0.002)


def frame(call: Call, first: int, sizes: list[int]) -> list[bytes]:
    """Protected packets of video from number ``first`` on."""
    return [
        call.chromium.protect(Rtp(96, first + index, 3000, 1001, bytes([index]) * size))
        for index, size in enumerate(sizes)
    ]


def kernel_receives_runs() -> bool:
    with bind(socket.AF_INET) as sock:
        return receive_runs(sock)


@pytest.fixture
def older_kernel(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One that knows neither ``UDP_SEGMENT`` (Linux 4.18) nor ``UDP_GRO`` (5.0)."""
    set_option, send = socket.socket.setsockopt, socket.socket.sendmsg

    def setsockopt(sock: socket.socket, *arguments: Any) -> None:
        if arguments[:2] == (SOL_UDP, UDP_GRO):
            raise OSError(errno.ENOPROTOOPT, "Protocol not available")
        set_option(sock, *arguments)

    def sendmsg(sock: socket.socket, buffers: Any, control: Any = (), *arguments: Any) -> int:
        if any(each[:2] == (SOL_UDP, UDP_SEGMENT) for each in control):
            raise OSError(errno.EINVAL, "Invalid argument")
        return send(sock, buffers, control, *arguments)

    monkeypatch.setattr(socket.socket, "setsockopt", setsockopt)
    monkeypatch.setattr(socket.socket, "sendmsg", sendmsg)
    sends_runs.cache_clear()
    yield
    sends_runs.cache_clear()


@pytest.mark.usefixtures("older_kernel")
def test_a_kernel_without_runs_gets_and_gives_none(
    bound: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with Call(bound, PlaneSettings(max_participants=4)) as call:
        for datagram in frame(call, 7, [400] * 5):
            call.chromium.socket.sendto(datagram, ("127.0.0.1", call.port))
        call.plane.start()
        assert len(call.received(5)) == 5
        counts = call.counts()
    assert not sends_runs()
    assert (counts["messages_received"], counts["gro_runs_received"], counts["gso_runs_sent"]) == (
        5,
        0,
        0,
    )
    assert "packets leave one by one (UDP_SEGMENT) and come one by one (UDP_GRO)" in caplog.text


def test_a_kernel_that_does_not_cut_what_it_is_given_sends_no_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send = socket.socket.sendmsg
    monkeypatch.setattr(
        socket.socket,
        "sendmsg",
        lambda sock, buffers, _control, *arguments: send(sock, buffers, (), *arguments),
    )
    sends_runs.cache_clear()
    assert not sends_runs()
    sends_runs.cache_clear()


@pytest.mark.parametrize("is_on", [True, False])
def test_the_log_says_whether_packets_travel_in_runs(
    bound: socket.socket, is_on: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    settings = PlaneSettings(max_participants=4, send_runs=is_on, receive_runs=is_on)
    with Call(bound, settings) as call:
        call.plane.start()
    out = "in runs" if is_on and sends_runs() else "one by one"
    into = "in runs" if is_on and kernel_receives_runs() else "one by one"
    assert f"packets leave {out} (UDP_SEGMENT) and come {into} (UDP_GRO)" in caplog.messages


def test_runs_make_no_difference_to_the_receiver(bound: socket.socket) -> None:
    sizes = [900] * 9 + [300]
    wires = []
    for is_on in (True, False):
        settings = PlaneSettings(max_participants=4, send_runs=is_on, receive_runs=is_on)
        with bind(bound.family) as sock, Call(sock, settings) as call:
            datagrams = frame(call, 7, sizes)
            call.send_run(datagrams, len(datagrams[0]))
            call.plane.start()
            wires.append(call.received(len(sizes)))
            counts = call.counts()
        come = is_on and kernel_receives_runs()
        leave = is_on and sends_runs()
        assert counts["gro_runs_received"] == come
        assert counts["gro_datagrams_received"] == (10 if come else 0)
        assert counts["messages_received"] == (1 if come else 10)
        assert (counts["gso_runs_sent"], counts["gso_packets_sent"]) == (
            (1, 10) if leave else (0, 0)
        )
        assert counts["gso_runs_refused"] == 0
    assert wires[0] == wires[1]
    packets = [Rtp.parse(call.firefox._receive.unprotect(each)) for each in wires[0]]
    assert [each.sequence for each in packets] == list(range(100, 110))
    assert [each.payload for each in packets] == [bytes([i]) * n for i, n in enumerate(sizes)]


def test_more_datagrams_than_rows_are_split_over_several_batches(bound: socket.socket) -> None:
    with Call(bound, PlaneSettings(max_participants=4)) as call:
        for message in range(3):
            datagrams = frame(call, 60 * message, [100] * 60)
            call.send_run(datagrams, len(datagrams[0]))
        call.plane.start()
        got = [Rtp.parse(call.firefox._receive.unprotect(each)) for each in call.received(180)]
        assert [each.sequence for each in got] == list(range(100, 280))
        assert call.counts()["gro_runs_received"] == (3 if kernel_receives_runs() else 0)
        assert counts_of(call.plane, 0).packets_in == 180


def test_a_run_of_what_is_too_large_is_dropped_and_nothing_else(bound: socket.socket) -> None:
    with Call(bound, PlaneSettings(max_participants=4)) as call:
        call.plane.start()
        call.send_run([bytes(2000), bytes(2000), b"\x16" + bytes(99)], 2000)
        call.wait_for("oversized", 2)
        call.send_run([b"\xff", b"\xff", b"\xff"], 1)
        call.wait_for("unknown_protocol", 3)
        call.chromium.socket.sendto(bytes(65_000), ("127.0.0.1", call.port))
        call.wait_for("oversized", 3)
        [datagram] = frame(call, 1, [500])
        call.chromium.socket.sendto(datagram, ("127.0.0.1", call.port))
        assert len(call.received(1)) == 1


def test_runs_that_are_refused_go_packet_by_packet_and_then_are_no_more(
    bound: socket.socket,
) -> None:
    bound.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)
    with Call(bound, PlaneSettings(max_participants=4)) as call:
        call.plane.start()
        for turn in range(10):
            datagrams = frame(call, 5 * turn, [200] * 5)
            call.send_run(datagrams, len(datagrams[0]))
            assert len(call.received(5)) == 5
        counts = call.counts()
        assert (counts["gso_runs_refused"], counts["gso_given_up"]) == (
            (8, 1) if sends_runs() else (0, 0)
        )
        assert counts["gso_runs_sent"] == 0
        assert call.plane.drops()["not_sent"] == 0


def test_a_message_that_cannot_be_split_is_left_behind(bound: socket.socket) -> None:
    """It is our own error, and must not be met again and again."""
    with Call(bound, PlaneSettings(max_participants=4)) as call:
        t = call.plane._tables
        state = t.state[0]
        bad, good = BATCH - 2, BATCH - 1
        t.receive_headers[bad]["length"] = 300_000  # behind the end of all messages
        t.receive_headers[bad]["control_length"] = 24
        at = bad * CONTROL_WORDS
        t.control[at : at + 3] = 20, SOL_UDP | UDP_GRO << 32, 1500  # CMSG_LEN of 32 bits
        t.receive_headers[good]["length"] = 1
        t.receive_headers[good]["control_length"] = 0
        t.data[good * STRIDE + FIRST_OCTET] = 0xFF
        state["messages"], state["unpacked"] = BATCH, bad
        state["running"] = 1
        call.plane._send(CommandKind.STOP, 0)
        t.poll[1]["happened"] = 1
        with pytest.raises(IndexError):
            run(t)
        run(t)
        assert state["running"] == 0
        assert call.plane.drops()["unknown_protocol"] == 1
