"""What a consultation does by itself when time passes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import assert_never

from control.consultations.announcement import announce
from control.consultations.consultation import Change, Consultation
from control.consultations.early_end import EARLY_END_TRANSITIONS, EarlyEndState, EarlyEndTrigger
from control.consultations.events import EarlyEndLapsed, ExtensionLapsed, ReconnectingBegan
from control.consultations.extension import (
    EXTENSION_TRANSITIONS,
    ExtensionState,
    ExtensionTrigger,
)
from control.consultations.flow import flow_stopped, silent_at
from control.consultations.interruptions import interrupted, vanished_together
from control.consultations.leaving import Leaving, LeavingTrigger
from control.consultations.liveness import LinkState, LinkTrigger
from control.consultations.moves import move
from control.consultations.paid_time import FlowTrigger
from control.consultations.parties import Role
from control.consultations.policy import PLATFORM, DropAction, Policy
from control.consultations.states import DROPS, State, Trigger


@dataclass(frozen=True)
class Deadline:
    """At ``at`` (Unix seconds), ``trigger`` happens by itself; ``role`` is whose link it is."""

    at: float
    trigger: (
        Trigger | EarlyEndTrigger | ExtensionTrigger | LeavingTrigger | FlowTrigger | LinkTrigger
    )
    role: Role | None = None


def deadlines(consultation: Consultation, policy: Policy = PLATFORM) -> Iterator[Deadline]:
    """Every deadline that stands now."""
    yield from fixed_deadlines(consultation)
    yield from silences(consultation, policy)


def fixed_deadlines(consultation: Consultation) -> Iterator[Deadline]:
    """Those that no packet moves."""
    if consultation.state is State.REQUESTED:
        yield Deadline(consultation.accept_by, Trigger.ACCEPT_TIME_OVER)
    elif consultation.state is State.ACCEPTED:
        assert consultation.start_by is not None
        yield Deadline(consultation.start_by, Trigger.START_TIME_OVER)
    elif consultation.state is State.ACTIVE:
        assert consultation.ends_at is not None
        if consultation.service_by is None:
            # First, for at equal times the whole session was given.
            yield Deadline(consultation.ends_at, Trigger.TIME_OVER)
        else:
            # As long as it is interrupted its end is not known.
            yield Deadline(consultation.service_by, Trigger.SERVICE_FAILED)
        if consultation.leaving is not None:
            yield Deadline(consultation.leaving.ends_at, LeavingTrigger.COUNTDOWN_OVER)
        if consultation.early_end is not None:
            yield Deadline(consultation.early_end.lapses_at, EarlyEndTrigger.LAPSE)
        if consultation.extension is not None:
            yield Deadline(consultation.extension.lapses_at, ExtensionTrigger.LAPSE)


def silences(consultation: Consultation, policy: Policy = PLATFORM) -> Iterator[Deadline]:
    """Those that the next packet moves."""
    if consultation.state is not State.ACTIVE:
        return
    last = silent_at(consultation)
    if consultation.flowing_since is not None and last is not None:
        stops_at = last + policy.connected_within_s + policy.verdict_grace_s
        yield Deadline(stops_at, FlowTrigger.ONE_SILENT)
    for role, link in consultation.links.items():
        link_policy = policy.link(role)
        suspect_at = link.suspect_at(link_policy)
        if suspect_at is not None:
            yield Deadline(suspect_at, LinkTrigger.SUSPECTED, role)
        reconnecting_at = link.reconnecting_at(link_policy)
        if reconnecting_at is not None:
            yield Deadline(reconnecting_at, LinkTrigger.SILENT, role)
        drop_at = link.drop_at(link_policy)
        # Someone who has said that they leave is not waited for.
        if drop_at is not None and consultation.leaving is None:
            verdict_at = drop_at + policy.verdict_grace_s
            yield Deadline(verdict_at, LinkTrigger.SILENT_TOO_LONG, role)


def deadline(consultation: Consultation, policy: Policy = PLATFORM) -> float | None:
    """When to look at it again if nothing else happens; None: never."""
    return min((each.at for each in deadlines(consultation, policy)), default=None)


def due(consultation: Consultation, now: float, policy: Policy = PLATFORM) -> Change:
    """Everything that has happened by itself until ``now``, in the order of its deadlines."""
    return _settled(consultation, now, policy, with_silences=True)


def due_at_fixed_times(consultation: Consultation, now: float, policy: Policy = PLATFORM) -> Change:
    """The same, but nobody's silence is judged: there is news that may break it."""
    return _settled(consultation, now, policy, with_silences=False)


