"""Every error as a problem document (RFC 9457)."""

import http
import logging
import math
import re
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from control.errors import BadInput, ControlError, TooManyRequests

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"


class InvalidInput(BadInput):
    """What was sent does not fit the types of the API; ``errors`` says where and why."""

    def __init__(self, errors: list[dict[str, str]]) -> None:
        first = errors[0]
        super().__init__(f"{first['where']}, {first['member'] or 'whole'}: {first['message']}")
        self.errors = errors


class MalformedJson(ControlError):
    """The body is no JSON object."""

    code = "malformed-json"
    title = "The body is not a JSON object"
    status = 400


class NotJson(ControlError):
    """The body is not declared as JSON in UTF-8."""

    code = "unsupported-media-type"
    title = "The body must be application/json"
    status = 415


class OriginNotAllowed(ControlError):
    """A page of another site, which is not on the list."""

    code = "origin-not-allowed"
    title = "Pages of this site may not use the service"
    status = 403


def problem(
    request: web.BaseRequest, status: int, code: str, title: str, detail: str, **more: Any
) -> web.Response:
    """The document as a response."""
    return web.json_response(
        {
            "type": f"urn:rodrun:problem:{code}",
            "title": title,
            "status": status,
            "detail": detail,
            "instance": request.rel_url.raw_path,
            "code": code,
            **more,
        },
        status=status,
        content_type=CONTENT_TYPE,
    )


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever is raised into a problem document; say nothing of our insides."""
    try:
        return await handler(request)
    except ControlError as error:
        more = {"errors": error.errors} if isinstance(error, InvalidInput) else {}
        response = problem(request, error.status, error.code, error.title, error.detail, **more)
        if error.status == http.HTTPStatus.UNAUTHORIZED:
            response.headers["WWW-Authenticate"] = "Bearer"
        if error.status == http.HTTPStatus.SERVICE_UNAVAILABLE:
            response.headers["Retry-After"] = "1"
        if isinstance(error, TooManyRequests):
            response.headers["Retry-After"] = str(math.ceil(error.wait_s))
        return response
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _http_problem(request, error)
    except ConnectionResetError:  # gone in the middle of its request: nobody reads the answer
        return problem(
            request, 400, "incomplete-request", "The request ended early", "Send it anew."
        )
    except Exception:
        log.exception("%s %s failed", request.method, request.path)
        return problem(
            request, 500, "internal-error", "Something is wrong on our side", "It was logged."
        )


def _http_problem(request: web.Request, error: web.HTTPException) -> web.Response:
    phrase = http.HTTPStatus(error.status).phrase
    code, detail = re.sub(r"[^a-z]+", "-", phrase.lower()), f"{request.method} {request.path}"
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        code, detail = "body-too-large", "The body is larger than the service takes."
    elif isinstance(error, web.HTTPBadRequest):
        if error.content_type == "application/json":
            # What aiohttp-pydantic raises for a body that is no JSON object.
            code, phrase = MalformedJson.code, MalformedJson.title
        detail = phrase if code == MalformedJson.code else str(error.text)
    response = problem(request, error.status, code, phrase, detail)
    if isinstance(error, web.HTTPMethodNotAllowed):
        response.headers["Allow"] = error.headers["Allow"]
    return response
