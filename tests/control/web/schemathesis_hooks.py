"""Who makes which call of schemathesis, and what keeps it from locking itself out.

Loaded by its command line (SCHEMATHESIS_HOOKS). TOKENS holds an access token of each account.
"""

import itertools
import json
import os
import re
from typing import Any

import schemathesis
from schemathesis import AuthContext, Case, HookContext, Response

from control.web.cursor import MAX_CHARACTERS
from control.web.idempotency import HEADER, KEY_PATTERN

TOKENS: dict[str, str] = json.loads(os.environ["TOKENS"])
# The specialist's side of a consultation and of the own account; the client does the rest.
BY_IVAN = re.compile(
    r"/(accept|decline|extension|extension/withdraw|me/(profile|availability|ratings))$"
)


requested: list[str] = []
turns = itertools.count()


# Asked anew for each call, for the answer depends on it.
@schemathesis.auth(refresh_interval=None)
class Accounts:
    """Signs each call by whom the operation is for."""

    def get(self, case: Case[Any], _: AuthContext) -> str:
        """An access token."""
        path = case.operation.path
        if "/operator/" in path:
            return TOKENS["olga"]
        by_client = path.endswith("extension/accept")
        return TOKENS["ivan" if BY_IVAN.search(path) and not by_client else "maria"]

    def set(self, case: Case[Any], data: str, _: AuthContext) -> None:
        """Put it into the call."""
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def before_call(_: HookContext, case: Case[Any], __: dict[str, Any]) -> None:
    """Most calls are about the last request, which is to someone who is there and stays there."""
    if "consultation_id" in case.path_parameters and requested and next(turns) % 4:
        case.path_parameters["consultation_id"] = requested[-1]
    # A good key is good once.
    if re.fullmatch(KEY_PATTERN, case.headers.get(HEADER, "")):
        case.headers[HEADER] = f"key-{next(turns)}"
    # Only control makes cursors; a description cannot say which are good.
    if case.operation.path.endswith("/v1/consultations"):
        before = case.query.get("before")
        if isinstance(before, str) and len(before) <= MAX_CHARACTERS:
            del case.query["before"]
    body = case.body
    if not isinstance(body, dict):
        return
    fixed = {"specialist_id": "ivan", "available": True, "takes_video": True, "blocked": False}
    for name, value in fixed.items():
        if type(body.get(name)) is type(value):
            body[name] = value


@schemathesis.hook
def after_call(_: HookContext, case: Case[Any], response: Response) -> None:
    """Remember what was requested."""
    if case.operation.path.endswith("/consultations") and response.status_code == 201:
        requested.append(response.json()["id"])
