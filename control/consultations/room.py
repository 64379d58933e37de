"""What news of the room does: packets of participants, and silence of the node or of ourselves."""

from collections.abc import Iterator

from control.consultations.consultation import Change, Consultation
from control.consultations.deadlines import dropped, due, due_at_fixed_times, overslept
from control.consultations.events import Reconnected
from control.consultations.flow import flow_began, flow_stopped
from control.consultations.interruptions import interrupted, resumed
from control.consultations.liveness import LinkState
from control.consultations.moves import move
from control.consultations.paid_time import FlowTrigger
from control.consultations.parties import Role
from control.consultations.policy import LinkPolicy, Policy
from control.consultations.states import State, Trigger

# Before the start, only `start_by` limits how long someone may be away; who has said that they
# leave is not waited for.
_NO_DROP = LinkPolicy(drop_after_s=None)


def heard(consultation: Consultation, role: Role, at: float, now: float, policy: Policy) -> Change:
    """The node heard an authenticated packet of ``role`` ``at``.

    It goes before the verdict on the silence that it breaks, unless that is long overdue.
    """
    settle = due if overslept(consultation, now, policy) else due_at_fixed_times
    return (
        settle(consultation, now, policy)
        # The node's clock may be ahead of ours; a packet from the future came now.
        .then(lambda settled: _heard(settled, role, min(at, now), now, policy))
        .then(lambda after: due(after, now, policy))
    )


def fell_silent(consultation: Consultation, since: float, now: float, policy: Policy) -> Change:
    """Nobody listened to the room after ``since``, until ``now``.

    ``since`` is later than ``now`` when the clock was set back meanwhile.
    """
    # Whatever is on record we were there for. When the clock was set back, what the same process
    # recorded after its last heartbeat may look like the future; what is further ahead is of a
    # clock still earlier than that, and tells nothing.
    latest = max(now, since + policy.heartbeat_within_s)
    since = max([since, *(at for at in _known(consultation) if at <= latest)])
    service_by = now + policy.service_within_s
    return (
        due_at_fixed_times(consultation, since, policy)
        .then(lambda settled: interrupted(settled, since, now, service_by, policy))
        .then(lambda after: due(after, now, policy))
    )


def _known(consultation: Consultation) -> Iterator[float]:
    """Times at which we were there for sure."""
    yield consultation.changed_at
    for link in consultation.links.values():
        if link.silent_from is not None:
            yield link.silent_from


def _heard(consultation: Consultation, role: Role, at: float, now: float, policy: Policy) -> Change:
    if not consultation.is_joinable:
        return Change(consultation)
    if consultation.service_by is not None and now - at > policy.link(role).reconnecting_after_s:
        # Told late, it does not say that anyone is back; each such packet would move the end.
        return Change(consultation)
    before = consultation.links[role]
    active = consultation.state is State.ACTIVE
    judged = active and consultation.leaving is None
    link = before.heard(at, policy.link(role) if judged else _NO_DROP)
    if link == before:
        return Change(consultation)
    linked = consultation.with_link(role, link)
    if not active:
        return _start_when_both_are_here(linked, now, policy)
    if link.state is LinkState.DROPPED:
        return dropped(linked, role, now, policy)
    return (
        _told(linked, before.state, role, now)
        .then(lambda told: _flow_after_gap(told, before.last_heard_at, at, policy))
        .then(lambda flowing: flow_began(flowing, now, policy))
    )


def _told(consultation: Consultation, before: LinkState, role: Role, now: float) -> Change:
    if before is LinkState.RECONNECTING:
        return Change(consultation, (Reconnected(now, role),))
    if consultation.service_by is not None:
        return resumed(consultation, role, now)
    return Change(consultation)


def _flow_after_gap(
    consultation: Consultation, last: float | None, at: float, policy: Policy
) -> Change:
    """A silence that nobody had time to look at is not paid either."""
    if last is None or at - last <= policy.connected_within_s:
        return Change(consultation)
    return flow_stopped(consultation, FlowTrigger.ONE_SILENT, last)


def _start_when_both_are_here(consultation: Consultation, now: float, policy: Policy) -> Change:
    links = consultation.links.values()
    if not all(link.heard_within(policy.connected_within_s, now) for link in links):
        return Change(consultation)
    return move(consultation, Trigger.BOTH_CONNECTED, now, policy)
