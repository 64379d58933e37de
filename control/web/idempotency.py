"""Idempotency-Key: a command that is sent again, for its answer was lost, is not done again."""

import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import hdrs, web

from control.adapters.answers import Answer, Answers
from control.adapters.engines import Work
from control.adapters.scheduler import Clock
from control.errors import BadInput

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
COMMANDS = frozenset({hdrs.METH_POST, hdrs.METH_PUT, hdrs.METH_DELETE})
KEY_PATTERN = r"^[\x21-\x7e]{1,255}$"
_KEY = re.compile(KEY_PATTERN)


class Once:
    """One command of a user under one key."""

    def __init__(self, answers: Answers, user_id: str, key: str, print_: str, clock: Clock) -> None:
        self._answers = answers
        self._user_id = user_id
        self._key = key
        self._fingerprint = print_
        self._clock = clock
        # Somebody took care of the answer.
        self._is_kept = False

    @classmethod
    async def of(
        cls, answers: Answers, user_id: str, request: web.Request, clock: Clock
    ) -> "Once | None":
        """From the header of a command; None when there is none. Raises BadInput."""
        key = request.headers.get(HEADER)
        if key is None or request.method not in COMMANDS:
            return None
        if not _KEY.fullmatch(key):
            raise BadInput(f"{HEADER} has 1 to 255 visible characters of ASCII.")
        asked = hashlib.sha256(f"{request.method} {request.raw_path}\n".encode())
        asked.update(await request.read())
        return cls(answers, user_id, key, asked.hexdigest(), clock)

    async def answer(self, carry_out: Callable[[], Awaitable[web.StreamResponse]]) -> Any:
        """The answer that was given before, or else that of ``carry_out``."""
        self._answers.begin(self._user_id, self._key)
        try:
            now = self._clock()
            given = await self._answers.find(self._user_id, self._key, self._fingerprint, now)
            if given is not None:
                return _response(given)
            response = await carry_out()
            if isinstance(response, web.Response) and response.status < 300 and not self._is_kept:
                answer = self._answer(response)
                await self._answers.save(self._user_id, self._key, answer, self._clock())
            return response
        finally:
            self._answers.end(self._user_id, self._key)

    def keep(self, response: web.Response) -> Work[None]:
        """Work that keeps the answer, for the transaction of what it answers."""
        self._is_kept = True
        return self._answers.keep(self._user_id, self._key, self._answer(response), self._clock())

    def _answer(self, response: web.Response) -> Answer:
        return Answer(self._fingerprint, response.status, response.text or "")


def _response(answer: Answer) -> web.Response:
    response = web.Response(status=answer.status, headers={REPLAYED: "true"})
    if answer.body:
        response.content_type = "application/json"
        response.text = answer.body
    return response
