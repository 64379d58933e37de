"""What happened to a consultation. ``at`` is in Unix seconds."""

from dataclasses import dataclass

from control.consultations.parties import Role
from control.consultations.ratings import Subject
from control.consultations.states import EndReason


@dataclass(frozen=True)
class Requested:
    """A client asked a specialist for a consultation."""

    at: float


@dataclass(frozen=True)
class Accepted:
    """The specialist accepted."""

    at: float


@dataclass(frozen=True)
class Declined:
    """The specialist declined."""

    at: float


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
    """The request fell because another of the same client or specialist was accepted."""

    at: float


@dataclass(frozen=True)
class Started:
    """Both sides were connected for the first time; the paid time runs."""

    at: float


@dataclass(frozen=True)
class EarlyEndProposed:
    """``by`` asks to end early."""

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
class ReconnectingBegan:
    """``role`` has been silent long enough to tell the other side."""

    at: float
    role: Role


@dataclass(frozen=True)
class Reconnected:
    """``role`` is heard again."""

    at: float
    role: Role


@dataclass(frozen=True)
class Interrupted:
    """The service was interrupted; whatever silence there was is nobody's."""

    at: float


@dataclass(frozen=True)
class Resumed:
    """The room is heard of again after an interruption of the service."""

    at: float


@dataclass(frozen=True)
class Ended:
    """The consultation is over. ``by`` is the one who caused it, None for nobody."""

    at: float
    reason: EndReason
    by: Role | None


@dataclass(frozen=True)
class Rated:
    """The client gave or changed a rating."""

    at: float
    subject: Subject


Event = (
    Requested
    | Accepted
    | Declined
    | Expired
    | Cancelled
    | Withdrawn
    | Started
    | EarlyEndProposed
    | EarlyEndRefused
    | EarlyEndLapsed
    | ReconnectingBegan
    | Reconnected
    | Interrupted
    | Resumed
    | Ended
    | Rated
)
