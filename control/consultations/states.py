"""The states of a consultation, and the one table of how it moves between them."""

from enum import StrEnum

from control.consultations.parties import Role


class State(StrEnum):
    """Where a consultation stands."""

    REQUESTED = "requested"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    ACTIVE = "active"
    ENDED = "ended"


class Trigger(StrEnum):
    """What can move a consultation: a person's command, the clock, or the room."""

    ACCEPT = "accept"
    DECLINE = "decline"
    CANCEL = "cancel"
    # Another request of one side was accepted, or an operator blocked one.
    WITHDRAW = "withdraw"
    ACCEPT_TIME_OVER = "accept_time_over"
    BOTH_CONNECTED = "both_connected"
    START_TIME_OVER = "start_time_over"
    TIME_OVER = "time_over"
    EARLY_END_AGREED = "early_end_agreed"
    SPECIALIST_LEAVES = "specialist_leaves"
    CLIENT_LEAVES = "client_leaves"
    SPECIALIST_DROPPED = "specialist_dropped"
    # Only where the policy says so; by default a client may stay away.
    CLIENT_DROPPED = "client_dropped"
    OPERATOR_ENDS = "operator_ends"
    SERVICE_FAILED = "service_failed"


class EndReason(StrEnum):
    """Why a consultation ended."""

    COMPLETED = "completed"
    EARLY_END_AGREED = "early_end_agreed"
    SPECIALIST_LEFT = "specialist_left"
    CLIENT_LEFT = "client_left"
    SPECIALIST_CONNECTION_LOST = "specialist_connection_lost"
    CLIENT_CONNECTION_LOST = "client_connection_lost"
    OPERATOR = "operator"
    DID_NOT_START = "did_not_start"
    SERVICE = "service"


TRANSITIONS: dict[tuple[State, Trigger], State] = {
    (State.REQUESTED, Trigger.ACCEPT): State.ACCEPTED,
    (State.REQUESTED, Trigger.DECLINE): State.DECLINED,
    (State.REQUESTED, Trigger.CANCEL): State.CANCELLED,
    (State.REQUESTED, Trigger.WITHDRAW): State.CANCELLED,
    (State.REQUESTED, Trigger.ACCEPT_TIME_OVER): State.EXPIRED,
    (State.ACCEPTED, Trigger.BOTH_CONNECTED): State.ACTIVE,
    (State.ACCEPTED, Trigger.START_TIME_OVER): State.ENDED,
    (State.ACCEPTED, Trigger.SPECIALIST_LEAVES): State.ENDED,
    (State.ACCEPTED, Trigger.CLIENT_LEAVES): State.ENDED,
    (State.ACCEPTED, Trigger.OPERATOR_ENDS): State.ENDED,
    (State.ACTIVE, Trigger.TIME_OVER): State.ENDED,
    (State.ACTIVE, Trigger.EARLY_END_AGREED): State.ENDED,
    (State.ACTIVE, Trigger.SPECIALIST_LEAVES): State.ENDED,
    (State.ACTIVE, Trigger.CLIENT_LEAVES): State.ENDED,
    (State.ACTIVE, Trigger.SPECIALIST_DROPPED): State.ENDED,
    (State.ACTIVE, Trigger.CLIENT_DROPPED): State.ENDED,
    (State.ACTIVE, Trigger.OPERATOR_ENDS): State.ENDED,
    (State.ACTIVE, Trigger.SERVICE_FAILED): State.ENDED,
}

END_REASONS: dict[Trigger, EndReason] = {
    Trigger.START_TIME_OVER: EndReason.DID_NOT_START,
    Trigger.TIME_OVER: EndReason.COMPLETED,
    Trigger.EARLY_END_AGREED: EndReason.EARLY_END_AGREED,
    Trigger.SPECIALIST_LEAVES: EndReason.SPECIALIST_LEFT,
    Trigger.CLIENT_LEAVES: EndReason.CLIENT_LEFT,
    Trigger.SPECIALIST_DROPPED: EndReason.SPECIALIST_CONNECTION_LOST,
    Trigger.CLIENT_DROPPED: EndReason.CLIENT_CONNECTION_LOST,
    Trigger.OPERATOR_ENDS: EndReason.OPERATOR,
    Trigger.SERVICE_FAILED: EndReason.SERVICE,
}

# What a participant's silence does when it has lasted too long.
DROPS: dict[Role, Trigger] = {
    Role.CLIENT: Trigger.CLIENT_DROPPED,
    Role.SPECIALIST: Trigger.SPECIALIST_DROPPED,
}

# Whose command it is. Triggers that are not here come from the clock, the room or an operator.
COMMANDED_BY: dict[Trigger, Role] = {
    Trigger.ACCEPT: Role.SPECIALIST,
    Trigger.DECLINE: Role.SPECIALIST,
    Trigger.CANCEL: Role.CLIENT,
    Trigger.SPECIALIST_LEAVES: Role.SPECIALIST,
    Trigger.CLIENT_LEAVES: Role.CLIENT,
}

# The participants may be in the room.
JOINABLE = frozenset({State.ACCEPTED, State.ACTIVE})
# Something can still happen to it by itself.
OPEN = JOINABLE | {State.REQUESTED}
