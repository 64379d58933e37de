"""Asking, and being accepted, beside other consultations."""

from dataclasses import replace

import pytest

from control.consultations.consultation import Consultation
from control.consultations.events import Requested, Withdrawn
from control.consultations.parties import Actor, Party, Terms
from control.consultations.requests import accept, request
from control.consultations.states import State
from control.errors import ControlError
from tests.control.consultations.cases import (
    ACCEPTED_AT,
    ASKED_AT,
    CLIENT,
    IVAN,
    MARIA,
    SPECIALIST,
    STARTED_AT,
    TERMS,
    accepted,
    active,
    in_state,
    requested,
)

PETAR = Party("petar", "Петър")
ELENA = Party("elena", "Елена")


def ask(
    purpose: str = "Резултати",
    *,
    online: bool = True,
    others: tuple[Consultation, ...] = (),
    terms: Terms = TERMS,
    client: Party = MARIA,
    specialist: Party = IVAN,
    now: float = ASKED_AT + 5,
) -> Consultation:
    """A request of maria to ivan, unless said otherwise."""
    change, *_ = request(
        "new",
        client,
        specialist,
        terms,
        purpose,
        specialist_online=online,
        others=others,
        now=now,
    )
    assert change.events == (Requested(now, purpose.strip(), terms),)
    return change.consultation


def refusal(purpose: str = "Резултати", **how: object) -> str:
    """The code of the refusal of such a request."""
    with pytest.raises(ControlError) as refused:
        ask(purpose, **how)  # type: ignore[arg-type]
    return refused.value.code


def test_a_request_keeps_the_terms_it_was_made_under() -> None:
    asked = ask()
    assert asked.terms == TERMS
    assert asked.accept_by == ASKED_AT + 305


@pytest.mark.parametrize("purpose", ["x", "x" * 500, "  " + "я" * 500 + "\n", "ред\nред"])
def test_purposes_that_are_taken(purpose: str) -> None:
    assert ask(purpose).purpose == purpose.strip()


@pytest.mark.parametrize(
    "purpose", ["", "   ", "\n\t", "x" * 501, "x" * 100_000, "a\0b", "a\x1bb", "a\ud800b"]
)
def test_purposes_that_are_refused(purpose: str) -> None:
    assert refusal(purpose) == "purpose-invalid"


def test_the_specialist_must_be_online() -> None:
    assert refusal(online=False) == "specialist-offline"


def test_the_specialist_must_take_video() -> None:
    assert refusal(terms=replace(TERMS, takes_video=False)) == "video-not-taken"


def test_one_open_request_a_pair() -> None:
    assert refusal(others=(requested(),)) == "request-already-open"
    assert ask(others=(requested(specialist=PETAR),)).state is State.REQUESTED
    assert ask(others=(requested(client=ELENA),)).state is State.REQUESTED


def test_a_request_whose_time_is_over_is_in_nobodys_way() -> None:
    assert ask(others=(requested(),), now=ASKED_AT + 300).state is State.REQUESTED


@pytest.mark.parametrize("other", [accepted(), active()])
def test_nobody_is_asked_during_another_consultation(other: Consultation) -> None:
    now = STARTED_AT + 1
    assert refusal(others=(other,), client=ELENA, now=now) == "specialist-busy"
    assert refusal(others=(other,), specialist=PETAR, now=now) == "client-busy"


def test_after_its_end_a_consultation_is_in_nobodys_way() -> None:
    assert ask(others=(in_state(State.ENDED),)).state is State.REQUESTED


def test_acceptance_withdraws_the_other_open_requests_of_both() -> None:
    mine = requested()
    of_the_client = requested(specialist=PETAR, name="two")
    of_the_specialist = requested(client=ELENA, name="three")
    changes = accept(
        mine, SPECIALIST, others=[mine, of_the_client, of_the_specialist], now=ACCEPTED_AT
    )
    assert [change.consultation.id for change in changes] == ["one", "two", "three"]
    assert changes[0].consultation.state is State.ACCEPTED
    for change in changes[1:]:
        assert change.consultation.state is State.CANCELLED
        assert change.consultation.withdrawn_by is Actor.SERVICE
        assert change.events == (Withdrawn(ACCEPTED_AT, Actor.SERVICE),)


@pytest.mark.parametrize(
    ("client", "specialist", "code"),
    [(MARIA, PETAR, "client-busy"), (ELENA, IVAN, "specialist-busy")],
)
def test_nobody_is_in_two_consultations(client: Party, specialist: Party, code: str) -> None:
    waiting = requested(client, specialist, "two")
    with pytest.raises(ControlError) as refused:
        accept(waiting, SPECIALIST, others=[accepted(), waiting], now=ACCEPTED_AT + 1)
    assert refused.value.code == code


def test_a_client_cannot_accept_their_own_request() -> None:
    with pytest.raises(ControlError) as refused:
        accept(requested(), CLIENT, others=[requested()], now=ACCEPTED_AT)
    assert refused.value.code == "not-permitted"


def test_what_was_due_of_others_happens_with_a_request_or_an_acceptance() -> None:
    overdue = replace(requested(), id="old")
    late = overdue.accept_by
    asked = request(
        "new",
        MARIA,
        IVAN,
        TERMS,
        "Резултати",
        specialist_online=True,
        others=[overdue],
        now=late,
    )
    assert [each.consultation.state for each in asked] == [State.REQUESTED, State.EXPIRED]
    taken = accept(asked[0].consultation, SPECIALIST, others=[overdue], now=late)
    assert [each.consultation.state for each in taken] == [State.ACCEPTED, State.EXPIRED]
    assert taken[1].consultation.seq == 2
