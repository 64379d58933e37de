"""Errors."""

from typing import Literal

from pydantic import Field

from control.web.schema.base import Output


class Problem(Output):
    """Every error (RFC 9457). ``code`` is stable and meant for programs."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    errors: list["InputError"] | None = Field(
        default=None, description="with invalid-input: each thing that is wrong"
    )


class InputError(Output):
    """One thing that is wrong with the input."""

    where: Literal["body", "headers", "path", "query string"]
    member: str
    message: str