def overslept(consultation: Consultation, now: float, policy: Policy = PLATFORM) -> bool:
    """Whether a silence should have been judged some time ago: nobody was listening then."""
    return any(
        each.trigger is LinkTrigger.SILENT_TOO_LONG and _too_late(each, now, policy)
        for each in silences(consultation, policy)
    )


def _too_late(it: Deadline, now: float, policy: Policy) -> bool:
    return now > it.at - policy.verdict_grace_s + policy.verdict_lateness_s


def _settled(consultation: Consultation, now: float, policy: Policy, with_silences: bool) -> Change:
    change = Change(consultation)
    while True:
        standing = list(fixed_deadlines(change.consultation))
        if with_silences:
            standing += silences(change.consultation, policy)
        first = min(standing, key=lambda each: each.at, default=None)
        if first is None or first.at > now:
            return change.numbered(consultation.seq)
        step = _happen(change.consultation, first, now, policy)
        change = Change(step.consultation, change.events + step.events)


def _happen(consultation: Consultation, it: Deadline, now: float, policy: Policy) -> Change:
    # The time that was fixed beforehand is the time of record, however late we look.
    match it.trigger:
        case Trigger():
            return move(consultation, it.trigger, it.at, policy)
        case LeavingTrigger():
            assert consultation.leaving is not None
            return move(consultation, consultation.leaving.trigger, it.at, policy)
        case EarlyEndTrigger():
            assert EARLY_END_TRANSITIONS[EarlyEndState.PROPOSED, it.trigger] is EarlyEndState.NONE
            return Change(replace(consultation, early_end=None), (EarlyEndLapsed(it.at),))
        case ExtensionTrigger():
            assert EXTENSION_TRANSITIONS[ExtensionState.PROPOSED, it.trigger] is ExtensionState.NONE
            return Change(replace(consultation, extension=None), (ExtensionLapsed(it.at),))
        case FlowTrigger():
            last = silent_at(consultation)
            assert last is not None
            return flow_stopped(consultation, it.trigger, last)
        case LinkTrigger():
            assert it.role is not None
            return _silent(consultation, it, it.role, now, policy)
        case _:
            assert_never(it.trigger)


def _silent(
    consultation: Consultation, it: Deadline, role: Role, now: float, policy: Policy
) -> Change:
    if it.trigger is LinkTrigger.SUSPECTED:
        suspect = consultation.links[role].moved(it.trigger)
        return Change(consultation.with_link(role, suspect))
    together = vanished_together(consultation, policy)
    if it.trigger is LinkTrigger.SILENT:
        link = consultation.links[role].moved(it.trigger)
        silent = consultation.with_link(role, link)
        leaving = consultation.leaving is not None
        drop_at = None if leaving else link.drop_at(policy.link(role))
        told = Change(silent, (ReconnectingBegan(it.at, role, drop_at),))
        both = all(each.state is LinkState.RECONNECTING for each in silent.links.values())
        # Someone who leaves is expected to fall silent, and the end is near.
        if together is None or not both or leaving:
            return told
        return told.then(lambda silent: _nobodys(silent, it, together, now, policy))
    if together is not None:
        return _nobodys(consultation, it, together, now, policy)
    if _too_late(it, now, policy):
        heard = (link.silent_from for link in consultation.links.values())
        since = max(at for at in heard if at is not None)
        return _nobodys(consultation, it, since, now, policy)
    # A silence is judged when it is judged: the record must not say that it ended earlier.
    return dropped(consultation, role, now, policy)


def _nobodys(
    consultation: Consultation, it: Deadline, since: float, now: float, policy: Policy
) -> Change:
    # Looked at late, we were away ourselves: whoever comes back gets the whole time for it.
    late = now > it.at + policy.verdict_lateness_s
    started_at = consultation.started_at
    if started_at is not None and since < started_at <= it.at:
        # Who fell silent just before the start has lost nothing of the session by that.
        since = started_at
    service_by = (now if late else since) + policy.service_within_s
    return interrupted(consultation, since, it.at, service_by, policy)


def dropped(consultation: Consultation, role: Role, now: float, policy: Policy) -> Change:
    """The silence of ``role`` ends the session, at once or after it was announced."""
    if policy.link(role).on_drop is DropAction.END:
        return move(consultation, DROPS[role], now, policy)
    link = consultation.links[role]
    if link.state is not LinkState.DROPPED:
        consultation = consultation.with_link(role, link.moved(LinkTrigger.SILENT_TOO_LONG))
    leaving = Leaving(role, now, now + policy.leave_countdown_s, dropped=True)
    return announce(consultation, leaving)
