"""The way into the room."""

from typing import Annotated

from pydantic import Field

from control.web.schema.base import Input, Output
from sfu.api import VideoCodec
from turn_config.credentials import IceServer


class IceServerOut(Output):
    """A TURN server, in the form of a browser's RTCIceServer, with credentials of the user."""

    urls: list[str]
    username: str
    credential: str

    @classmethod
    def of(cls, server: IceServer) -> "IceServerOut":
        """From the form in which credentials are made."""
        return cls(urls=list(server.urls), username=server.username, credential=server.credential)


class JoinTokenOut(Output):
    """A credential for one join, by one participant, into one room."""

    token: str
    expires_at: float
    ice_servers: list[IceServerOut] = Field(
        description="for the RTCPeerConnection of this join; none are needed where UDP gets through"
    )


class JoinIn(Input):
    """The join token is the credential; ``offer`` is the browser's SDP."""

    token: Annotated[str, Field(max_length=2000)]
    offer: str


class OfferIn(Input):
    """A browser's SDP offer."""

    offer: str


class VideoIn(Input):
    """What there is to send: a camera that is on, a screen that is shared."""

    camera: bool
    screen: bool


class AnswerOut(Output):
    """The node's SDP answer. ``connection_id`` names the new connection in events."""

    answer: str
    connection_id: str
    video_codec: VideoCodec
