"""Control under test, and the people who use it over HTTP."""

from typing import Any, Self

from aiohttp import ClientResponse, ClientWebSocketResponse, WSMsgType
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request

from control.accounts import AccountRole
from control.adapters.database import Database
from control.adapters.people import User
from control.adapters.pulse import Pulse
from control.settings import Settings
from control.web import application
from control.web.service import SERVICE, Service
from sfu.api import ParticipantHeard
from tests.control.description import Answers
from tests.control.node import MemoryNode, quality_of

START_AT = 1_800_000_000.0


class Control:
    """One running control. ``now`` stands still until a test moves it."""

    def __init__(self, database: Database, settings: Settings, now: float = START_AT) -> None:
        self.now = now
        # By how much the machine's wall clock was set since the start.
        self.set_by_s = 0.0
        # How long it stood still; the time that tests let pass otherwise it listened.
        self.stood_s = 0.0
        self.node = MemoryNode()
        self.app: Application = application(
            database,
            self.node,
            settings,
            clock=lambda: self.now + self.set_by_s,
            monotonic=lambda: self.now,
            pulse=Pulse(lambda: self.stood_s),
        )
        self._answers = Answers(self.app, settings.demo)
        self.http: TestClient[Request, Application] = TestClient(TestServer(self.app))

    async def start(self) -> None:
        """Serve."""
        await self.http.start_server()

    async def stop(self) -> None:
        """Stop serving. Whatever was answered is among what the description says."""
        await self.http.close()
        assert self._answers.unknown == []

    @property
    def service(self) -> Service:
        """The parts within."""
        return self.app[SERVICE]

    async def pass_time(self, seconds: float) -> None:
        """Move the clock and let what is due happen."""
        self.now += seconds
        await self.service.live.scheduler.run_due()
        await self.service.errands.settled()

    async def stand_still(self, seconds: float) -> None:
        """The process is stopped, or the machine sleeps; then what is due happens."""
        self.stood_s += seconds
        await self.pass_time(seconds)

    async def hear(self, consultation_id: str, *roles: str, ago: float = 0.0) -> None:
        """The node reports authenticated packets of these participants."""
        for role in roles:
            stamp = self.now + self.set_by_s - ago
            self.node.report(ParticipantHeard(consultation_id, role, f"{role}-connection", stamp))
        await self.take_reports()

    async def take_reports(self) -> None:
        """Let control read everything that the node reported."""
        await self.node.read()
        await self.service.errands.settled()

    async def person(self, account: str) -> "Person":
        """Sign a demo user in."""
        reply = await self.http.post("/api/v1/demo/sign-in", json={"account": account})
        assert reply.status == 200, await reply.text()
        return Person(self, (await reply.json())["access_token"])

    async def session(self, client: "Person", specialist: "Person") -> str:
        """The id of a consultation that is requested, accepted and started."""
        asked = await client.post(
            "/consultations", {"specialist_id": "ivan", "purpose": "Резултати"}, status=201
        )
        await specialist.post(f"/consultations/{asked['id']}/accept")
        await self.hear(asked["id"], "client", "specialist")
        return str(asked["id"])


class Person:
    """A user with an access token."""

    def __init__(self, control: Control, token: str) -> None:
        self.control = control
        self.token = token

    async def command(self, key: str, method: str, path: str, body: Any = None) -> ClientResponse:
        """A command with an Idempotency-Key, as it was answered."""
        return await self.control.http.request(
            method,
            f"/api/v1{path}",
            json=body,
            headers={"Authorization": f"Bearer {self.token}", "Idempotency-Key": key},
        )

    async def call(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        """A request to the API; checks the status, gives the JSON."""
        reply = await self.control.http.request(
            method,
            f"/api/v1{path}",
            json=body,
            headers={"Authorization": f"Bearer {self.token}"},
        )
        text = await reply.text()
        assert reply.status == status, text
        if status >= 400:
            assert reply.content_type == "application/problem+json"
        return await reply.json(content_type=None) if text else None

    async def get(self, path: str, *, status: int = 200) -> Any:
        """GET."""
        return await self.call("GET", path, status=status)

    async def post(self, path: str, body: Any = None, *, status: int = 200) -> Any:
        """POST."""
        return await self.call("POST", path, body, status=status)

    async def put(self, path: str, body: Any = None, *, status: int = 200) -> Any:
        """PUT."""
        return await self.call("PUT", path, body, status=status)

    async def problem(self, method: str, path: str, body: Any = None, *, status: int) -> str:
        """A request that is refused; the code of the problem."""
        problem = await self.call(method, path, body, status=status)
        assert problem["status"] == status
        assert problem["type"] == f"urn:rodrun:problem:{problem['code']}"
        assert problem["title"]
        assert problem["instance"] == f"/api/v1{path}"
        return str(problem["code"])

    async def join(self, consultation_id: str, offer: str = "v=0") -> str:
        """Into the room; the connection's id."""
        path = f"/consultations/{consultation_id}/join-tokens"
        token = (await self.post(path, status=201))["token"]
        joined = await self.post("/join", {"token": token, "offer": offer})
        return str(joined["connection_id"])

    async def page(self) -> "Page":
        """An open page of this user: an authenticated event connection."""
        socket = await self.control.http.ws_connect("/api/v1/events")
        await socket.send_json({"type": "authenticate", "token": self.token})
        page = Page(socket)
        await page.until("ready")
        return page


async def measured(control: Control, session: str, seconds: int, loss_pct: float) -> None:
    """Both sides are measured for some seconds; the client loses so much on the way up."""
    for _ in range(seconds):
        await control.pass_time(1)
        await control.hear(session, "client", "specialist")
        control.node.report(quality_of(session, "client", loss_pct))
        control.node.report(quality_of(session, "specialist"))
        await control.service.errands.settled()
        await control.hear(session, "client", "specialist")


async def stranger(control: Control, user_id: str, role: str) -> Person:
    """A user who is none of the demo's."""
    user = User(user_id, user_id.title(), AccountRole(role))
    token = control.service.access_tokens.issue(user, control.now + 3600)
    return Person(control, token)


class Page:
    """An event connection."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.socket = socket

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.socket.close()

    async def next(self) -> dict[str, Any]:
        """The next message."""
        message = await self.socket.receive(timeout=5)
        assert message.type is WSMsgType.TEXT, message
        content = message.json()
        assert isinstance(content, dict)
        return content

    async def until(self, kind: str, **members: Any) -> dict[str, Any]:
        """The next message of this kind with these members; what comes before is skipped."""
        while True:
            message = await self.next()
            if message["type"] == kind and members.items() <= message.items():
                return message
