"""What control knows of a participant's connection, and the 15-second rule.

Silence is measured from the time of the last *authenticated* packet, as the media node reports
it: each second while there is a connection, and at once when a silent participant is back.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from control.consultations.policy import LinkPolicy


class LinkState(StrEnum):
    """How a participant's connection looks from here."""

    # Nothing heard yet, or nothing since the service was interrupted.
    UNHEARD = "unheard"
    # Nothing heard since an interruption of the service that is over: the other side is back.
    AWAITED = "awaited"
    CONNECTED = "connected"
    # Silent for longer than a live line is. Nobody is told yet, and its quality is no longer good.
    SUSPECT = "suspect"
    # Silent long enough for the other side to be told.
    RECONNECTING = "reconnecting"
    DROPPED = "dropped"


class LinkTrigger(StrEnum):
    """What changes a link."""

    HEARD = "heard"
    SUSPECTED = "suspected"
    SILENT = "silent"
    SILENT_TOO_LONG = "silent_too_long"
    SERVICE_INTERRUPTED = "service_interrupted"
    SERVICE_RESUMED = "service_resumed"


LINK_TRANSITIONS: dict[tuple[LinkState, LinkTrigger], LinkState] = {
    (LinkState.UNHEARD, LinkTrigger.HEARD): LinkState.CONNECTED,
    (LinkState.UNHEARD, LinkTrigger.SERVICE_INTERRUPTED): LinkState.UNHEARD,
    (LinkState.UNHEARD, LinkTrigger.SERVICE_RESUMED): LinkState.AWAITED,
    (LinkState.AWAITED, LinkTrigger.HEARD): LinkState.CONNECTED,
    (LinkState.AWAITED, LinkTrigger.SILENT): LinkState.RECONNECTING,
    (LinkState.AWAITED, LinkTrigger.SILENT_TOO_LONG): LinkState.DROPPED,
    (LinkState.AWAITED, LinkTrigger.SERVICE_INTERRUPTED): LinkState.UNHEARD,
    (LinkState.CONNECTED, LinkTrigger.HEARD): LinkState.CONNECTED,
    (LinkState.CONNECTED, LinkTrigger.SUSPECTED): LinkState.SUSPECT,
    (LinkState.CONNECTED, LinkTrigger.SILENT_TOO_LONG): LinkState.DROPPED,
    (LinkState.CONNECTED, LinkTrigger.SERVICE_INTERRUPTED): LinkState.UNHEARD,
    (LinkState.SUSPECT, LinkTrigger.HEARD): LinkState.CONNECTED,
    (LinkState.SUSPECT, LinkTrigger.SILENT): LinkState.RECONNECTING,
    (LinkState.SUSPECT, LinkTrigger.SILENT_TOO_LONG): LinkState.DROPPED,
    (LinkState.SUSPECT, LinkTrigger.SERVICE_INTERRUPTED): LinkState.UNHEARD,
    (LinkState.RECONNECTING, LinkTrigger.HEARD): LinkState.CONNECTED,
    (LinkState.RECONNECTING, LinkTrigger.SILENT_TOO_LONG): LinkState.DROPPED,
    (LinkState.RECONNECTING, LinkTrigger.SERVICE_INTERRUPTED): LinkState.UNHEARD,
}


@dataclass(frozen=True)
class Link:
    """A participant's connection to the room, in Unix seconds.

    ``silent_from`` is where a silence would count from: the last packet, or the end of an
    interruption of the service; None as long as nobody's silence counts.
    """

    state: LinkState = LinkState.UNHEARD
    last_heard_at: float | None = None
    silent_from: float | None = None

    def heard(self, at: float, policy: LinkPolicy) -> "Link":
        """An authenticated packet came ``at``. Older news than what we have changes nothing.

        A packet that comes after more than ``drop_after_s`` of silence is too late, even when
        the verdict was not spoken yet.
        """
        if self.state is LinkState.DROPPED:
            return self
        if self.last_heard_at is not None and at <= self.last_heard_at:
            return self
        drop_at = self.drop_at(policy)
        if drop_at is not None and at > drop_at:
            return self.moved(LinkTrigger.SILENT_TOO_LONG)
        silent_from = at if self.silent_from is None else max(at, self.silent_from)
        return Link(LINK_TRANSITIONS[self.state, LinkTrigger.HEARD], at, silent_from)

    def moved(self, trigger: LinkTrigger) -> "Link":
        """The link after ``trigger``."""
        state = LINK_TRANSITIONS[self.state, trigger]
        # What was heard is not forgotten: the node tells it again while nothing newer comes.
        return replace(
            self, state=state, silent_from=None if state is LinkState.UNHEARD else self.silent_from
        )

    def awaited(self, from_: float) -> "Link":
        """The other side is back after an interruption: this one's silence counts ``from_`` now."""
        return self.moved(LinkTrigger.SERVICE_RESUMED).afresh(from_)

    def afresh(self, from_: float) -> "Link":
        """The same; its silence counts ``from_`` now."""
        return replace(self, silent_from=from_)

    def heard_within(self, seconds: float, now: float) -> bool:
        """Whether a packet came in the last ``seconds``."""
        return self.last_heard_at is not None and now - self.last_heard_at <= seconds

    def suspect_at(self, policy: LinkPolicy) -> float | None:
        """When the participant is held suspect, if the silence lasts."""
        if self.state is not LinkState.CONNECTED or self.silent_from is None:
            return None
        return self.silent_from + policy.suspect_after_s

    def reconnecting_at(self, policy: LinkPolicy) -> float | None:
        """When the other side is told of the silence, if it lasts."""
        waits = self.state in (LinkState.SUSPECT, LinkState.AWAITED)
        if not waits or self.silent_from is None:
            return None
        return self.silent_from + policy.reconnecting_after_s

    def drop_at(self, policy: LinkPolicy) -> float | None:
        """The last moment at which a packet resumes the session; None: there is no such limit."""
        if self.silent_from is None or policy.drop_after_s is None:
            return None
        return self.silent_from + policy.drop_after_s
