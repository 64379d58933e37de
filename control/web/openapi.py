"""The description of the API, made from the types of its handlers."""

import importlib.metadata
from functools import cached_property
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from aiohttp import web
from aiohttp_pydantic.oas.pydantic_schema_to_oas import add_or_replace_translater
from aiohttp_pydantic.oas.view import generate_oas

from control.web import idempotency
from control.web.problems import CONTENT_TYPE
from control.web.refusals import Refusal, refusals
from control.web.schema.problems import Problem
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


# With every response of the status.
HEADERS = {
    401: ("WWW-Authenticate", "Bearer"),
    429: ("Retry-After", "Seconds to wait."),
    503: ("Retry-After", "Seconds to wait."),
}


IDEMPOTENCY_KEY = {
    "name": idempotency.HEADER,
    "in": "header",
    "required": False,
    "description": "Sent again with the same key, the same command is answered, not done, again.",
    "schema": {"type": "string", "pattern": idempotency.KEY_PATTERN},
}
REPLAYED = {
    "description": "The answer was given before, to the same key.",
    "required": False,
    "schema": {"type": "string", "enum": ["true"]},
}


class Created(NamedTuple):
    """Where an id comes from."""

    path: str
    status: str
    expression: str


CREATED = {
    "consultation_id": Created("/api/v1/consultations", "201", "$response.body#/id"),
    "connection_id": Created("/api/v1/join", "200", "$response.body#/connection_id"),
    "probe_id": Created("/api/v1/probes", "201", "$response.body#/id"),
}


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
    document["info"]["license"] = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
    _add_schema(document, Problem.model_json_schema(ref_template="#/components/schemas/{model}"))
    document["components"]["securitySchemes"] = {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token of the platform, or of the demo's sign-in.",
        }
    }
    document["security"] = [{"bearer": []}]
    views = {
        route.resource.canonical: route.handler
        for route in app.router.routes()
        if route.resource is not None
        and isinstance(route.handler, type)
        and issubclass(route.handler, View)
    }
    # The library keeps the methods in a set, whose order is another in each process.
    document["paths"] = {
        path: dict(sorted(operations.items())) for path, operations in document["paths"].items()
    }
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _complete(operation, views[path], method)
    _link(document)
    return document


def _complete(operation: dict[str, Any], view: type[View], method: str) -> None:
    """Say what the library does not know."""
    operation["operationId"] = method + view.__name__.removesuffix("View")
    operation["summary"], _, more = operation.pop("description").partition("\n\n")
    if more:
        operation["description"] = more
    for response in operation["responses"].values():
        response["description"] = response["description"] or "Done."
        if not response.get("content"):
            response.pop("content", None)
    if view.public:
        operation["security"] = []
    if "requestBody" in operation:
        operation["requestBody"]["required"] = True
    is_command = method.upper() in idempotency.COMMANDS and not view.public and view.takes_key
    if is_command:
        operation.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
        for response in operation["responses"].values():
            response.setdefault("headers", {})[idempotency.REPLAYED] = REPLAYED
    of_status = groupby(
        refusals(
            getattr(view, method),
            signed_in=not view.public,
            one_role=view.role is not None,
            is_command=is_command,
            operation=operation,
        ),
        key=attrgetter("status"),
    )
    for status, group in of_status:
        operation["responses"][str(status)] = _problems(status, list(group))


def _problems(status: int, found: list[Refusal]) -> dict[str, Any]:
    """The response with one of these problems."""
    schema = {
        "allOf": [
            {"$ref": "#/components/schemas/Problem"},
            {"properties": {"code": {"enum": [each.code for each in found]}}},
        ]
    }
    response: dict[str, Any] = {
        "description": "; ".join(each.title for each in found) + ".",
        "content": {CONTENT_TYPE: {"schema": schema}},
    }
    if status in HEADERS:
        name, description = HEADERS[status]
        header = {"description": description, "required": True, "schema": {"type": "string"}}
        response["headers"] = {name: header}
    return response


def _link(document: dict[str, Any]) -> None:
    """A request leads to what can be done with a consultation; so do a join and a probe."""
    links: dict[str, dict[str, Any]] = {name: {} for name in CREATED}
    for operations in document["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", []):
                name = parameter["name"]
                if name in CREATED:
                    links[name][operation["operationId"]] = {
                        "operationId": operation["operationId"],
                        "parameters": {name: CREATED[name].expression},
                    }
    for name, created in CREATED.items():
        response = document["paths"][created.path]["post"]["responses"][created.status]
        response["links"] = links[name]


async def openapi(request: web.Request) -> web.Response:
    """The document."""
    return web.json_response(request.app[DESCRIPTION].document)


def _add_schema(document: dict[str, Any], schema: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    schemas.update(schema.pop("$defs", {}))
    schemas[schema["title"]] = schema


ROUTES = [web.get("/openapi.json", openapi)]
