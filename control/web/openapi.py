"""The description of the API, made from the types of its handlers."""

import importlib.metadata
from functools import cached_property
from typing import Any

from aiohttp import web
from aiohttp_pydantic.oas.pydantic_schema_to_oas import add_or_replace_translater
from aiohttp_pydantic.oas.view import generate_oas

from control.web.problems import CONTENT_TYPE
from control.web.schema import Problem
from control.web.view import View

INTRODUCTION = """\
Consultations, their rules and their rooms. Times are Unix seconds. Every error is a problem
document (RFC 9457) whose `code` is stable.

Events come over the WebSocket `/api/v1/events`. Send `{"type": "authenticate", "token": …}`
within 5 seconds, and `{"type": "camera_ready", "ready": true}` when a page has checked its
devices. The service answers `ready`, then sends where things stand and every change:
`consultation` (with a snapshot), `presence`, `connection_replaced`, `rejoin`, `quality` and
`video_pause`: the connection of `receiver` ("client" or "specialist") is too slow for the `camera`
or the `screen` of the other one, whose page stops sending what is true there and sends again what
is false. Nothing is paused until it is said, and a page that comes back is told what is.
It closes with 4401 when the token is not good, 4402 when it ends, 4403 when an operator blocks the
account, 4429 for whoever asks too often or has too many pages, 1008 for what it does not
understand, 1001 and 1013 when it stops or cannot work just now, and without a word when a page does
not keep up.
"""


class Description:
    """Made when it is first asked for: that takes a tenth of a second."""

    def __init__(self, app: web.Application) -> None:
        self._app = app

    @cached_property
    def document(self) -> dict[str, Any]:
        """The OpenAPI document."""
        return describe(self._app)


DESCRIPTION = web.AppKey("description", Description)


def describe(app: web.Application) -> dict[str, Any]:
    """The OpenAPI document of every view in ``app``."""
    version = importlib.metadata.version("rodrun")
    # pydantic writes JSON Schema 2020-12, which is OpenAPI 3.1; the library would bend it into 3.0
    # (and cannot bend a member that is null or an object).
    add_or_replace_translater("3.0.0", lambda schema: None)
    document: dict[str, Any] = generate_oas([app], version, "Rod Run control API")
    document["openapi"] = "3.1.0"
    document["info"]["description"] = INTRODUCTION
    _add_schema(document, Problem.model_json_schema(ref_template="#/components/schemas/{model}"))
    document["components"]["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    }
    document["security"] = [{"bearer": []}]
    problem = {
        "description": "A problem document.",
        "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    public = {
        route.resource.canonical
        for route in app.router.routes()
        if route.resource is not None
        and isinstance(route.handler, type)
        and issubclass(route.handler, View)
        and route.handler.public
    }
    # The library keeps the methods in a set, whose order is another in each process.
    document["paths"] = {
        path: dict(sorted(operations.items())) for path, operations in document["paths"].items()
    }
    for path, operations in document["paths"].items():
        for operation in operations.values():
            operation["responses"]["default"] = problem
            for response in operation["responses"].values():
                response["description"] = response["description"] or "Done."
            if path in public:
                operation["security"] = []
            if "requestBody" in operation:
                operation["requestBody"]["required"] = True
    return document


async def openapi(request: web.Request) -> web.Response:
    """The document."""
    return web.json_response(request.app[DESCRIPTION].document)


def _add_schema(document: dict[str, Any], schema: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    schemas.update(schema.pop("$defs", {}))
    schemas[schema["title"]] = schema


ROUTES = [web.get("/openapi.json", openapi)]
