"""Which problems an operation of the API may answer with, for its description.

What comes of being an operation at all (of taking a token, a body, an id) is worked out here. A
handler says what else its rules refuse:

>>> @refuses(NotInThisState)
... async def post(self, consultation_id: str, /) -> r200[Snapshot]: ...
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from control.errors import (
    AccountBlocked,
    BadInput,
    ControlError,
    DatabaseUnavailable,
    IdempotencyKeyInUse,
    IdempotencyKeyReused,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    TokenExpired,
    TokenInvalid,
    TooManyRequests,
    Unavailable,
)
from control.web.idempotency import COMMANDS
from control.web.problems import InvalidInput, MalformedJson, NotJson

Handler = TypeVar("Handler", bound=Callable[..., Any])

_ATTRIBUTE = "refuses"


class Refusal(NamedTuple):
    """A problem as it may come."""

    status: int
    code: str
    title: str

    @classmethod
    def of(cls, error: type[ControlError]) -> "Refusal":
        """What an error becomes."""
        return cls(error.status, error.code, error.title)


# Those of the HTTP server itself.
INCOMPLETE = Refusal(400, "incomplete-request", "The request ended early")
BODY_TOO_LARGE = Refusal(413, "body-too-large", "Request Entity Too Large")
INTERNAL = Refusal(500, "internal-error", "Something is wrong on our side")


def refuses(*errors: type[ControlError]) -> Callable[[Handler], Handler]:
    """Mark a handler with what its rules refuse."""

    def mark(handler: Handler) -> Handler:
        setattr(handler, _ATTRIBUTE, errors)
        return handler

    return mark


def refusals(
    handler: Callable[..., Any],
    *,
    signed_in: bool,
    one_role: bool,
    is_command: bool,
    operation: dict[str, Any],
) -> list[Refusal]:
    """Everything, ordered by status and code.

    ``signed_in``: an access token is needed; ``one_role``: not every user's will do;
    ``is_command``: it may come with an Idempotency-Key.
    """
    errors: set[type[ControlError]] = {DatabaseUnavailable, TooManyRequests, Unavailable}
    errors.update(getattr(handler, _ATTRIBUTE, ()))
    found = {INTERNAL}
    if signed_in:
        errors |= {NotAuthenticated, TokenInvalid, TokenExpired, AccountBlocked}
        if handler.__name__.upper() in COMMANDS:
            # An Idempotency-Key that is none, or that is not for this command.
            errors.add(BadInput)
    if one_role:
        errors.add(NotPermitted)
    parameters = operation.get("parameters", [])
    if any(each["in"] == "path" for each in parameters):
        errors.add(NotFound)
    if parameters:
        errors.add(InvalidInput)
    if "requestBody" in operation:
        errors |= {InvalidInput, MalformedJson}
        found |= {INCOMPLETE, BODY_TOO_LARGE}
    if is_command:
        errors |= {IdempotencyKeyInUse, IdempotencyKeyReused}
        found |= {INCOMPLETE, BODY_TOO_LARGE}
    # A body that nobody asked for has to be declared well, all the same.
    errors.add(NotJson)
    return sorted(found | {Refusal.of(each) for each in errors})
