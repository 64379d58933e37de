"""Into the room: join tokens, the join itself, ICE restarts."""

from aiohttp import web
from aiohttp_pydantic.oas.typing import r200, r201, r204

from control.adapters.people import User
from control.errors import (
    AccountBlocked,
    BadOffer,
    ConnectionUnknown,
    JoinTokenExpired,
    JoinTokenInvalid,
    JoinTokenUsed,
    NodeFull,
    NodeUnavailable,
    NotInThisState,
    RoomFull,
)
from control.web.refusals import refuses
from control.web.schema.joining import (
    AnswerOut,
    IceServerOut,
    JoinIn,
    JoinTokenOut,
    OfferIn,
    VideoIn,
)
from control.web.service import Service
from control.web.view import View, reply, reply_list
from sfu.api import Answer

# The longest session has 8 h, its longest extension as much, and people wait up to an hour for each
# other; then to the full day. It is an ICE restart that must not find them expired: a join brings
# its own, and a relay that runs is not asked for them again.
ICE_SERVERS_LIFETIME_S = 24 * 3600.0


class JoinTokensView(View):
    """Credentials for one join each."""

    # A credential is kept nowhere.
    takes_key = False

    @refuses(NotInThisState)
    async def post(self, consultation_id: str, /) -> r201[JoinTokenOut]:
        """A token for one join: at most 60 s, once, for oneself, into this room.

        Tags: joining
        """
        consultation, role = await self.service.live.of(self.user.id, consultation_id)
        if not consultation.is_joinable:
            raise NotInThisState(
                f"The consultation is {consultation.state.value}; its room is not open."
            )
        text, token = self.service.join_tokens.issue(
            consultation_id, self.user.id, role, self.service.steady_clock()
        )
        return reply(
            JoinTokenOut(
                token=text,
                expires_at=token.expires_at,
                ice_servers=ice_servers(self.service, self.user),
            ),
            status=201,
        )


class JoinView(View):
    """The door. The join token is the credential."""

    public = True

    @refuses(
        AccountBlocked,
        BadOffer,
        JoinTokenExpired,
        JoinTokenInvalid,
        JoinTokenUsed,
        NodeFull,
        NodeUnavailable,
        NotInThisState,
        RoomFull,
    )
    async def post(self, body: JoinIn) -> r200[AnswerOut]:
        """Connect by an SDP offer; an earlier connection of the participant is replaced.

        Tags: joining
        """
        token = await self.service.join_tokens.redeem(body.token, self.service.steady_clock())
        self.service.refuse_blocked(token.user_id)
        answer = await self.service.rooms.join(token.consultation_id, token.role, body.offer)
        return _reply(answer)


class IceRestartView(View):
    """New paths for a live connection."""

    # Nor are the password and user name of the node's side.
    takes_key = False

    @refuses(BadOffer, ConnectionUnknown, NodeFull, NodeUnavailable)
    async def post(self, connection_id: str, /, body: OfferIn) -> r200[AnswerOut]:
        """Restart ICE by a re-offer on one's own live connection.

        Tags: joining
        """
        answer = await self.service.rooms.restart_ice(self.user.id, connection_id, body.offer)
        return _reply(answer)


class VideoView(View):
    """What a live connection has to send."""

    @refuses(ConnectionUnknown, NodeUnavailable)
    async def put(self, connection_id: str, /, body: VideoIn) -> r204:
        """Say which pictures one's own live connection has, while `video_pause` keeps them back.

        No packet tells then that a camera was turned off, and what is not there is not held against
        the partner's connection. A new connection counts as one that has both.

        Tags: joining
        """
        await self.service.rooms.has_video(
            self.user.id, connection_id, camera=body.camera, screen=body.screen
        )
        return web.Response(status=204)


class IceServersView(View):
    """Other ways to the node."""

    async def get(self) -> r200[list[IceServerOut]]:
        """TURN servers with credentials of the user for a day; none are configured by default.

        Tags: joining
        """
        return reply_list([*ice_servers(self.service, self.user)])


def ice_servers(service: Service, user: User) -> list[IceServerOut]:
    """What a connection of this user takes besides the node's own candidates."""
    turn = service.settings.turn
    if turn is None:
        return []
    # The TURN server has a clock of its own, so by the wall clock.
    made = turn.credentials(user.id, service.clock(), ICE_SERVERS_LIFETIME_S)
    return [IceServerOut.of(made)]


def _reply(answer: Answer) -> web.Response:
    return reply(
        AnswerOut(
            answer=answer.answer,
            connection_id=answer.connection_id,
            video_codec=answer.video_codec,
        )
    )


ROUTES = [
    web.view("/api/v1/consultations/{consultation_id}/join-tokens", JoinTokensView),
    web.view("/api/v1/join", JoinView),
    web.view("/api/v1/ice-servers", IceServersView),
    web.view("/api/v1/connections/{connection_id}/ice-restart", IceRestartView),
    web.view("/api/v1/connections/{connection_id}/video", VideoView),
]
