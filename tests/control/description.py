"""Every answer in these tests is one that the OpenAPI description knows."""

import json
from functools import cache
from typing import Any

import jsonschema_rs
from aiohttp import web
from aiohttp.typedefs import Handler

from control.web.openapi import DESCRIPTION

# The description takes a tenth of a second to make, and says the same in each test.
_documents: dict[bool, dict[str, Any]] = {}


class Answers:
    """Compares answers of ``app`` with its description. ``unknown`` is what does not fit."""

    def __init__(self, app: web.Application, demo: bool) -> None:
        self.unknown: list[str] = []
        self._app = app
        self._demo = demo
        # Outside of all others, whose answers are meant too.
        app.middlewares.insert(0, self._compare)

    @web.middleware
    async def _compare(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        resource = request.match_info.route.resource
        operations = self._document["paths"].get(resource.canonical if resource else "", {})
        operation = operations.get(request.method.lower())
        if operation is not None and response.status != 500:
            what = f"{request.method} {resource.canonical if resource else ''} {response.status}"
            self.unknown += [f"{what}: {each}" for each in _differences(self, operation, response)]
        return response

    @property
    def _document(self) -> dict[str, Any]:
        if self._demo not in _documents:
            _documents[self._demo] = self._app[DESCRIPTION].document
        return _documents[self._demo]

    def validator(self, operation_id: str, status: str) -> Any:
        """Of the body of this answer; None when there is no body."""
        return _validator(self._demo, operation_id, status)


def _differences(answers: Answers, operation: dict[str, Any], response: Any) -> list[str]:
    status = str(response.status)
    described = operation["responses"].get(status)
    if described is None:
        return [f"not described, {response.text}"]
    found = [
        f"header {name} is missing"
        for name, header in described.get("headers", {}).items()
        if header.get("required") and name not in response.headers
    ]
    validator = answers.validator(operation["operationId"], status)
    if validator is None:
        return found + (["has a body"] if response.text else [])
    if response.content_type not in described["content"]:
        found.append(f"is {response.content_type}")
    body = json.loads(response.text)
    return found + [error.message for error in validator.iter_errors(body)]


@cache
def _validator(demo: bool, operation_id: str, status: str) -> Any:
    document = _documents[demo]
    (described,) = (
        operation["responses"][status]
        for operations in document["paths"].values()
        for operation in operations.values()
        if operation["operationId"] == operation_id
    )
    if "content" not in described:
        return None
    (content,) = described["content"].values()
    schema = {**content["schema"], "components": document["components"]}
    return jsonschema_rs.Draft202012Validator(schema)
