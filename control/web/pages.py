"""The reference page, the API's description, and the headers that protect both."""

from pathlib import Path

from aiohttp import web

from control.web.service import SERVICE

_DOCS = Path(__file__).parent / "docs"

# By name, for what `mimetypes` says depends on the machine; scripts with a wrong type do not run.
CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".ts": "text/plain; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".wav": "audio/wav",
}

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob: mediastream:",
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Permissions-Policy": (
        "camera=(self), microphone=(self), display-capture=(self), autoplay=(self), "
        "fullscreen=(self), screen-wake-lock=(self), geolocation=(), payment=(), usb=()"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}


async def protect(request: web.Request, response: web.StreamResponse) -> None:
    """Headers of every response. Nothing is cached without asking; answers of the API never."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    caching = "no-store" if request.path.startswith("/api/") else "no-cache"
    response.headers.setdefault("Cache-Control", caching)


async def page(request: web.Request) -> web.StreamResponse:
    """A file of the reference page; index.html at /."""
    root = request.app[SERVICE].settings.page_dir
    return _file(root, request.match_info.get("path") or "index.html")


async def docs(request: web.Request) -> web.StreamResponse:
    """A file of the page that shows /openapi.json."""
    return _file(_DOCS, request.match_info.get("path") or "index.html")


def _file(root: Path, path: str) -> web.FileResponse:
    if "\0" in path:
        raise web.HTTPNotFound
    root = root.resolve()
    file = (root / path).resolve()
    content_type = CONTENT_TYPES.get(file.suffix)
    hidden = any(part.startswith(".") for part in Path(path).parts)
    if content_type is None or hidden or not file.is_relative_to(root) or not file.is_file():
        raise web.HTTPNotFound
    return web.FileResponse(file, headers={"Content-Type": content_type})


ROUTES = [
    web.get("/docs", docs),
    web.get("/docs/{path:.+}", docs),
    web.get("/", page),
    # Last, and not for the API, whose unknown addresses have no other methods either.
    web.get("/{path:(?!api/).+}", page),
]
