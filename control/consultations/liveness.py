"""What control knows of a participant's connection, and the 15-second rule.

Silence is measured from the time of the last *authenticated* packet, as the media node reports
it: each second while there is a connection, and at once when a silent participant is back.
"""

from dataclasses import dataclass
from enum import StrEnum

from control.consultations.policy import LinkPolicy


class LinkState(StrEnum):
    """How a participant's connection looks from here."""

    # Nothing heard yet, or nothing since the service was interrupted.
    UNHEARD = "unheard"
    CONNECTED = "connected"
    # Silent long enough for the other side to be told.
    RECONNECTING = "reconnecting"
    DROPPED = "dropped"


class LinkTrigger(StrEnum):
    """What changes a link."""

    HEARD = "heard"
    SILENT = "silent"
    SILENT_TOO_LONG = "silent_too_long"
    SERVICE_INTERRUPTED = "service_interrupted"


LINK_TRANSITIONS: dict[tuple[LinkState, LinkTrigger], LinkState] = {
    (LinkState.UNHEARD, LinkTrigger.HEARD): LinkState.CONNECTED,
    (LinkState.UNHEARD, LinkTrigger.SERVICE_INTERRUPTED): LinkState.UNHEARD,
    (LinkState.CONNECTED, LinkTrigger.HEARD): LinkState.CONNECTED,
    (LinkState.CONNECTED, LinkTrigger.SILENT): LinkState.RECONNECTING,
    (LinkState.CONNECTED, LinkTrigger.SILENT_TOO_LONG): LinkState.DROPPED,
    (LinkState.CONNECTED, LinkTrigger.SERVICE_INTERRUPTED): LinkState.UNHEARD,
    (LinkState.RECONNECTING, LinkTrigger.HEARD): LinkState.CONNECTED,
    (LinkState.RECONNECTING, LinkTrigger.SILENT_TOO_LONG): LinkState.DROPPED,
    (LinkState.RECONNECTING, LinkTrigger.SERVICE_INTERRUPTED): LinkState.UNHEARD,
}


@dataclass(frozen=True)
class Link:
    """A participant's connection to the room. ``last_heard_at`` is None exactly when unheard."""

    state: LinkState = LinkState.UNHEARD
    last_heard_at: float | None = None

    def heard(self, at: float, policy: LinkPolicy) -> "Link":
        """An authenticated packet came ``at``. Older news than what we have changes nothing.

        A packet that comes after more than ``drop_after_s`` of silence is too late, even when
        the verdict was not spoken yet.
        """
        if self.state is LinkState.DROPPED:
            return self
        if self.last_heard_at is not None:
            if at <= self.last_heard_at:
                return self
            if policy.drop_after_s is not None and at - self.last_heard_at > policy.drop_after_s:
                return self.moved(LinkTrigger.SILENT_TOO_LONG)
        return Link(LINK_TRANSITIONS[self.state, LinkTrigger.HEARD], at)

    def moved(self, trigger: LinkTrigger) -> "Link":
        """The link after ``trigger``."""
        state = LINK_TRANSITIONS[self.state, trigger]
        return Link(state, None if state is LinkState.UNHEARD else self.last_heard_at)

    def heard_within(self, seconds: float, now: float) -> bool:
        """Whether a packet came in the last ``seconds``."""
        return self.last_heard_at is not None and now - self.last_heard_at <= seconds

    def reconnecting_at(self, policy: LinkPolicy) -> float | None:
        """When the other side is told of the silence, if it lasts."""
        if self.state is not LinkState.CONNECTED or self.last_heard_at is None:
            return None
        return self.last_heard_at + policy.reconnecting_after_s

    def drop_at(self, policy: LinkPolicy) -> float | None:
        """The last moment at which a packet resumes the session; None: there is no such limit."""
        if self.last_heard_at is None or policy.drop_after_s is None:
            return None
        return self.last_heard_at + policy.drop_after_s
