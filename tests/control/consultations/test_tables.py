"""The small tables within a session: every row is walked, and there is no other way."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from itertools import product
from typing import Any

import pytest

from control.consultations.commands import (
    AnswerEarlyEnd,
    AnswerExtension,
    Command,
    Leave,
    ProposeEarlyEnd,
    ProposeExtension,
    ServiceInterrupted,
    WithdrawEarlyEnd,
    WithdrawExtension,
)
from control.consultations.consultation import Consultation
from control.consultations.early_end import EARLY_END_TRANSITIONS, EarlyEndState, EarlyEndTrigger
from control.consultations.extension import (
    EXTENSION_TRANSITIONS,
    ExtensionState,
    ExtensionTrigger,
)
from control.consultations.flow import flow_state
from control.consultations.leaving import LEAVING_TRANSITIONS, LeavingState, LeavingTrigger
from control.consultations.liveness import LINK_TRANSITIONS, Link, LinkState, LinkTrigger
from control.consultations.paid_time import FLOW_TRANSITIONS, FlowState, FlowTrigger
from control.consultations.policy import PLATFORM, DropAction, LinkPolicy
from control.consultations.proposals import early_end_state, extension_state, leaving_state
from control.consultations.states import EndReason
from control.errors import ControlError
from tests.control.consultations.cases import CLIENT, SPECIALIST, STARTED_AT
from tests.control.consultations.session import Session

Step = Callable[[Session], object]


@dataclass(frozen=True)
class Machine:
    """A table, what was written of it from the rules, and how a session walks it."""

    table: Mapping[Any, StrEnum]
    expected: dict[tuple[str, str], str]
    read: Callable[[Consultation], StrEnum]
    # How a session that has just started gets into a state.
    ways: dict[StrEnum, Step]
    # What a session does for each trigger.
    steps: dict[StrEnum, Step]


def _do(*commands: Command) -> Step:
    return lambda session: session.until(5).do(*commands)


def _then(*commands: Command) -> Step:
    return lambda session: session.do(*commands)


def _nothing(session: Session) -> None:
    """It is there already."""


def _wait(seconds: float) -> Step:
    return lambda session: session.until(session.now - STARTED_AT + seconds)


def _early_end(consultation: Consultation) -> EarlyEndState:
    end = consultation.end
    agreed = end is not None and end.reason is EndReason.EARLY_END_AGREED
    return EarlyEndState.AGREED if agreed else early_end_state(consultation)


def _leaving(consultation: Consultation) -> LeavingState:
    end = consultation.end
    reasons = (EndReason.SPECIALIST_LEFT, EndReason.SPECIALIST_CONNECTION_LOST)
    left = end is not None and end.reason in reasons
    return LeavingState.LEFT if left else leaving_state(consultation)


def _specialist_silent(session: Session) -> None:
    session.vanish(SPECIALIST)
    session.until(session.now - STARTED_AT + 3)


def _drop_announced(session: Session) -> None:
    session.policy = replace(
        PLATFORM, specialist=LinkPolicy(drop_after_s=5.0, on_drop=DropAction.ANNOUNCE)
    )
    session.vanish(SPECIALIST)
    session.until(session.now - STARTED_AT + 6)


OFFER = ProposeExtension(SPECIALIST, 600, Decimal("10"))
MACHINES = {
    "early end": Machine(
        EARLY_END_TRANSITIONS,
        {
            ("none", "propose"): "proposed",
            ("proposed", "accept"): "agreed",
            ("proposed", "refuse"): "none",
            ("proposed", "withdraw"): "none",
            ("proposed", "lapse"): "none",
        },
        _early_end,
        {
            EarlyEndState.NONE: _nothing,
            EarlyEndState.PROPOSED: _do(ProposeEarlyEnd(CLIENT)),
            EarlyEndState.AGREED: _do(ProposeEarlyEnd(CLIENT), AnswerEarlyEnd(SPECIALIST, True)),
        },
        {
            EarlyEndTrigger.PROPOSE: _then(ProposeEarlyEnd(CLIENT)),
            EarlyEndTrigger.ACCEPT: _then(AnswerEarlyEnd(SPECIALIST, accepted=True)),
            EarlyEndTrigger.REFUSE: _then(AnswerEarlyEnd(SPECIALIST, accepted=False)),
            EarlyEndTrigger.WITHDRAW: _then(WithdrawEarlyEnd(CLIENT)),
            EarlyEndTrigger.LAPSE: _wait(60),
        },
    ),
    "extension": Machine(
        EXTENSION_TRANSITIONS,
        {
            ("none", "propose"): "proposed",
            ("proposed", "accept"): "none",
            ("proposed", "refuse"): "none",
            ("proposed", "withdraw"): "none",
            ("proposed", "lapse"): "none",
        },
        extension_state,
        {ExtensionState.NONE: _nothing, ExtensionState.PROPOSED: _do(OFFER)},
        {
            ExtensionTrigger.PROPOSE: _then(OFFER),
            ExtensionTrigger.ACCEPT: _then(AnswerExtension(CLIENT, accepted=True)),
            ExtensionTrigger.REFUSE: _then(AnswerExtension(CLIENT, accepted=False)),
            ExtensionTrigger.WITHDRAW: _then(WithdrawExtension(SPECIALIST)),
            ExtensionTrigger.LAPSE: _wait(60),
        },
    ),
    "leaving": Machine(
        LEAVING_TRANSITIONS,
        {
            ("staying", "announce"): "leaving",
            ("staying", "announce_drop"): "leaving",
            ("leaving", "countdown_over"): "left",
            ("leaving", "client_leaves"): "left",
        },
        _leaving,
        {
            LeavingState.STAYING: _nothing,
            LeavingState.LEAVING: _do(Leave(SPECIALIST)),
            LeavingState.LEFT: _do(Leave(SPECIALIST), Leave(CLIENT)),
        },
        {
            LeavingTrigger.ANNOUNCE: _then(Leave(SPECIALIST)),
            LeavingTrigger.ANNOUNCE_DROP: _drop_announced,
            LeavingTrigger.COUNTDOWN_OVER: _wait(10),
            LeavingTrigger.CLIENT_LEAVES: _then(Leave(CLIENT)),
        },
    ),
    "paid time": Machine(
        FLOW_TRANSITIONS,
        {
            ("stopped", "both_connected"): "flowing",
            ("flowing", "one_silent"): "stopped",
            ("flowing", "service_interrupted"): "stopped",
            ("flowing", "ended"): "stopped",
        },
        flow_state,
        {FlowState.FLOWING: _nothing, FlowState.STOPPED: _specialist_silent},
        {
            FlowTrigger.BOTH_CONNECTED: lambda session: session.come_back(CLIENT, SPECIALIST),
            FlowTrigger.ONE_SILENT: _specialist_silent,
            FlowTrigger.SERVICE_INTERRUPTED: lambda session: session.do(
                ServiceInterrupted(session.now)
            ),
            FlowTrigger.ENDED: _then(Leave(CLIENT)),
        },
    ),
}
WALKS = [
    (name, state, trigger)
    for name, machine in MACHINES.items()
    for state, trigger in product(machine.ways, machine.steps)
]


@pytest.mark.parametrize(("name", "state", "trigger"), WALKS)
def test_every_state_with_every_trigger(name: str, state: StrEnum, trigger: StrEnum) -> None:
    machine = MACHINES[name]
    session = Session()
    machine.ways[state](session)
    assert machine.read(session.consultation) is state
    expected = machine.expected.get((state.value, trigger.value), state.value)
    refused = False
    try:
        machine.steps[trigger](session)
    except ControlError:
        refused = True
    assert machine.read(session.consultation).value == expected
    if refused:
        assert (state, trigger) not in machine.table


@pytest.mark.parametrize("name", MACHINES)
def test_the_tables_are_what_the_rules_say(name: str) -> None:
    machine = MACHINES[name]
    rows = {
        (state.value, trigger.value): to.value for (state, trigger), to in machine.table.items()
    }
    assert rows == machine.expected


# Written from the rules: (state, trigger) → state; everything else cannot be.
LINKS = {
    ("unheard", "heard"): "connected",
    ("unheard", "service_interrupted"): "unheard",
    ("unheard", "service_resumed"): "awaited",
    ("awaited", "heard"): "connected",
    ("awaited", "silent"): "reconnecting",
    ("awaited", "silent_too_long"): "dropped",
    ("awaited", "service_interrupted"): "unheard",
    ("connected", "heard"): "connected",
    ("connected", "suspected"): "suspect",
    ("connected", "silent_too_long"): "dropped",
    ("connected", "service_interrupted"): "unheard",
    ("suspect", "heard"): "connected",
    ("suspect", "silent"): "reconnecting",
    ("suspect", "silent_too_long"): "dropped",
    ("suspect", "service_interrupted"): "unheard",
    ("reconnecting", "heard"): "connected",
    ("reconnecting", "silent_too_long"): "dropped",
    ("reconnecting", "service_interrupted"): "unheard",
}


@pytest.mark.parametrize(("state", "trigger"), list(product(LinkState, LinkTrigger)))
def test_every_link_state_with_every_trigger(state: LinkState, trigger: LinkTrigger) -> None:
    expected = LINKS.get((state.value, trigger.value))
    assert LINK_TRANSITIONS.get((state, trigger)) == expected
    if expected is None:
        with pytest.raises(KeyError):
            Link(state, 1.0, 1.0).moved(trigger)
    else:
        assert Link(state, 1.0, 1.0).moved(trigger).state == expected
