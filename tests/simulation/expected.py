"""What a command must lead to, by the ledger: the refusal's name, or the types of its events."""

from decimal import Decimal

from control.consultations import commands
from control.consultations.commands import Order
from tests.simulation.ledger import Ledger
from tests.simulation.rule import CLIENT, JOINABLE, SPECIALIST

Expected = str | list[str]


def expected(it: Ledger, order: Order, now: float) -> Expected:
    """For a command of someone who is part of it, or of an operator, after all that was due."""
    match order:
        case commands.Accept(by):
            return _answer(it, by.value, SPECIALIST, "accepted")
        case commands.Decline(by):
            return _answer(it, by.value, SPECIALIST, "declined")
        case commands.Cancel(by):
            return _answer(it, by.value, CLIENT, "cancelled")
        case commands.Withdraw():
            return ["withdrawn"] if it.state == "requested" else "NotInThisState"
        case commands.Leave(by):
            return _leave(it, by.value)
        case commands.EndByOperator(detail):
            if detail is not None and not detail.strip():
                return "BadInput"
            return ["ended"] if it.state in JOINABLE else "NotInThisState"
        case commands.Rate(by, subject, stars):
            return _rate(it, by.value, subject.value, stars, now)
        case commands.ProposeExtension(by) | commands.WithdrawExtension(by):
            if by.value != SPECIALIST:
                return "NotPermitted"
        case commands.AnswerExtension(by):
            if by.value != CLIENT:
                return "NotPermitted"
        case _:
            pass
    if it.state != "active":
        return "NotInThisState"
    return _in_session(it, order)


def _answer(it: Ledger, by: str, whose: str, event: str) -> Expected:
    if by != whose:
        return "NotPermitted"
    return [event] if it.state == "requested" else "NotInThisState"


def _leave(it: Ledger, by: str) -> Expected:
    if it.state not in JOINABLE:
        return "NotInThisState"
    if by == CLIENT or it.state == "accepted":
        return ["ended"]
    if it.leaving_until is not None:
        return "AlreadyLeaving"
    withdrawn = ["extension_withdrawn"] if it.extension else []
    if it.early and it.early[0] == by:
        withdrawn.append("early_end_withdrawn")
    return [*withdrawn, "leaving"]


def _rate(it: Ledger, by: str, subject: str, stars: int, now: float) -> Expected:
    if not 1 <= stars <= 5:
        return "RatingInvalid"
    if by != CLIENT:
        return "NotPermitted"
    if it.state != "ended" or not it.started:
        return "NotRatable"
    return "NotRatable" if now - it.rated.get(subject, now) > 86400.0 else ["rated"]


def _in_session(it: Ledger, order: Order) -> Expected:
    match order:
        case commands.ProposeEarlyEnd():
            if it.leaving_until is not None:
                return "AlreadyLeaving"
            return "EarlyEndAlreadyProposed" if it.early else ["early_end_proposed"]
        case commands.WithdrawEarlyEnd(by):
            if it.early is None:
                return "NoEarlyEndProposed"
            return ["early_end_withdrawn"] if it.early[0] == by.value else "NotPermitted"
        case commands.AnswerEarlyEnd(by, accepted):
            if it.early is None:
                return "NoEarlyEndProposed"
            if it.early[0] == by.value:
                return "OwnEarlyEnd"
            return ["ended" if accepted else "early_end_refused"]
        case commands.ProposeExtension(_, duration_s, price):
            if it.leaving_until is not None:
                return "AlreadyLeaving"
            if it.extension is not None:
                return "ExtensionAlreadyProposed"
            fine = 10 <= duration_s <= 28800 and 0 <= price <= Decimal("9999999.99")
            return ["extension_proposed"] if fine else "ExtensionInvalid"
        case commands.WithdrawExtension():
            return ["extension_withdrawn"] if it.extension else "NoExtensionProposed"
        case commands.AnswerExtension(_, accepted):
            if it.extension is None:
                return "NoExtensionProposed"
            return ["extension_accepted" if accepted else "extension_refused"]
        case _:
            raise AssertionError(f"nothing is expected of {order}")


def ending(it: Ledger, order: Order) -> tuple[str, str] | None:
    """Reason and cause of the end that a command leads to; None: it does not end anything."""
    before = it.state == "accepted"
    match order:
        case commands.Leave(by):
            if before:
                return "did_not_start", by.value
            if it.leaving_until is not None:
                return it.leaves_for or "", SPECIALIST
            return ("client_left", CLIENT) if by.value == CLIENT else None
        case commands.AnswerEarlyEnd(by, True):
            return "early_end_agreed", by.value
        case commands.EndByOperator():
            return "did_not_start" if before else "operator", "operator"
        case _:
            return None
