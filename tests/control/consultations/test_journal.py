"""Events as they are kept and told."""

import dataclasses
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import get_args

import pytest

from control.consultations import events
from control.consultations.journal import entry
from control.consultations.parties import Actor
from control.consultations.ratings import Subject
from control.consultations.states import EndReason
from tests.control.consultations.cases import CLIENT, SPECIALIST, TERMS

OFFER = {"duration_s": 600, "price": "12.50", "currency": "EUR"}
PRICE = Decimal("12.50")

# Written from the rules: each event, its name, who causes it, and what it says.
ENTRIES: list[tuple[events.Event, str, str, dict[str, object]]] = [
    (
        events.Requested(1, "Резултати", TERMS),
        "requested",
        "client",
        {
            "purpose": "Резултати",
            "terms": {
                "duration_s": 1800,
                "price": "40.00",
                "currency": "EUR",
                "takes_video": True,
            },
        },
    ),
    (events.Accepted(1), "accepted", "specialist", {}),
    (events.Declined(1, "Зает"), "declined", "specialist", {"reason": "Зает"}),
    (events.Expired(1), "expired", "service", {}),
    (events.Cancelled(1), "cancelled", "client", {}),
    (events.Withdrawn(1, Actor.OPERATOR), "withdrawn", "operator", {}),
    (events.Started(1, 9.0), "started", "service", {"ends_at": 9.0}),
    (
        events.EarlyEndProposed(1, CLIENT, 9.0),
        "early_end_proposed",
        "client",
        {"lapses_at": 9.0},
    ),
    (events.EarlyEndWithdrawn(1, SPECIALIST), "early_end_withdrawn", "specialist", {}),
    (events.EarlyEndRefused(1, SPECIALIST), "early_end_refused", "specialist", {}),
    (events.EarlyEndLapsed(1), "early_end_lapsed", "service", {}),
    (
        events.ExtensionProposed(1, 600, PRICE, "EUR", 9.0),
        "extension_proposed",
        "specialist",
        {**OFFER, "lapses_at": 9.0},
    ),
    (
        events.ExtensionAccepted(1, 600, PRICE, "EUR", 9.0),
        "extension_accepted",
        "client",
        {**OFFER, "ends_at": 9.0},
    ),
    (events.ExtensionRefused(1), "extension_refused", "client", {}),
    (events.ExtensionWithdrawn(1), "extension_withdrawn", "specialist", {}),
    (events.ExtensionLapsed(1), "extension_lapsed", "service", {}),
    (
        events.LeavingAnnounced(1, SPECIALIST, 11.0),
        "leaving",
        "specialist",
        {"ends_at": 11.0, "reason": "specialist_left"},
    ),
    (
        events.ReconnectingBegan(1, CLIENT, None),
        "reconnecting",
        "service",
        {"participant": "client", "drop_at": None},
    ),
    (events.Reconnected(1, CLIENT), "reconnected", "service", {"participant": "client"}),
    (events.Interrupted(1, 0.5), "interrupted", "service", {"since": 0.5}),
    (events.Resumed(1, 9.0), "resumed", "service", {"ends_at": 9.0}),
    (events.FlowBegan(1), "flow_began", "service", {}),
    (
        events.FlowStopped(1, 0.5, 0.5),
        "flow_stopped",
        "service",
        {"began_at": 0.5, "paid_s": 0.5},
    ),
    (
        events.Ended(1, EndReason.OPERATOR, Actor.OPERATOR, "Оплакване"),
        "ended",
        "operator",
        {"reason": "operator", "detail": "Оплакване"},
    ),
    (
        events.Rated(1, Subject.TECHNICAL, 4, ""),
        "rated",
        "client",
        {"subject": "technical", "stars": 4, "comment": ""},
    ),
    (
        events.QualityMeasured(1, {"legs": {}, "verdict": {}}),
        "quality",
        "service",
        {"legs": {}, "verdict": {}},
    ),
]

FRONTEND = Path(__file__).parents[3] / "docs" / "frontend.md"


@pytest.mark.parametrize("case", ENTRIES, ids=lambda case: case[1])
def test_an_event_as_it_is_told(case: tuple[events.Event, str, str, dict[str, object]]) -> None:
    event, name, by, data = case
    told = entry(event)
    assert (told.type, told.at, told.by, dict(told.data)) == (name, 1, by, data)
    assert isinstance(told.by, Actor)
    assert json.loads(json.dumps(told.data)) == data


def test_every_event_is_among_them_and_has_a_name_of_its_own() -> None:
    assert {type(event) for event, *_ in ENTRIES} == set(get_args(events.Event))
    assert len({name for _, name, *_ in ENTRIES}) == len(ENTRIES)


def test_events_are_values() -> None:
    for kind in get_args(events.Event):
        assert dataclasses.fields(kind)[0].name == "at"
        assert kind.__dataclass_params__.frozen


def test_the_documentation_has_a_table_of_them_all() -> None:
    """``| `type` | by, by | `member`, `member` | …``, in the order of the code."""
    page = FRONTEND.read_text(encoding="utf-8")
    table = page[page.index("| type | by | data |") :].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:]] for line in table.splitlines()[2:]]
    assert [name.strip("`") for name, *_ in rows] == [name for _, name, *_ in ENTRIES]
    for (_, _, by, data), (_, causes, members, *_) in zip(ENTRIES, rows, strict=True):
        assert by in causes.split(", ")
        assert set(causes.split(", ")) <= set(Actor)
        assert re.findall(r"`(\w+)`", members) == list(data)
