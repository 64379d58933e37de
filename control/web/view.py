"""What all views of the API share."""

from collections.abc import Awaitable, Callable
from typing import ClassVar

from aiohttp import web
from aiohttp_pydantic import PydanticView
from pydantic import BaseModel, ValidationError

from control.accounts import AccountRole
from control.adapters.engines import Work
from control.adapters.people import User
from control.adapters.step import Alongside
from control.consultations.commands import Command
from control.consultations.consultation import Consultation
from control.consultations.parties import Role
from control.errors import BadInput, NotFound, NotPermitted
from control.web.authentication import bearer_token
from control.web.idempotency import HEADER, Once
from control.web.problems import InvalidInput, MalformedJson, NotJson
from control.web.schema.consultations import Snapshot
from control.web.service import SERVICE, Service


class View(PydanticView):  # type: ignore[misc]  # the library brings no types
    """Signs the user in before anything else is looked at."""

    # Needs no access token.
    public: ClassVar[bool] = False
    # The only role that may use it; None: every one.
    role: ClassVar[AccountRole | None] = None
    # Its commands may carry an Idempotency-Key, so that their answers are kept.
    takes_key: ClassVar[bool] = True

    request: web.Request
    user: User
    _once: Once | None = None

    @property
    def service(self) -> Service:
        """The parts of control."""
        return self.request.app[SERVICE]

    async def _iter(self) -> web.StreamResponse:
        if self.request.method not in self.allowed_methods:
            self._raise_allowed_methods()
        if not self.public:
            self.user, _ = await self.service.sign_in(bearer_token(self.request))
            if self.role not in (None, self.user.role):
                raise NotPermitted(f"This is for a {self.role}; you are a {self.user.role}.")
        if any("\0" in part for part in self.request.match_info.values()):
            raise NotFound("No id has such characters.")
        _refuse_other_than_json(self.request)
        if self.public:
            return await self._answer()
        if not self.takes_key and HEADER in self.request.headers:
            raise BadInput(
                f"{HEADER} is not for this: nothing of what it answers is kept. Ask anew."
            )
        service = self.service
        self._once = await Once.of(service.answers, self.user.id, self.request, service.clock)
        if self._once is None:
            return await self._answer()
        response: web.StreamResponse = await self._once.answer(self._answer)
        return response

    async def _answer(self) -> web.StreamResponse:
        try:
            response: web.StreamResponse = await super()._iter()
        except (UnicodeDecodeError, RecursionError) as error:
            raise MalformedJson("The body is not a JSON object in UTF-8.") from error
        return response

    async def on_validation_error(self, exception: ValidationError, context: str) -> None:
        """Every wrong member, without an echo of what was sent."""
        raise InvalidInput(
            [
                {
                    "where": context,
                    "member": ".".join(str(part) for part in error["loc"]),
                    "message": error["msg"],
                }
                for error in exception.errors(
                    include_url=False, include_context=False, include_input=False
                )
            ]
        ) from exception

    def snapshot(self, consultation: Consultation, status: int = 200) -> web.Response:
        """A consultation as the response."""
        policy = self.service.settings.policy
        seen_by = consultation.role_of(self.user.id)
        return reply(
            Snapshot.of(consultation, self.service.steady_clock(), policy, seen_by), status
        )

    def keeping(self, response: web.Response) -> list[Work[None]]:
        """What keeps the response, if there is a key: for the transaction of what it answers."""
        return [self._once.keep(response)] if self._once else []

    async def perform(
        self, consultation_id: str, command: Callable[[Role], Command]
    ) -> web.Response:
        """The user's command on a consultation of theirs; the response is what came of it."""
        return await self.carried_out(
            lambda alongside: self.service.live.perform(
                self.user.id, consultation_id, command, alongside
            )
        )

    async def carried_out(
        self, command: Callable[[Alongside | None], Awaitable[Consultation]], status: int = 200
    ) -> web.Response:
        """What came of ``command`` as the response, which is stored with it if there is a key."""
        if self._once is None:
            return self.snapshot(await command(None), status)
        responses: list[web.Response] = []

        def alongside(consultation: Consultation) -> list[Work[None]]:
            responses.append(self.snapshot(consultation, status))
            return self.keeping(responses[-1])

        await command(alongside)
        # Decided anew after others had failed, the last decision is the one that was stored.
        return responses[-1]


def reply(model: BaseModel, status: int = 200) -> web.Response:
    """A model as the response."""
    return web.Response(
        text=model.model_dump_json(), status=status, content_type="application/json"
    )


def reply_list(models: list[BaseModel]) -> web.Response:
    """Models as the response."""
    text = ",".join(model.model_dump_json() for model in models)
    return web.Response(text=f"[{text}]", content_type="application/json")


def _refuse_other_than_json(request: web.Request) -> None:
    if not request.can_read_body:
        return
    charset = (request.charset or "utf-8").lower()
    if request.content_type != "application/json" or charset not in ("utf-8", "utf8"):
        raise NotJson("Send the header Content-Type: application/json, and UTF-8.")
