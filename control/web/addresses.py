"""Where requests come from, and how often they may."""

from ipaddress import IPv6Address, IPv6Network, ip_address

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from control.settings import Networks
from control.web.service import SERVICE

# What one household or one machine is given, at the least (RFC 6177). Whoever has it has 2⁶⁴
# addresses, and would have as many buckets.
IPV6_PREFIX = 64


def client_address(request: web.Request) -> str:
    """The address that a request comes from; "" when it came over no network."""
    proxies = request.app[SERVICE].settings.trusted_proxies
    forwarded = request.headers.getall(hdrs.X_FORWARDED_FOR, [])
    return _behind(proxies, request.remote or "", forwarded)


@web.middleware
async def limit_addresses(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse the API to whoever asks too often, before anything but that is looked at."""
    if request.path.startswith("/api/"):
        service = request.app[SERVICE]
        scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        is_load_test = scheme.lower() == "bearer" and await service.synthetic_tokens.holds(
            token.strip(), service.clock()
        )
        if is_load_test:
            # A load test comes from one address, and may not use up what others there have.
            service.synthetic_rates.take("", service.steady_clock())
        else:
            service.address_rates.take(network(client_address(request)), service.steady_clock())
    return await handler(request)


def network(address: str) -> str:
    """What counts as one place: an IPv4 address, or the network of an IPv6 one."""
    if ":" not in address:
        return address
    return str(IPv6Network((address, IPV6_PREFIX), strict=False))


def _behind(proxies: Networks, peer: str, forwarded: list[str]) -> str:
    """Who spoke to the proxies, if ``peer`` is one that we trust.

    Each proxy writes whom it heard at the right end of X-Forwarded-For; what stands left of the
    last trusted one may be anyone's invention.
    """
    address = _address(peer)
    said = ",".join(forwarded).split(",")
    while address and said and any(ip_address(address) in each for each in proxies):
        before = _address(said.pop())
        if not before:
            break
        address = before
    return address


def _address(text: str) -> str:
    """An address as sockets and proxies write it, in one form; "" for what is none."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    # A socket of both families tells of IPv4 in IPv6's form.
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)
