"""The way into the room."""

from typing import Annotated

from pydantic import Field

from control.web.schema.base import Input, Output
from sfu.api import VideoCodec


class JoinTokenOut(Output):
    """A credential for one join, by one participant, into one room."""

    token: str
    expires_at: float


class JoinIn(Input):
    """The join token is the credential; ``offer`` is the browser's SDP."""

    token: Annotated[str, Field(max_length=2000)]
    offer: str


class OfferIn(Input):
    """A browser's SDP offer."""

    offer: str


class AnswerOut(Output):
    """The node's SDP answer. ``connection_id`` names the new connection in events."""

    answer: str
    connection_id: str
    video_codec: VideoCodec
