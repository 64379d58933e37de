"""The session's end is announced to the other side, and comes after a countdown."""

from dataclasses import replace

from control.consultations.consultation import Change, Consultation
from control.consultations.early_end import EARLY_END_TRANSITIONS, EarlyEndState, EarlyEndTrigger
from control.consultations.events import (
    EarlyEndWithdrawn,
    Event,
    ExtensionWithdrawn,
    LeavingAnnounced,
)
from control.consultations.extension import (
    EXTENSION_TRANSITIONS,
    ExtensionState,
    ExtensionTrigger,
)
from control.consultations.leaving import Leaving
from control.consultations.parties import Role


def announce(consultation: Consultation, leaving: Leaving) -> Change:
    """What ``leaving.by`` had proposed is of no use any more, and falls with it."""
    by, now = leaving.by, leaving.at
    announced = replace(consultation, leaving=leaving)
    events: list[Event] = []
    if announced.extension is not None and by is Role.SPECIALIST:
        withdrawn = EXTENSION_TRANSITIONS[ExtensionState.PROPOSED, ExtensionTrigger.WITHDRAW]
        assert withdrawn is ExtensionState.NONE
        announced = replace(announced, extension=None)
        events.append(ExtensionWithdrawn(now))
    if announced.early_end is not None and announced.early_end.by is by:
        taken_back = EARLY_END_TRANSITIONS[EarlyEndState.PROPOSED, EarlyEndTrigger.WITHDRAW]
        assert taken_back is EarlyEndState.NONE
        announced = replace(announced, early_end=None)
        events.append(EarlyEndWithdrawn(now, by))
    events.append(LeavingAnnounced(now, by, leaving.ends_at, leaving.reason))
    return Change(announced, tuple(events))
