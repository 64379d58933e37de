"""The socket and the addresses that are announced."""

import errno
import socket
from ipaddress import ip_address

import pytest

from sfu.transport.interfaces import hosts_to_announce, machine_addresses, open_socket

MACHINE = [
    ip_address(each)
    for each in (
        "127.0.0.1",
        "::1",
        "fe80::1",
        "169.254.7.7",
        "2001:db8::5",
        "10.0.0.5",
        "172.17.0.1",
        "10.0.0.5",
    )
]


@pytest.mark.parametrize(
    ("bound", "announce", "hosts"),
    [
        ("::", (), ("10.0.0.5", "172.17.0.1", "2001:db8::5", "127.0.0.1", "::1")),
        ("0.0.0.0", (), ("10.0.0.5", "172.17.0.1", "127.0.0.1")),
        ("127.0.0.1", (), ("127.0.0.1",)),
        ("::1", (), ("::1",)),
        ("::", ("203.0.113.1", "2001:db8::9"), ("203.0.113.1", "2001:db8::9")),
        ("10.0.0.5", ("203.0.113.1",), ("203.0.113.1",)),
    ],
)
def test_what_is_announced(bound: str, announce: tuple[str, ...], hosts: tuple[str, ...]) -> None:
    assert hosts_to_announce(bound, announce, MACHINE) == hosts


def test_a_name_is_no_address_to_announce() -> None:
    with pytest.raises(ValueError, match="example"):
        hosts_to_announce("::", ("sfu.example",), MACHINE)


def test_this_machine_has_its_loopback_address() -> None:
    assert ip_address("127.0.0.1") in machine_addresses()


@pytest.mark.parametrize(
    ("host", "family"),
    [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6), ("::", socket.AF_INET6)],
)
def test_the_family_is_that_of_the_host(host: str, family: socket.AddressFamily) -> None:
    with open_socket(host, 0) as sock:
        assert sock.family == family
        assert sock.getsockname()[1] != 0


def test_both_families_reach_the_wildcard() -> None:
    with open_socket("::", 0) as sock:
        port = sock.getsockname()[1]
        for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            with socket.socket(family, socket.SOCK_DGRAM) as sender:
                sender.sendto(host.encode(), (host, port))
        sock.settimeout(2)
        assert {sock.recv(100), sock.recv(100)} == {b"127.0.0.1", b"::1"}


def test_without_ipv6_the_wildcard_is_that_of_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    really = socket.socket

    def without_ipv6(family: int, kind: int) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return really(family, kind)

    monkeypatch.setattr("sfu.transport.interfaces.socket.socket", without_ipv6)
    with open_socket("::", 0) as sock:
        assert sock.family == socket.AF_INET
    with pytest.raises(OSError, match="family"):
        open_socket("::1", 0)


def test_a_taken_port_and_a_name_are_said_to_be_so() -> None:
    with open_socket("127.0.0.1", 0) as sock, pytest.raises(OSError, match="in use"):
        open_socket("127.0.0.1", sock.getsockname()[1])
    with pytest.raises(ValueError, match="localhost"):
        open_socket("localhost", 0)
