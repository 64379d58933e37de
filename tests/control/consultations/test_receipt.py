"""What a receipt says of a consultation, and to whom."""

from decimal import Decimal
from typing import Any

import pytest
import rfc8785

from control.consultations.commands import (
    Accept,
    AnswerExtension,
    Command,
    Decline,
    EndByOperator,
    Heard,
    Leave,
    ProposeExtension,
    Rate,
    ServiceInterrupted,
    perform,
)
from control.consultations.consultation import Change, Consultation
from control.consultations.deadlines import due
from control.consultations.journal import Entry, entry
from control.consultations.parties import Actor, Role
from control.consultations.ratings import Subject
from control.consultations.receipt import receipt
from control.consultations.requests import request
from control.consultations.states import State
from control.errors import NotInThisState
from tests.control.consultations.cases import (
    ACCEPTED_AT,
    ASKED_AT,
    CLIENT,
    IVAN,
    MARIA,
    SPECIALIST,
    STARTED_AT,
    TERMS,
    in_state,
)


class Story:
    """A consultation with its journal."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.consultation = self._take(
            request(
                "c1",
                MARIA,
                IVAN,
                TERMS,
                "Резултати",
                specialist_online=True,
                others=[],
                now=ASKED_AT,
            )[0]
        )

    def _take(self, change: Change) -> Consultation:
        self.entries += [entry(event) for event in change.events]
        return change.consultation

    def then(self, at: float, *commands: Command) -> "Story":
        """These commands at ``at``."""
        for command in commands:
            self.consultation = self._take(perform(self.consultation, command, at))
        return self

    def due(self, now: float) -> "Story":
        """Time passes until ``now``."""
        self.consultation = self._take(due(self.consultation, now))
        return self

    def heard(self, first: float, last: float, *roles: Role) -> "Story":
        """Packets of these roles every second."""
        now = first
        while now <= last:
            self.then(now, *(Heard(role, now) for role in roles))
            now += 1
        return self

    def receipt(self, issued_to: Actor = Actor.CLIENT) -> dict[str, Any]:
        """The receipt now."""
        return receipt(self.consultation, self.entries, issued_to)


def started() -> Story:
    """Both were connected at STARTED_AT."""
    return Story().then(ACCEPTED_AT, Accept(SPECIALIST)).heard(STARTED_AT, STARTED_AT, *Role)


def rated() -> Story:
    """A client who left, and rated both."""
    story = started().then(STARTED_AT + 1, Leave(CLIENT))
    story.then(STARTED_AT + 10, Rate(CLIENT, Subject.SPECIALIST, 5, "Чудесно"))
    return story.then(STARTED_AT + 11, Rate(CLIENT, Subject.TECHNICAL, 2, "Картината спира"))


def test_a_whole_session() -> None:
    story = started().heard(STARTED_AT + 1, STARTED_AT + 60, *Role)
    story.then(STARTED_AT + 60.5, ProposeExtension(SPECIALIST, 600, Decimal("15")))
    story.then(STARTED_AT + 60.5, AnswerExtension(CLIENT, accepted=True))
    # The client is away for ten seconds, the service for thirty.
    story.heard(STARTED_AT + 61, STARTED_AT + 70, SPECIALIST)
    story.heard(STARTED_AT + 71, STARTED_AT + 100, *Role)
    story.then(STARTED_AT + 130, ServiceInterrupted(since=STARTED_AT + 100))
    story.heard(STARTED_AT + 131, STARTED_AT + 140, *Role)
    story.then(STARTED_AT + 140, EndByOperator("по тяхна молба"))
    told = story.receipt(Actor.OPERATOR)
    assert told["terms"] == {
        "duration_s": 1800,
        "price": "40.00",
        "currency": "EUR",
        "takes_video": True,
    }
    assert told["extensions"] == [
        {"duration_s": 600, "price": "15.00", "accepted_at": STARTED_AT + 60.5}
    ]
    assert told["end"] == {
        "reason": "operator",
        "by": "operator",
        "detail": "по тяхна молба",
    }
    assert told["paid_intervals"] == [
        {"began_at": STARTED_AT, "stopped_at": STARTED_AT + 60},
        {"began_at": STARTED_AT + 71, "stopped_at": STARTED_AT + 100},
        {"began_at": STARTED_AT + 131, "stopped_at": STARTED_AT + 140},
    ]
    assert told["paid_s"] == 60 + 29 + 9
    assert told["reconnect_gaps"] == [
        {"participant": "client", "began_at": STARTED_AT + 64, "ended_at": STARTED_AT + 71},
        {"participant": None, "began_at": STARTED_AT + 100, "ended_at": STARTED_AT + 131},
    ]
    assert told["ratings"] == {"specialist": None, "technical": None}
    assert told["quality"] is None
    events = told["events"]
    assert isinstance(events, list)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[0] == {
        "seq": 1,
        "at": ASKED_AT,
        "type": "requested",
        "by": "client",
        "data": {"purpose": "Резултати", "terms": told["terms"]},
    }
    assert rfc8785.dumps(told)


def test_a_drop_closes_its_gap_at_the_end() -> None:
    story = started().heard(STARTED_AT + 1, STARTED_AT + 15, CLIENT).due(STARTED_AT + 15.3)
    told = story.receipt()
    (gap,) = told["reconnect_gaps"]
    assert gap["participant"] == "specialist"
    assert gap["ended_at"] == story.consultation.ended_at
    assert told["paid_s"] == 0


def test_a_receipt_only_grows() -> None:
    story = started().then(STARTED_AT + 1, Leave(CLIENT))
    before = story.receipt()
    story.then(STARTED_AT + 10, Rate(CLIENT, Subject.SPECIALIST, 5, "Чудесно"))
    after = story.receipt()
    assert after["events"][: len(before["events"])] == before["events"]
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"events", "ratings"}
    assert after["ratings"] == {
        "specialist": {"stars": 5, "comment": "Чудесно", "given_at": STARTED_AT + 10},
        "technical": None,
    }


def test_the_specialist_is_not_told_who_gave_how_many_stars() -> None:
    story = rated()
    told = story.receipt(Actor.SPECIALIST)
    assert told["ratings"] is None
    assert "Чудесно" not in str(told)
    assert [event["data"] for event in told["events"] if event["type"] == "rated"] == [
        {"subject": "specialist"},
        {"subject": "technical"},
    ]
    assert "Чудесно" in str(story.receipt(Actor.CLIENT))
    assert told["issued_to"] == "specialist"


def test_a_request_that_came_to_nothing_has_one_too() -> None:
    told = Story().then(ACCEPTED_AT, Decline(SPECIALIST, "Зает съм")).receipt()
    assert (told["state"], told["end"], told["paid_s"]) == ("declined", None, 0)
    assert [event["type"] for event in told["events"]] == [
        "requested",
        "declined",
    ]


@pytest.mark.parametrize("state", State)
def test_only_what_is_over_has_a_receipt(state: State) -> None:
    consultation = in_state(state)
    if consultation.is_open:
        with pytest.raises(NotInThisState):
            receipt(consultation, [], Actor.CLIENT)
    else:
        assert receipt(consultation, [], Actor.CLIENT)["state"] == state.value
