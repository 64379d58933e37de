"""A consultation as it stands at one moment. Values only; nothing here changes in place."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import NamedTuple

from control.consultations.early_end import EarlyEnd
from control.consultations.events import Event
from control.consultations.liveness import Link, LinkState
from control.consultations.parties import Party, Role, Terms
from control.consultations.ratings import Rating, Subject
from control.consultations.states import JOINABLE, OPEN, EndReason, State


@dataclass(frozen=True)
class End:
    """Why it ended, and who caused it (None: nobody)."""

    reason: EndReason
    by: Role | None


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
    # Cancelled by the acceptance of another request, not by the client.
    withdrawn: bool = False
    early_end: EarlyEnd | None = None
    # When the last proposal was refused; cleared by the next one.
    early_end_refused_at: float | None = None
    # After an interruption of the service: ends so, when nobody is heard by then.
    service_by: float | None = None
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
