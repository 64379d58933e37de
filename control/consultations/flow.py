"""When paid time runs and when it stops."""

from dataclasses import replace

from control.consultations.consultation import Change, Consultation
from control.consultations.events import FlowBegan, FlowStopped
from control.consultations.liveness import LinkState
from control.consultations.paid_time import FLOW_TRANSITIONS, FlowState, FlowTrigger, Interval
from control.consultations.policy import Policy
from control.consultations.states import State


def flow_state(consultation: Consultation) -> FlowState:
    """Whether paid time runs."""
    return FlowState.STOPPED if consultation.flowing_since is None else FlowState.FLOWING


def flow_began(consultation: Consultation, now: float, policy: Policy) -> Change:
    """Paid time runs from ``now`` on, if both sides are connected and it does not run yet."""
    links = consultation.links.values()
    both = all(
        link.state is LinkState.CONNECTED and link.heard_within(policy.connected_within_s, now)
        for link in links
    )
    begins = (flow_state(consultation), FlowTrigger.BOTH_CONNECTED) in FLOW_TRANSITIONS
    if consultation.state is not State.ACTIVE or not both or not begins:
        return Change(consultation)
    # A clock that was set back pays nothing twice.
    began_at = max(now, consultation.paid[-1].stopped_at) if consultation.paid else now
    return Change(replace(consultation, flowing_since=began_at), (FlowBegan(began_at),))


def silent_at(consultation: Consultation) -> float | None:
    """The last packet of the one who has been silent for longer; None: no news of someone."""
    heard = [link.last_heard_at for link in consultation.links.values()]
    known = [at for at in heard if at is not None]
    return min(known) if len(known) == len(heard) else None


def flow_stopped(consultation: Consultation, trigger: FlowTrigger, at: float) -> Change:
    """Paid time ran until ``at``, if it ran."""
    began_at = consultation.flowing_since
    if began_at is None or (FlowState.FLOWING, trigger) not in FLOW_TRANSITIONS:
        return Change(consultation)
    interval = Interval(began_at, max(began_at, at))
    stopped = replace(consultation, paid=(*consultation.paid, interval), flowing_since=None)
    paid_s = stopped.paid_s(interval.stopped_at)
    return Change(stopped, (FlowStopped(interval.stopped_at, began_at, paid_s),))


def flow_ended(
    consultation: Consultation, trigger: FlowTrigger, at: float, policy: Policy
) -> Change:
    """Paid time ran until ``at``, or until the last packet of one who was silent by then."""
    last = silent_at(consultation)
    if last is not None and at - last > policy.connected_within_s:
        at = last
    return flow_stopped(consultation, trigger, at)
