"""Probes, as the API takes and gives them."""

from pydantic import Field

from control.web.schema.base import Input, Output


class ProbeIn(Input):
    """SDP offers of two connections of one browser: what the first sends comes on the second."""

    sender_offer: str
    receiver_offer: str


class ProbeOut(Output):
    """A probe that has begun. Its room closes by itself at ``ends_at``."""

    id: str
    sender_answer: str
    receiver_answer: str
    ends_at: float


class WayOut(Output):
    """One direction, once the browser's estimate had settled."""

    loss_pct: float | None = Field(description="null: nothing was sent")
    bitrate_bps: int = Field(description="what came through, UDP payload")


class ProbeFiguresOut(Output):
    """What the node measured, so far. Null: nothing is known yet.

    ``connected``: both connections came about. ``up`` is from the browser to the node, ``down``
    from the node to the browser, both over ``seconds``.
    """

    id: str
    connected: bool
    seconds: int
    rtt_ms: float | None
    up: WayOut | None
    down: WayOut | None
