"""The worker's UDP socket, and the addresses at which it can be reached."""

import errno
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

import ifaddr

IpAddress = IPv4Address | IPv6Address


def open_socket(host: str, port: int) -> socket.socket:
    """A UDP socket bound to ``host`` (an IP address) and ``port`` (0 for any).

    ``::`` is both families; on a machine without IPv6 it becomes ``0.0.0.0``. Raises ValueError
    for a host that is no IP address and OSError when it cannot be bound.
    """
    wanted = ip_address(host)
    if isinstance(wanted, IPv6Address):
        try:
            return _bind(socket.AF_INET6, host, port)
        except OSError as error:
            missing = error.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)
            if not wanted.is_unspecified or not missing:
                raise
            host = "0.0.0.0"
    return _bind(socket.AF_INET, host, port)


def _bind(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind((host, port))
    except BaseException:
        sock.close()
        raise
    return sock


def machine_addresses() -> list[IpAddress]:
    """The addresses of this machine's interfaces, as the system lists them."""
    return [
        ip_address(each.ip if isinstance(each.ip, str) else each.ip[0].partition("%")[0])
        for adapter in ifaddr.get_adapters()
        for each in adapter.ips
    ]


def hosts_to_announce(
    bound: str, announce: Sequence[str], machine: Sequence[IpAddress]
) -> tuple[str, ...]:
    """The hosts of the candidates, best first. Pure.

    Args:
        bound: the host that the socket is bound to.
        announce: what the operator wants announced; then nothing else is.
        machine: this machine's addresses, looked at when ``bound`` is a wildcard. IPv4 comes
            first, for it is the default address of the answer; loopback last: it serves a browser
            on the same machine. Link-local addresses mean nothing without an interface.
    """
    if announce:
        return tuple(str(ip_address(each)) for each in announce)
    own = ip_address(bound)
    if not own.is_unspecified:
        return (str(own),)
    usable = {
        each: None
        for each in machine
        if not each.is_link_local and not each.is_unspecified and each.version <= own.version
    }
    ordered = sorted(usable, key=lambda each: (each.is_loopback, each.version))
    return tuple(str(each) for each in ordered)
