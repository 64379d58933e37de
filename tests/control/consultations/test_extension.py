"""The specialist offers to go on for longer, at a price; the client answers."""

from decimal import Decimal

import pytest

from control.consultations.commands import (
    AnswerExtension,
    Command,
    Leave,
    ProposeExtension,
    ServiceInterrupted,
    WithdrawExtension,
    perform,
)
from control.consultations.consultation import Consultation
from control.consultations.events import (
    Ended,
    ExtensionAccepted,
    ExtensionLapsed,
    ExtensionProposed,
    ExtensionRefused,
    ExtensionWithdrawn,
)
from control.consultations.extension import AcceptedExtension
from control.consultations.states import EndReason, State
from control.errors import ControlError
from tests.control.consultations.cases import (
    CLIENT,
    SPECIALIST,
    STARTED_AT,
    accepted,
    active,
    in_state,
)
from tests.control.consultations.session import Session

OFFER = ProposeExtension(SPECIALIST, 600, Decimal("12.5"))
YES, NO = AnswerExtension(CLIENT, accepted=True), AnswerExtension(CLIENT, accepted=False)


def refusal(consultation: Consultation, command: Command, now: float = STARTED_AT + 1) -> str:
    """The code of the refusal."""
    with pytest.raises(ControlError) as refused:
        perform(consultation, command, now)
    return refused.value.code


def test_accepted_the_session_ends_so_much_later() -> None:
    session = Session().until(100).do(OFFER)
    at = STARTED_AT + 100
    proposed = ExtensionProposed(at, 600, Decimal("12.50"), "EUR", at + 60)
    assert session.of(ExtensionProposed) == [proposed]
    session.do(YES)
    assert session.consultation.extension is None
    assert session.consultation.ends_at == STARTED_AT + 2400
    assert session.consultation.extensions == (AcceptedExtension(600, Decimal("12.50"), at),)
    # What was asked for is as it was asked for: the price is the terms' and the extensions'.
    assert session.consultation.terms == active().terms
    assert session.of(ExtensionAccepted) == [
        ExtensionAccepted(at, 600, Decimal("12.50"), "EUR", STARTED_AT + 2400)
    ]
    assert session.until(2399).consultation.state is State.ACTIVE
    session.until(2400)
    assert session.consultation.end is not None
    assert session.consultation.end.reason is EndReason.COMPLETED
    assert session.consultation.paid_s(session.now) == 2400


def test_extended_again() -> None:
    session = Session().do(OFFER, YES).until(10).do(OFFER, YES)
    assert session.consultation.ends_at == STARTED_AT + 3000
    assert len(session.consultation.extensions) == 2


def test_refused_it_ends_when_it_would_have() -> None:
    session = Session().until(5).do(OFFER, NO)
    assert session.of(ExtensionRefused) == [ExtensionRefused(STARTED_AT + 5)]
    assert session.consultation.extension_refused_at == STARTED_AT + 5
    assert session.consultation.ends_at == STARTED_AT + 1800
    session.do(OFFER)
    assert session.consultation.extension_refused_at is None


def test_withdrawn_it_can_not_be_accepted() -> None:
    session = Session().do(OFFER, WithdrawExtension(SPECIALIST))
    assert session.of(ExtensionWithdrawn) == [ExtensionWithdrawn(STARTED_AT)]
    assert refusal(session.consultation, YES) == "no-extension-proposed"


def test_unanswered_it_lapses_after_a_minute() -> None:
    session = Session().until(5).do(OFFER).until(64.9)
    assert session.consultation.extension is not None
    session.until(65)
    assert session.of(ExtensionLapsed) == [ExtensionLapsed(STARTED_AT + 65)]
    assert refusal(session.consultation, YES, session.now) == "no-extension-proposed"


def test_it_is_accepted_before_the_end_not_at_it() -> None:
    session = Session().until(1790).do(OFFER)
    assert session.consultation.extension is not None
    assert session.consultation.extension.lapses_at == STARTED_AT + 1800
    before = session.until(1799.9).consultation
    extended = perform(before, YES, session.now).consultation
    assert extended.ends_at == STARTED_AT + 2400
    assert refusal(before, YES, STARTED_AT + 1800) == "not-in-this-state"
    session.until(1800)
    assert [event.at for event in session.of(Ended, ExtensionLapsed)] == [STARTED_AT + 1800]
    assert session.consultation.extension is None


def test_during_an_interruption_of_the_service_the_answer_is_awaited_for_the_whole_time() -> None:
    session = Session().until(1795).do(ServiceInterrupted(STARTED_AT + 1795), OFFER)
    assert session.consultation.extension is not None
    assert session.consultation.extension.lapses_at == STARTED_AT + 1855
    session.do(YES)
    assert session.consultation.ends_at == STARTED_AT + 2400


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (ProposeExtension(CLIENT, 600, Decimal(10)), "not-permitted"),
        (AnswerExtension(SPECIALIST, accepted=True), "not-permitted"),
        (AnswerExtension(SPECIALIST, accepted=False), "not-permitted"),
        (WithdrawExtension(CLIENT), "not-permitted"),
        (OFFER, "extension-already-proposed"),
    ],
)
def test_who_may_do_what(command: Command, code: str) -> None:
    assert refusal(Session().do(OFFER).consultation, command) == code


@pytest.mark.parametrize("command", [YES, NO, WithdrawExtension(SPECIALIST)])
def test_there_must_be_one(command: Command) -> None:
    assert refusal(active(), command) == "no-extension-proposed"


@pytest.mark.parametrize("command", [OFFER, YES, NO, WithdrawExtension(SPECIALIST)])
@pytest.mark.parametrize("consultation", [accepted(), in_state(State.ENDED)])
def test_only_in_an_active_session(consultation: Consultation, command: Command) -> None:
    assert refusal(consultation, command) == "not-in-this-state"


@pytest.mark.parametrize(
    ("duration_s", "price"),
    [
        (9, "10"),
        (8 * 3600 + 1, "10"),
        (-600, "10"),
        (600, "-0.01"),
        (600, "10000000"),
        (600, "0.001"),
        (600, "NaN"),
        (600, "Infinity"),
    ],
)
def test_what_is_no_offer(duration_s: int, price: str) -> None:
    offer = ProposeExtension(SPECIALIST, duration_s, Decimal(price))
    assert refusal(active(), offer) == "extension-invalid"


@pytest.mark.parametrize("price", ["0", "9999999.99"])
def test_the_cheapest_and_the_dearest(price: str) -> None:
    session = Session().do(ProposeExtension(SPECIALIST, 10, Decimal(price)), YES)
    assert session.consultation.extensions[0].price == Decimal(price)


def test_nothing_is_offered_by_a_specialist_who_leaves() -> None:
    session = Session().do(Leave(SPECIALIST))
    assert refusal(session.consultation, OFFER) == "already-leaving"
