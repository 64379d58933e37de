"""Pages of which sites may use the API: our own, and those on the list (CORS, RFC 6454)."""

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from control.web.problems import OriginNotAllowed
from control.web.service import SERVICE

_METHODS = "GET, POST, PUT, DELETE"
_HEADERS = "Authorization, Content-Type, Idempotency-Key"
_EXPOSED = "Idempotency-Replayed, Link, Retry-After"
_MAX_AGE_S = 3600


def refuse_other_origins(request: web.Request) -> None:
    """Raise for a page of another site. Browsers do not check WebSockets; programs send none."""
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is None or origin in request.app[SERVICE].settings.allowed_origins:
        return
    # In either scheme, for a proxy in front may have taken the TLS off.
    if origin not in (f"https://{request.host}", f"http://{request.host}"):
        raise OriginNotAllowed(f"{origin[:200]} is not among the allowed origins.")


@web.middleware
async def cross_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let pages of the listed sites call the API."""
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is None or origin not in request.app[SERVICE].settings.allowed_origins:
        return await handler(request)
    is_preflight = hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers
    if request.method == hdrs.METH_OPTIONS and is_preflight:
        response: web.StreamResponse = web.Response(status=204)
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_METHODS] = _METHODS
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = _HEADERS
        response.headers[hdrs.ACCESS_CONTROL_MAX_AGE] = str(_MAX_AGE_S)
    else:
        response = await handler(request)
    if not response.prepared:
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
        response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = _EXPOSED
        response.headers[hdrs.VARY] = hdrs.ORIGIN
    return response
