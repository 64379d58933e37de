"""What a consultation does by itself when time passes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from control.consultations.consultation import Change, Consultation
from control.consultations.early_end import EARLY_END_TRANSITIONS, EarlyEndState, EarlyEndTrigger
from control.consultations.events import EarlyEndLapsed, ReconnectingBegan
from control.consultations.liveness import LinkTrigger
from control.consultations.moves import move
from control.consultations.parties import Role
from control.consultations.policy import PLATFORM, Policy
from control.consultations.states import State, Trigger


@dataclass(frozen=True)
class Deadline:
    """At ``at`` (Unix seconds), ``trigger`` happens by itself; ``role`` is whose link it is."""

    at: float
    trigger: Trigger | EarlyEndTrigger | LinkTrigger
    role: Role | None = None


def deadlines(consultation: Consultation, policy: Policy = PLATFORM) -> Iterator[Deadline]:
    """Every deadline that stands now."""
    if consultation.state is State.REQUESTED:
        yield Deadline(consultation.accept_by, Trigger.ACCEPT_TIME_OVER)
    elif consultation.state is State.ACCEPTED:
        assert consultation.start_by is not None
        yield Deadline(consultation.start_by, Trigger.START_TIME_OVER)
    elif consultation.state is State.ACTIVE:
        assert consultation.ends_at is not None
        # First, for at equal times the whole session was given.
        yield Deadline(consultation.ends_at, Trigger.TIME_OVER)
        if consultation.early_end is not None:
            yield Deadline(consultation.early_end.lapses_at, EarlyEndTrigger.LAPSE)
        if consultation.service_by is not None:
            yield Deadline(consultation.service_by, Trigger.SERVICE_FAILED)
        for role, link in consultation.links.items():
            link_policy = policy.link(role)
            reconnecting_at = link.reconnecting_at(link_policy)
            if reconnecting_at is not None:
                yield Deadline(reconnecting_at, LinkTrigger.SILENT, role)
            drop_at = link.drop_at(link_policy)
            if drop_at is not None:
                verdict_at = drop_at + policy.verdict_grace_s
                yield Deadline(verdict_at, LinkTrigger.SILENT_TOO_LONG, role)


def deadline(consultation: Consultation, policy: Policy = PLATFORM) -> float | None:
    """When to look at it again if nothing else happens; None: never."""
    return min((each.at for each in deadlines(consultation, policy)), default=None)


def due(consultation: Consultation, now: float, policy: Policy = PLATFORM) -> Change:
    """Everything that has happened by itself until ``now``, in the order of its deadlines."""
    change = Change(consultation)
    while True:
        standing = list(deadlines(change.consultation, policy))
        first = min(standing, key=lambda each: each.at, default=None)
        if first is None or first.at > now:
            return change
        step = _happen(change.consultation, first, now, policy)
        change = Change(step.consultation, change.events + step.events)


def _happen(consultation: Consultation, it: Deadline, now: float, policy: Policy) -> Change:
    if isinstance(it.trigger, Trigger):
        # The time that was fixed beforehand is the time of record, however late we look.
        return move(consultation, it.trigger, it.at, policy)
    if isinstance(it.trigger, EarlyEndTrigger):
        assert EARLY_END_TRANSITIONS[EarlyEndState.PROPOSED, it.trigger] is EarlyEndState.NONE
        return Change(replace(consultation, early_end=None), (EarlyEndLapsed(it.at),))
    assert it.role is not None
    silent = consultation.with_link(it.role, consultation.links[it.role].moved(it.trigger))
    if it.trigger is LinkTrigger.SILENT:
        return Change(silent, (ReconnectingBegan(it.at, it.role),))
    # A silence is judged when it is judged: the record must not say that it ended earlier.
    return move(silent, Trigger.SPECIALIST_DROPPED, now, policy)
