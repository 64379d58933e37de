"""What happened to a consultation. ``at`` is in Unix seconds.

Where an event has no ``by``, only one can have caused it: journal.py says who.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from control.consultations.parties import Actor, Role, Terms
from control.consultations.ratings import Subject
from control.consultations.states import EndReason


@dataclass(frozen=True)
class Requested:
    """The client asked the specialist for a consultation."""

    at: float
    purpose: str
    terms: Terms


@dataclass(frozen=True)
class Accepted:
    """The specialist accepted."""

    at: float


@dataclass(frozen=True)
class Declined:
    """The specialist declined."""

    at: float
    reason: str | None


@dataclass(frozen=True)
class Expired:
    """Nobody answered the request in time."""

    at: float


@dataclass(frozen=True)
class Cancelled:
    """The client took the request back."""

    at: float


@dataclass(frozen=True)
class Withdrawn:
    """The request fell because another of one side was accepted, or an operator blocked one."""

    at: float
    by: Actor


@dataclass(frozen=True)
class Started:
    """Both sides were connected for the first time."""

    at: float
    ends_at: float


@dataclass(frozen=True)
class EarlyEndProposed:
    """``by`` asks to end early."""

    at: float
    by: Role
    lapses_at: float


@dataclass(frozen=True)
class EarlyEndWithdrawn:
    """``by``, who had proposed it, takes it back."""

    at: float
    by: Role


@dataclass(frozen=True)
class EarlyEndRefused:
    """``by`` wants the session to go on."""

    at: float
    by: Role


@dataclass(frozen=True)
class EarlyEndLapsed:
    """Nobody answered the proposal."""

    at: float


@dataclass(frozen=True)
class ExtensionProposed:
    """The specialist offers ``duration_s`` more, for ``price`` more."""

    at: float
    duration_s: int
    price: Decimal
    currency: str
    lapses_at: float


@dataclass(frozen=True)
class ExtensionAccepted:
    """The client takes the offer; the session goes on until ``ends_at``."""

    at: float
    duration_s: int
    price: Decimal
    currency: str
    ends_at: float


@dataclass(frozen=True)
class ExtensionRefused:
    """The client does not take the offer."""

    at: float


@dataclass(frozen=True)
class ExtensionWithdrawn:
    """The specialist takes the offer back."""

    at: float


@dataclass(frozen=True)
class ExtensionLapsed:
    """The client did not answer the offer."""

    at: float


@dataclass(frozen=True)
class LeavingAnnounced:
    """``by`` leaves, or was silent for too long; the session ends at ``ends_at`` for ``reason``."""

    at: float
    by: Role
    ends_at: float
    reason: EndReason = EndReason.SPECIALIST_LEFT


@dataclass(frozen=True)
class ReconnectingBegan:
    """``role`` has been silent long enough to tell the other side.

    ``drop_at`` is when the silence ends the session; None: it does not.
    """

    at: float
    role: Role
    drop_at: float | None


@dataclass(frozen=True)
class Reconnected:
    """``role`` is heard again."""

    at: float
    role: Role


@dataclass(frozen=True)
class Interrupted:
    """The service was interrupted from ``since`` on; that silence is nobody's."""

    at: float
    since: float


@dataclass(frozen=True)
class Resumed:
    """Someone is heard again after an interruption; it is not counted: ``ends_at`` has moved."""

    at: float
    ends_at: float


@dataclass(frozen=True)
class FlowBegan:
    """From ``at`` on both sides are connected: paid time runs."""

    at: float


@dataclass(frozen=True)
class FlowStopped:
    """Until ``at`` both sides were connected, since ``began_at``; ``paid_s`` is the sum so far.

    ``at`` may be some seconds before this event: a silence is known for one only afterwards.
    """

    at: float
    began_at: float
    paid_s: float


@dataclass(frozen=True)
class Ended:
    """The consultation is over. ``by`` is who caused it, ``detail`` an operator's words."""

    at: float
    reason: EndReason
    by: Actor
    detail: str | None = None


@dataclass(frozen=True)
class Rated:
    """The client gave or changed a rating."""

    at: float
    subject: Subject
    stars: int
    comment: str


@dataclass(frozen=True)
class QualityMeasured:
    """How the connections did, summed up (``quality.summary``)."""

    at: float
    summary: Mapping[str, Any]


Event = (
    Requested
    | Accepted
    | Declined
    | Expired
    | Cancelled
    | Withdrawn
    | Started
    | EarlyEndProposed
    | EarlyEndWithdrawn
    | EarlyEndRefused
    | EarlyEndLapsed
    | ExtensionProposed
    | ExtensionAccepted
    | ExtensionRefused
    | ExtensionWithdrawn
    | ExtensionLapsed
    | LeavingAnnounced
    | ReconnectingBegan
    | Reconnected
    | Interrupted
    | Resumed
    | FlowBegan
    | FlowStopped
    | Ended
    | Rated
    | QualityMeasured
)
