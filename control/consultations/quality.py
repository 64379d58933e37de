"""Connection quality as a word that people understand."""

from dataclasses import dataclass
from enum import StrEnum

from control.consultations.liveness import LinkState


class Level(StrEnum):
    """How a connection does, from the other side's chair."""

    EXCELLENT = "excellent"
    GOOD = "good"
    POOR = "poor"
    LOST = "lost"


@dataclass(frozen=True)
class PausedVideo:
    """What is not sent to a participant because the connection is too slow for it."""

    camera: bool = False
    screen: bool = False


# (level, most loss in percent, most round trip in ms). Opus and RTX hide 1 %; above 5 % video
# freezes visibly. Above 400 ms of round trip people start to talk over each other (ITU-T G.114
# puts the limit at 400 ms one way, of which the network is one part).
LIMITS = (
    (Level.EXCELLENT, 1.0, 150.0),
    (Level.GOOD, 5.0, 400.0),
)


def level(
    loss_up_pct: float | None,
    loss_down_pct: float | None,
    rtt_ms: float | None,
    link: LinkState,
) -> Level:
    """The worst of what was measured; what is not known yet speaks for nothing.

    Who is silent is not well connected, whatever was measured before: from suspect on.
    """
    if link in (LinkState.RECONNECTING, LinkState.DROPPED):
        return Level.LOST
    if link is LinkState.SUSPECT:
        return Level.POOR
    loss_pct = max(loss_up_pct or 0.0, loss_down_pct or 0.0)
    for name, most_loss_pct, most_rtt_ms in LIMITS:
        if loss_pct <= most_loss_pct and (rtt_ms or 0.0) <= most_rtt_ms:
            return name
    return Level.POOR
