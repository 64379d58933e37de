"""Addresses, control messages, the clock and SRTP through the C functions."""

import socket
import time

import numpy as np
import pylibsrtp
import pytest

from sfu import native
from sfu.compiled import compiled

GCM = pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM
PROFILES = {
    GCM: 28,
    pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_256_GCM: 44,
    pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80: 30,
}


@pytest.mark.parametrize(
    ("family", "host"),
    [
        (socket.AF_INET, "192.0.2.7"),
        (socket.AF_INET6, "192.0.2.7"),
        (socket.AF_INET6, "2001:db8::7"),
        (socket.AF_INET6, "fe80::1%1"),
    ],
)
def test_addresses_survive_packing(family: int, host: str) -> None:
    packed = native.pack_address((host, 50_000), family)
    assert len(packed) == 28
    assert native.unpack_address(packed) == (host, 50_000)


def test_an_interface_may_be_named_as_scope() -> None:
    packed = native.pack_address(("fe80::1%lo", 1), socket.AF_INET6)
    assert native.unpack_address(packed) == (f"fe80::1%{socket.if_nametoindex('lo')}", 1)


@pytest.mark.parametrize(
    ("family", "address"),
    [
        (socket.AF_INET, ("name.example", 1)),
        (socket.AF_INET, ("::1", 1)),
        (socket.AF_INET6, ("fe80::1%nowhere", 1)),
        (socket.AF_INET, ("127.0.0.1", 65_536)),
    ],
)
def test_what_is_no_address_is_refused(family: int, address: tuple[str, int]) -> None:
    with pytest.raises(ValueError, match="not a"):
        native.pack_address(address, family)


@pytest.mark.parametrize("data", [b"", bytes(28), b"\x01" * 28])
def test_octets_that_are_no_address_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="address"):
        native.unpack_address(data)


@compiled
def _receive(fd: int, messages_address: int, count: int) -> int:
    return native.recvmmsg(fd, messages_address, count, native.MSG_DONTWAIT, 0)


@compiled
def _send(fd: int, messages_address: int, count: int) -> int:
    return native.sendmmsg(fd, messages_address, count, native.MSG_DONTWAIT)


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_messages_arrive_with_address_and_time(family: int) -> None:
    with (
        socket.socket(family, socket.SOCK_DGRAM) as ours,
        socket.socket(family, socket.SOCK_DGRAM) as theirs,
    ):
        for each in (ours, theirs):
            each.bind(("127.0.0.1" if family == socket.AF_INET else "::1", 0))
        ours.setsockopt(socket.SOL_SOCKET, native.SO_TIMESTAMPNS, 1)
        messages = native.Messages(4, 100, headroom=16, control=True)
        before_ns = time.time_ns()
        theirs.sendto(b"first", ours.getsockname())
        theirs.sendto(b"x" * 200, ours.getsockname())
        assert _receive(ours.fileno(), messages.headers_address, 4) == 2
        assert messages.headers["length"][:2].tolist() == [5, 100]
        assert (messages.headers["flags"][:2] & native.MSG_TRUNC).astype(bool).tolist() == [
            False,
            True,
        ]
        assert bytes(messages.data[16:21]) == b"first"
        name = bytes(messages.names[:28])
        assert native.unpack_address(name) == theirs.getsockname()[:2]
        assert native.pack_address(theirs.getsockname()[:2], family) == name
        length = int(messages.headers["control_length"][0])
        at_ns = native.receive_time(messages.control, 0, length)
        assert before_ns - 10_000_000 <= at_ns <= time.time_ns()
        assert native.receive_overflow(messages.control, 0, length) == -1
        native.reset_messages(messages.headers, 2)

        # back to where the first came from
        answer = native.Messages(1, 5)
        answer.names[:] = messages.names[:28]
        answer.data[:5] = messages.data[16:21]
        assert _send(ours.fileno(), answer.headers_address, 1) == 1
        assert theirs.recv(100) == b"first"


def test_datagrams_that_found_no_room_are_told() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as theirs,
    ):
        ours.bind(("127.0.0.1", 0))
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        ours.setsockopt(socket.SOL_SOCKET, native.SO_RXQ_OVFL, 1)
        messages = native.Messages(64, 100, control=True)
        for _ in range(64):
            theirs.sendto(b"x", ours.getsockname())
        came = _receive(ours.fileno(), messages.headers_address, 64)
        native.reset_messages(messages.headers, came)
        theirs.sendto(b"y", ours.getsockname())
        assert _receive(ours.fileno(), messages.headers_address, 64) == 1
        length = int(messages.headers["control_length"][0])
        assert native.receive_overflow(messages.control, 0, length) == 64 - came


@pytest.mark.parametrize("size", [0, 15, 17, 33, 1 << 31, -1, -(1 << 63), (1 << 63) - 1])
def test_broken_control_messages_are_not_followed(size: int) -> None:
    control = np.zeros(native.CONTROL_SIZE // 8, np.int64)
    control[:2] = size, socket.SOL_SOCKET | native.SO_TIMESTAMPNS << 32
    at_ns = native.receive_time(control, 0, 32)
    assert at_ns == 0
    assert native.receive_segment(control, 0, 32) == 0


@compiled
def _protect(context: int, data_address: int, length_address: int) -> int:
    return native.srtp_protect(context, data_address, length_address)


@compiled
def _unprotect(context: int, data_address: int, length_address: int) -> int:
    return native.srtp_unprotect(context, data_address, length_address)


@pytest.mark.parametrize(("profile", "key_length"), PROFILES.items())
def test_srtp_goes_round_and_refuses_repeats(profile: int, key_length: int) -> None:
    sender = native.SrtpSession(profile, bytes(range(key_length)), outbound=True)
    receiver = native.SrtpSession(profile, bytes(range(key_length)), outbound=False)
    plain = b"\x80\x60\0\7" + bytes(4) + b"ssrc" + b"payload!"
    data = np.zeros(100, np.uint8)
    length = np.array([len(plain)], np.int32)
    data[: len(plain)] = np.frombuffer(plain, np.uint8)
    at, length_at = native.address_of(data), native.address_of(length)
    assert _protect(sender.pointer, at, length_at) == native.SRTP_OK
    assert length[0] - len(plain) in range(10, native.SRTP_TRAILER + 1)
    kept, kept_length = data.copy(), int(length[0])
    assert _unprotect(receiver.pointer, at, length_at) == native.SRTP_OK
    assert bytes(data[: length[0]]) == plain
    data[:] = kept
    length[0] = kept_length
    assert _unprotect(receiver.pointer, at, length_at) != native.SRTP_OK, "a replay"
    data[: len(plain)] = np.frombuffer(plain, np.uint8)
    length[0] = len(plain)
    assert _protect(sender.pointer, at, length_at) != native.SRTP_OK, "one nonce, two texts"
    ssrc = int.from_bytes(b"ssrc")
    assert native.srtp_remove_stream(receiver.pointer, ssrc) == native.SRTP_OK
    assert native.srtp_remove_stream(receiver.pointer, ssrc) != native.SRTP_OK
    for each in (sender, receiver):
        each.close()
        each.close()
        with pytest.raises(RuntimeError):
            _ = each.pointer


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="key"):
        native.SrtpSession(GCM, bytes(27), outbound=True)


def test_the_clock_is_the_systems() -> None:
    scratch = np.zeros(1, native.TIMESPEC)
    before_ns = time.time_ns()
    now_ns = native.read_clock(scratch, native.address_of(scratch), native.CLOCK_REALTIME)
    assert before_ns <= now_ns <= time.time_ns()
