"""Which addresses a webhook may go to, so that nobody reaches our own network through us."""

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

# What is routed at all (RFC 4291, section 2.4; IANA's allocation of global unicast).
_GLOBAL_UNICAST = IPv6Network("2000::/3")
# An IPv4 address is within (RFC 6052, well-known prefix).
_NAT64 = IPv6Network("64:ff9b::/96")


class AddressRefused(OSError):
    """The target's name leads to an address that is not on the public internet."""


def is_public(address: str) -> bool:
    """Whether an address literal is of the public internet.

    Not so are private, loopback, link-local, shared (RFC 6598), multicast and reserved ones, and
    IPv6 forms that carry such an IPv4 address.

    >>> is_public("169.254.169.254"), is_public("::ffff:10.0.0.1"), is_public("9.9.9.9")
    (False, False, True)
    """
    parsed = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv4Address):
        return _is_public_v4(parsed)
    carried = _carried(parsed)
    if carried is not None:
        return all(_is_public_v4(each) for each in carried)
    return parsed in _GLOBAL_UNICAST and parsed.is_global


def _is_public_v4(address: IPv4Address) -> bool:
    return address.is_global and not address.is_multicast and not address.is_reserved


def _carried(address: IPv6Address) -> list[IPv4Address] | None:
    """The IPv4 addresses that packets to this one end up at, None when it carries none."""
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address.sixtofour is not None:
        return [address.sixtofour]
    if address.teredo is not None:
        return list(address.teredo)
    if address in _NAT64:
        return [IPv4Address(int(address) & 0xFFFF_FFFF)]
    return None


def public_socket(
    address_info: tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int]],
) -> socket.socket:
    """A socket for one connection attempt; what ``socket.getaddrinfo`` gave says where to.

    This is called right before each connect, with the very address that is connected to, so a
    name cannot lead elsewhere between check and use.

    Raises:
        AddressRefused: when that address is not public.
    """
    family, kind, protocol, _, address = address_info
    host = address[0]
    if not is_public(host):
        raise AddressRefused(f"{host} is not a public address")
    return socket.socket(family, kind, protocol)
