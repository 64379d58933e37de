"""Consultations in every state, made by the rules themselves."""

from dataclasses import replace
from decimal import Decimal

from control.consultations.commands import (
    Accept,
    AnswerEarlyEnd,
    AnswerExtension,
    Cancel,
    Command,
    Decline,
    EndByOperator,
    Heard,
    Leave,
    ProposeEarlyEnd,
    ProposeExtension,
    Rate,
    ServiceInterrupted,
    perform,
)
from control.consultations.consultation import Consultation
from control.consultations.leaving import Leaving
from control.consultations.parties import Actor, Party, Role, Terms
from control.consultations.ratings import Subject
from control.consultations.requests import request
from control.consultations.states import State

CLIENT, SPECIALIST = Role.CLIENT, Role.SPECIALIST
MARIA = Party("maria", "Мария")
IVAN = Party("ivan", "Иван")
TERMS = Terms(duration_s=1800, price=Decimal("40.00"), currency="EUR", takes_video=True)

# When the requests of these tests are made; the consultation is accepted 10 s later and starts
# after 10 s more.
ASKED_AT = 1000.0
ACCEPTED_AT = 1010.0
STARTED_AT = 1020.0


def requested(client: Party = MARIA, specialist: Party = IVAN, name: str = "one") -> Consultation:
    """A request that waits for its answer."""
    return request(
        name,
        client,
        specialist,
        TERMS,
        "Резултати",
        specialist_online=True,
        others=[],
        now=ASKED_AT,
    )[0].consultation


def accepted() -> Consultation:
    """Nobody in the room yet."""
    return perform(requested(), Accept(SPECIALIST), ACCEPTED_AT).consultation


def active() -> Consultation:
    """Both heard at STARTED_AT."""
    return after(accepted(), STARTED_AT, Heard(CLIENT, STARTED_AT), Heard(SPECIALIST, STARTED_AT))


def after(consultation: Consultation, now: float, *commands: Command) -> Consultation:
    """The consultation after these commands at ``now``."""
    for command in commands:
        consultation = perform(consultation, command, now).consultation
    return consultation


def heard_until(consultation: Consultation, until: float) -> Consultation:
    """An active session in which both sides are heard every ten seconds and at ``until``."""
    now = STARTED_AT
    while now < until:
        now = min(now + 10, until)
        consultation = after(consultation, now, Heard(CLIENT, now), Heard(SPECIALIST, now))
    return consultation


def in_state(state: State) -> Consultation:
    """A consultation in this state."""
    match state:
        case State.REQUESTED:
            return requested()
        case State.ACCEPTED:
            return accepted()
        case State.ACTIVE:
            return active()
        case State.DECLINED:
            return after(requested(), ACCEPTED_AT, Decline(SPECIALIST))
        case State.CANCELLED:
            return after(requested(), ACCEPTED_AT, Cancel(CLIENT))
        case State.EXPIRED:
            return after(requested(), ASKED_AT + 300, Heard(CLIENT, ASKED_AT))
        case State.ENDED:
            return after(active(), STARTED_AT + 1, Leave(CLIENT))


def of_every_kind() -> list[Consultation]:
    """Consultations that differ from a new request in every member that can differ."""
    proposed = after(active(), STARTED_AT + 1, ProposeEarlyEnd(CLIENT))
    rate = Rate(CLIENT, Subject.SPECIALIST, 5, "Чудесно")
    offered = after(active(), STARTED_AT + 1, ProposeExtension(SPECIALIST, 600, Decimal("12.5")))
    return [
        offered,
        after(offered, STARTED_AT + 2, AnswerExtension(CLIENT, accepted=True)),
        after(offered, STARTED_AT + 2, AnswerExtension(CLIENT, accepted=False)),
        after(active(), STARTED_AT + 1, Leave(SPECIALIST)),
        replace(active(), leaving=Leaving(SPECIALIST, STARTED_AT, STARTED_AT + 9, dropped=True)),
        after(active(), STARTED_AT + 1, EndByOperator("Оплакване")),
        *(in_state(state) for state in State),
        after(requested(), ACCEPTED_AT, Decline(SPECIALIST, "Зает съм")),
        replace(in_state(State.CANCELLED), withdrawn_by=Actor.OPERATOR),
        proposed,
        after(proposed, STARTED_AT + 2, AnswerEarlyEnd(SPECIALIST, accepted=False)),
        after(proposed, STARTED_AT + 2, AnswerEarlyEnd(SPECIALIST, accepted=True)),
        after(active(), STARTED_AT + 2, ServiceInterrupted(STARTED_AT + 1)),
        after(in_state(State.ENDED), STARTED_AT + 9, rate),
    ]
