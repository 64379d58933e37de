"""Which addresses a webhook may go to."""

import socket

import pytest

from control.adapters.webhooks.addresses import AddressRefused, is_public, public_socket


@pytest.mark.parametrize(
    "address",
    ["9.9.9.9", "198.51.99.1", "2606:4700::1111", "::ffff:9.9.9.9", "64:ff9b::909:909"],
)
def test_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "127.8.8.8",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:0:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a00:1",
        "64:ff9b:1::9.9.9.9",
        "100::1",
        "2001:db8::1",
        "2001::",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_not_public(address: str) -> None:
    assert not is_public(address)


def test_a_connection_is_refused_by_the_address_that_it_would_go_to() -> None:
    tcp = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
    with pytest.raises(AddressRefused, match=r"10\.0\.0\.1 is not a public address"):
        public_socket((*tcp, ("10.0.0.1", 443)))
    with public_socket((*tcp, ("9.9.9.9", 443))) as made:
        assert made.type == socket.SOCK_STREAM
