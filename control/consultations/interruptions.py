"""Interruptions of the service: silence that is nobody's."""

from dataclasses import replace

from control.consultations.consultation import Change, Consultation
from control.consultations.events import Interrupted, Resumed
from control.consultations.flow import flow_ended
from control.consultations.liveness import LinkState, LinkTrigger
from control.consultations.paid_time import FlowTrigger
from control.consultations.parties import Role
from control.consultations.policy import Policy
from control.consultations.states import State


def interrupted(
    consultation: Consultation, since: float, at: float, service_by: float, policy: Policy
) -> Change:
    """Nobody is judged for a silence from here on, until the room is heard of again.

    Paid time ran until ``since``. Unless someone is heard again by ``service_by``, the session
    ends; interrupted again before that, it lives longer only by the time in which nobody listened.
    """
    change = flow_ended(consultation, FlowTrigger.SERVICE_INTERRUPTED, since, policy)
    silenced = change.consultation
    for role, link in silenced.links.items():
        if link.state is not LinkState.DROPPED:
            silenced = silenced.with_link(role, link.moved(LinkTrigger.SERVICE_INTERRUPTED))
    if silenced.state is not State.ACTIVE:
        return Change(silenced, change.events)
    if silenced.service_by is None:
        began = replace(silenced, interrupted_since=since, service_by=service_by)
    else:
        began = replace(silenced, service_by=silenced.service_by + (at - since))
    return Change(began, (*change.events, Interrupted(at, since)))


def resumed(consultation: Consultation, back: Role, now: float) -> Change:
    """``back`` is heard again. From now on silence counts afresh, the other side's too.

    The interruption does not count: the session goes on for as long as it had left.
    """
    since, ends_at = consultation.interrupted_since, consultation.ends_at
    assert since is not None
    assert ends_at is not None
    there = consultation.links[back].afresh(now)
    awaited = consultation.links[back.other]
    if awaited.state is not LinkState.DROPPED:
        awaited = awaited.awaited(now)
    going_on = replace(
        consultation.with_link(back, there).with_link(back.other, awaited),
        ends_at=ends_at + (now - since),
        interrupted_since=None,
        service_by=None,
    )
    return Change(going_on, (Resumed(now, ends_at + (now - since)),))


def vanished_together(consultation: Consultation, policy: Policy) -> float | None:
    """Since when both are silent, if they fell silent at nearly the same time."""
    silent_from = [link.silent_from for link in consultation.links.values()]
    known = [at for at in silent_from if at is not None]
    if len(known) < len(silent_from) or max(known) - min(known) > policy.vanished_together_s:
        return None
    return min(known)
