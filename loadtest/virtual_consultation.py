"""One consultation of a load test: from the request to the ratings, as two frontends do it."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiortc import RTCCertificate

from loadtest import table
from loadtest.api import Refused
from loadtest.media import Media
from loadtest.participant import ConnectFailed, Participant
from loadtest.session_description import BadAnswer
from loadtest.user import User

FIRST_MEDIA_WITHIN_S = 10.0
STARTED_WITHIN_S = 10.0
CONSENT_EVERY_S = 2.5
POLL_S = 0.01
SRTP_PROFILE = "aes-128-gcm"
PROFILE = {"summary": "Load test", "price": "0.00", "currency": "EUR", "takes_video": True}


class CallFailed(Exception):
    """The consultation did not come to where it should.

    Attributes:
        stage: request, accept, join, ICE, DTLS, media, events, end.
    """

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(reason)
        self.stage = stage
        self.reason = reason


@dataclass
class Phases:
    """How long the parts of a set-up took, of the slower side, in ms; ``begun_s`` is monotonic.

    Attributes:
        setup_ms: from asking for a join token to the first keyframe of the other side.
    """

    begun_s: float
    request_ms: float = 0.0
    accept_ms: float = 0.0
    api_ms: float = 0.0
    ice_ms: float = 0.0
    dtls_ms: float = 0.0
    first_packet_ms: float = 0.0
    first_keyframe_ms: float = 0.0
    setup_ms: float = 0.0


@dataclass
class Side:
    """A user in a consultation, and their connection."""

    user: User
    participant: Participant | None = None
    joined_s: float = 0.0
    api_s: float = 0.0
    row: int = -1


@dataclass(eq=False)
class VirtualConsultation:
    """A client and a specialist, whose consultation is made, joined, and ended.

    Attributes:
        duration_s: of the session, set in the specialist's profile.
    """

    client: User
    specialist: User
    media: Media
    host: str
    certificate: RTCCertificate
    duration_s: int
    id: str = ""
    is_up: bool = False
    sent: int = 0
    received: int = 0
    phases: Phases = field(default_factory=lambda: Phases(time.monotonic()))

    def __post_init__(self) -> None:
        self.sides = {"client": Side(self.client), "specialist": Side(self.specialist)}
        self._consent: asyncio.Task[None] | None = None
        self._silent: set[str] = set()
        self._letting_go: asyncio.Task[None] | None = None

    async def prepare(self) -> None:
        """Pages and profile, as they are before anybody asks for anything."""
        try:
            await asyncio.gather(self.client.open_page(), self.specialist.open_page())
            body = PROFILE | {"duration_s": self.duration_s}
            await self.specialist.call("profile", "PUT", "/me/profile", body)
        except Refused as refused:
            raise CallFailed("events", str(refused)) from None

    async def agree(self) -> None:
        """Request and acceptance."""
        self.phases = Phases(time.monotonic())
        body = {"specialist_id": self.specialist.id, "purpose": "Load test"}
        began = time.monotonic()
        stage = "request"
        try:
            asked = await self.client.call("request", "POST", "/consultations", body)
            self.id = str(asked["id"])
            self.phases.request_ms = _ms_since(began)
            began, stage = time.monotonic(), "accept"
            await self.specialist.call("accept", "POST", f"/consultations/{self.id}/accept")
            self.phases.accept_ms = _ms_since(began)
        except Refused as refused:
            raise CallFailed(stage, str(refused)) from None

    async def join(self) -> None:
        """Both connect, and see each other's first keyframe."""
        sides = list(self.sides.values())
        began = time.monotonic()
        await asyncio.gather(*(self._connect(side) for side in sides))
        one, other = (side.participant for side in sides)
        assert one is not None
        assert other is not None
        joined = time.monotonic()
        adding = asyncio.create_task(self.media.add_pair(one, other))
        try:
            await asyncio.shield(adding)
        finally:  # broken off too: whoever is in there has to be let go
            rows = await adding
            for side, row in zip(sides, rows, strict=True):
                side.row = row
        self._consent = asyncio.create_task(self._check_consent())
        await self._first_media(rows)
        self.media.expect(rows[0])
        taken = max(int(self.media.rows[row, table.TAKEN_NS]) for row in rows)
        first = [int(self.media.rows[row, table.FIRST_PACKET_NS]) for row in rows]
        key = [int(self.media.rows[row, table.FIRST_KEYFRAME_NS]) for row in rows]
        phases = self.phases
        phases.api_ms = max(side.api_s for side in sides) * 1e3
        phases.ice_ms = max(each.ice_s or 0.0 for each in (one, other)) * 1e3
        phases.dtls_ms = max(each.dtls_s or 0.0 for each in (one, other)) * 1e3
        phases.first_packet_ms = max(0.0, (max(first) - taken) / 1e6)
        phases.first_keyframe_ms = max(0.0, (max(key) - taken) / 1e6)
        phases.setup_ms = (joined - began) * 1e3 + phases.first_keyframe_ms
        try:
            await self.client.until(self._is("active"), STARTED_WITHIN_S, "the session's start")
        except Refused as refused:
            raise CallFailed("events", str(refused)) from None
        self.is_up = True

    async def rejoin(self, role: str) -> float:
        """One side comes back on a new connection, as after a reload; ms to media both ways."""
        side = self.sides[role]
        old = side.participant
        self.media.expect_nothing(side.row)
        began_ns = time.time_ns()
        await self._connect(side)
        assert side.participant is not None
        await self.media.replace(side.row, side.participant)
        if old is not None:
            old.close()
        partner = int(self.media.rows[side.row, table.PARTNER])
        rows = (side.row, partner)
        await self._first_media(rows)
        self.media.expect(side.row)
        seen = max(int(self.media.rows[row, table.FIRST_KEYFRAME_NS]) for row in rows)
        return (seen - began_ns) / 1e6

    async def cut(self, role: str, silence_s: float) -> tuple[float, float]:
        """Silence one side's line for ``silence_s``: media, and the checks of consent.

        Returns when the last packet before it went and when the first after it goes, Unix seconds.
        """
        side = self.sides[role]
        self._silent.add(role)
        self.media.expect_nothing(side.row)
        self.media.cut(side.row)
        await asyncio.sleep(0.2)  # what was being sent is sent
        last_ns = int(self.media.rows[side.row, table.LAST_SENT_NS])
        until_ns = self.media.mend(side.row, silence_s)
        return last_ns / 1e9, until_ns / 1e9

    def back_at(self, role: str) -> float | None:
        """When the first packet after a cut really went, Unix seconds; None: none did yet."""
        back_ns = int(self.media.rows[self.sides[role].row, table.BACK_NS])
        return back_ns / 1e9 if back_ns else None

    def mended(self, role: str) -> None:
        """The line is back: what is sent is expected to arrive again."""
        self._silent.discard(role)
        self.media.expect(self.sides[role].row)

    async def end(self) -> None:
        """The client leaves and rates."""
        path = f"/consultations/{self.id}"
        rating = {"stars": 5, "comment": ""}
        if self.sides["client"].row >= 0:
            self.media.expect_nothing(self.sides["client"].row)  # the room closes at once
        try:
            await self.client.call("leave", "POST", f"{path}/leave")
            await self.client.until(self._is("ended"), STARTED_WITHIN_S, "the session's end")
            for subject in ("specialist", "technical"):
                await self.client.call("rate", "PUT", f"{path}/ratings/{subject}", rating)
        except Refused as refused:
            raise CallFailed("end", str(refused)) from None
        finally:
            await self.hang_up()

    async def hang_up(self) -> None:
        """Let go of the connections, whatever they are in the middle of."""
        if self._letting_go is None or self._letting_go.done():
            self._letting_go = asyncio.create_task(self._let_go())
        await asyncio.shield(self._letting_go)

    async def _let_go(self) -> None:
        self.is_up = False
        if self._consent is not None:
            self._consent.cancel()
            self._consent = None
        sides = list(self.sides.values())
        if sides[0].row >= 0:
            rows = (sides[0].row, sides[1].row)
            for side in sides:
                side.row = -1
            sent, received = await self.media.release(rows)
            self.sent, self.received = self.sent + sent, self.received + received
        for side in sides:
            if side.participant is not None:
                side.participant.close()
                side.participant = None

    async def close(self) -> None:
        """Close the pages."""
        await asyncio.gather(self.client.close(), self.specialist.close())

    def _is(self, state: str) -> Callable[[dict[str, Any]], bool]:
        """Of a snapshot: it is of this consultation, and not of an earlier one of the pair."""
        return lambda now: now["id"] == self.id and now["state"] == state

    async def _connect(self, side: Side) -> None:
        began = time.monotonic()
        stage = "join"
        try:
            participant = Participant(self.host, self.certificate, SRTP_PROFILE)
        except OSError as error:
            raise CallFailed(stage, f"no socket for media: {error.strerror}") from None
        try:
            path = f"/consultations/{self.id}/join-tokens"
            token = (await side.user.call("join token", "POST", path))["token"]
            offer: dict[str, Any] = {"token": token, "offer": participant.offer()}
            answer = (await side.user.call("join", "POST", "/join", offer))["answer"]
            side.api_s = time.monotonic() - began
            stage = "ICE"
            await participant.connect(answer)
        except BaseException as error:
            participant.close()
            if isinstance(error, Refused | BadAnswer):
                raise CallFailed(stage, str(error)) from None
            if isinstance(error, ConnectFailed):
                raise CallFailed("DTLS" if participant.ice_s else "ICE", str(error)) from None
            if isinstance(error, OSError):
                raise CallFailed(stage, error.strerror or type(error).__name__) from None
            raise
        side.participant = participant

    async def _first_media(self, rows: tuple[int, int]) -> None:
        try:
            async with asyncio.timeout(FIRST_MEDIA_WITHIN_S):
                while True:
                    if all(self.media.rows[row, table.FIRST_KEYFRAME_NS] for row in rows):
                        return
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            what = "keyframe"
            if not all(self.media.rows[row, table.FIRST_PACKET_NS] for row in rows):
                what = "media"
            raise CallFailed("media", f"no {what} in {FIRST_MEDIA_WITHIN_S:g} s") from None

    async def _check_consent(self) -> None:
        while True:
            await asyncio.sleep(CONSENT_EVERY_S)
            for role, side in self.sides.items():
                if side.participant is not None and role not in self._silent:
                    side.participant.check_consent()


def _ms_since(began: float) -> float:
    return (time.monotonic() - began) * 1e3
