"""A consultation as it stands at one moment. Values only; nothing here changes in place."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import NamedTuple

from control.consultations.early_end import EarlyEnd
from control.consultations.events import Event
from control.consultations.extension import AcceptedExtension, Extension
from control.consultations.leaving import Leaving
from control.consultations.liveness import Link, LinkState
from control.consultations.paid_time import Interval
from control.consultations.parties import Actor, Party, Role, Terms
from control.consultations.ratings import Rating, Subject
from control.consultations.states import JOINABLE, OPEN, EndReason, State


@dataclass(frozen=True)
class End:
    """Why it ended, and who caused it. ``detail``: an operator's words."""

    reason: EndReason
    by: Actor
    detail: str | None = None


def _unheard() -> Mapping[Role, Link]:
    return MappingProxyType({Role.CLIENT: Link(), Role.SPECIALIST: Link()})


@dataclass(frozen=True)
class Consultation:
    """Times are Unix seconds. A deadline is None when it does not apply (yet, or any more)."""

    id: str
    client: Party
    specialist: Party
    purpose: str
    # The specialist's offer when the request was made.
    terms: Terms
    state: State
    requested_at: float
    # Unanswered at this time, the request expires.
    accept_by: float
    accepted_at: float | None = None
    # Not started at this time, it ends as "did not start".
    start_by: float | None = None
    started_at: float | None = None
    ends_at: float | None = None
    ended_at: float | None = None
    end: End | None = None
    decline_reason: str | None = None
    # Who cancelled it where it was not the client: the service, for another request of one side was
    # accepted; or an operator.
    withdrawn_by: Actor | None = None
    early_end: EarlyEnd | None = None
    # When the last proposal was refused; cleared by the next one.
    early_end_refused_at: float | None = None
    extension: Extension | None = None
    # Those that were accepted; ``ends_at`` has them.
    extensions: tuple[AcceptedExtension, ...] = ()
    # When the last offer was refused; cleared by the next one.
    extension_refused_at: float | None = None
    # The specialist has announced to leave.
    leaving: Leaving | None = None
    # An interruption of the service: since when, and until when it may last before the session
    # ends by it. Both or neither are None.
    interrupted_since: float | None = None
    service_by: float | None = None
    # The paid time: what is over, and since when it runs (None: it does not run now).
    paid: tuple[Interval, ...] = ()
    flowing_since: float | None = None
    # How many events there were so far; the last one has this number, and happened then.
    seq: int = 0
    changed_at: float = 0.0
    # What the node tells of the participants. Not stored: after a restart of control it is unknown
    # again, so that no one is judged for the time in which nobody listened.
    links: Mapping[Role, Link] = field(default_factory=_unheard)
    ratings: Mapping[Subject, Rating] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def is_open(self) -> bool:
        """Something can still happen to it by itself."""
        return self.state in OPEN

    @property
    def is_joinable(self) -> bool:
        """Its participants may be in the room."""
        return self.state in JOINABLE

    def party(self, role: Role) -> Party:
        """Who has this role."""
        return self.client if role is Role.CLIENT else self.specialist

    def role_of(self, user_id: str) -> Role | None:
        """The role of a user, None for a stranger."""
        if user_id == self.client.id:
            return Role.CLIENT
        return Role.SPECIALIST if user_id == self.specialist.id else None

    def with_link(self, role: Role, link: Link) -> "Consultation":
        """The same, with another link of ``role``."""
        return replace(self, links=MappingProxyType({**self.links, role: link}))

    def with_rating(self, subject: Subject, rating: Rating) -> "Consultation":
        """The same, with this rating."""
        return replace(self, ratings=MappingProxyType({**self.ratings, subject: rating}))

    def paid_s(self, now: float) -> float:
        """Seconds with both sides connected, until ``now``."""
        over = sum(interval.seconds for interval in self.paid)
        if self.flowing_since is None:
            return over
        until = now if self.ends_at is None else min(now, self.ends_at)
        return over + max(0.0, until - self.flowing_since)

    @property
    def reconnecting(self) -> Role | None:
        """Who is silent for a while; when both are, the one whose silence ends the session."""
        for role in (Role.SPECIALIST, Role.CLIENT):
            if self.links[role].state is LinkState.RECONNECTING:
                return role
        return None


class Change(NamedTuple):
    """The consultation after a step, and what happened on the way."""

    consultation: Consultation
    events: tuple[Event, ...] = ()

    def then(self, rule: Callable[[Consultation], "Change"]) -> "Change":
        """This, followed by what ``rule`` makes of it."""
        after = rule(self.consultation)
        return Change(after.consultation, self.events + after.events)

    def numbered(self, seq: int) -> "Change":
        """With the number of the last event, when there were ``seq`` before these.

        The events have the numbers from ``seq + 1`` on.
        """
        if not self.events:
            # Each packet that is heard of comes by here; a copy costs more than all else of it.
            if self.consultation.seq == seq:
                return self
            return Change(replace(self.consultation, seq=seq))
        counted = replace(
            self.consultation, seq=seq + len(self.events), changed_at=self.events[-1].at
        )
        return Change(counted, self.events)
