"""What holds whatever people, lines and machines do, in any order."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any

import hypothesis.strategies as st
from hypothesis import given, settings

from control.adapters.records import from_row, rating_rows, to_row
from control.consultations.commands import (
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
    WithdrawEarlyEnd,
    WithdrawExtension,
    perform,
)
from control.consultations.consultation import Change, Consultation
from control.consultations.deadlines import deadline, due
from control.consultations.events import Ended, Event, Rated, Requested, Resumed
from control.consultations.journal import entry
from control.consultations.parties import Party, Role, Terms
from control.consultations.ratings import Subject
from control.consultations.requests import accept, request
from control.consultations.states import EndReason, State
from control.errors import ControlError

CLIENTS = [Party("maria", "Мария"), Party("elena", "Елена")]
SPECIALISTS = [Party("ivan", "Иван"), Party("petar", "Петър")]
# Short, so that ends meet with everything else.
TERMS = Terms(duration_s=60, price=Decimal("40.00"), currency="EUR", takes_video=True)
STARTED_AT = 1_800_000_000.0

COMMANDS: list[Command] = [
    Leave(Role.CLIENT),
    Leave(Role.SPECIALIST),
    EndByOperator("x"),
    Decline(Role.SPECIALIST),
    *(
        command
        for role in Role
        for command in (
            Cancel(role),
            ProposeEarlyEnd(role),
            WithdrawEarlyEnd(role),
            AnswerEarlyEnd(role, accepted=True),
            AnswerEarlyEnd(role, accepted=False),
            ProposeExtension(role, 10, Decimal(5)),
            ProposeExtension(role, 30, Decimal(5)),
            AnswerExtension(role, accepted=True),
            AnswerExtension(role, accepted=False),
            WithdrawExtension(role),
            Rate(role, Subject.TECHNICAL, 3, ""),
        )
    ),
]


@dataclass
class Case:
    """One consultation, who is in its room, and everything that happened to it."""

    consultation: Consultation
    there: set[Role] = field(default_factory=set)
    heard_at: dict[Role, float] = field(default_factory=dict)
    happened: list[Event] = field(default_factory=list)


class World:
    """Two clients and two specialists; control comes and goes."""

    def __init__(self) -> None:
        self.now = STARTED_AT
        self.cases: list[Case] = []

    # What people do

    def ask(self, client: Party, specialist: Party) -> None:
        """A request, if the rules take it."""
        name = str(len(self.cases))
        others = [each.consultation for each in self.cases if each.consultation.is_open]
        try:
            asked, *settled = request(
                name,
                client,
                specialist,
                TERMS,
                "Резултати",
                specialist_online=True,
                others=others,
                now=self.now,
            )
        except ControlError:
            return
        assert [type(event) for event in asked.events] == [Requested]
        self.cases.append(Case(asked.consultation, happened=list(asked.events)))
        for change in settled:
            self._take(self.cases[int(change.consultation.id)], change)

    def accept(self, place: int) -> None:
        """The specialist says yes; both usually come."""
        case = self._case(place)
        others = [each.consultation for each in self.cases if each.consultation.is_open]
        try:
            changes = accept(case.consultation, Role.SPECIALIST, others=others, now=self.now)
        except ControlError:
            return
        for change in changes:
            self._take(self.cases[int(change.consultation.id)], change)
        case.there = set(Role)

    def command(self, place: int, command: Command) -> None:
        """Anyone tries anything at any time."""
        case = self._case(place)
        refused = None
        try:
            self._take(case, perform(case.consultation, command, self.now))
        except ControlError as error:
            refused = error
        assert refused is None or (refused.code and refused.detail.endswith("."))

    # What lines and machines do

    def come_and_go(self, place: int, there: set[Role]) -> None:
        """Some lines are cut, others work again."""
        self._case(place).there = there

    def old_news(self, place: int, role: Role, ago: float) -> None:
        """A report comes twice, or out of its order."""
        case = self._case(place)
        if role in case.heard_at:
            at = case.heard_at[role] - ago
            self._take(case, perform(case.consultation, Heard(role, at), self.now))

    def wait(self, seconds: float) -> None:
        """Time passes, in which control works."""
        end = self.now + seconds
        while self.now < end:
            second = min(self.now + 1, end)
            self._settle(second)
            self.now = second
            for case in self.cases:
                for role in sorted(case.there):
                    case.heard_at[role] = self.now
                    self._take(case, perform(case.consultation, Heard(role, self.now), self.now))

    def restart(self, down_s: float, alive_ago_s: float, set_by_s: float) -> None:
        """Control is killed and started again; perhaps the clock is set meanwhile."""
        since = self.now - alive_ago_s
        self.now += down_s + set_by_s
        for case in self.cases:
            stored = to_row(case.consultation)
            stored["rest"] = json.loads(json.dumps(stored["rest"]))
            case.consultation = from_row(stored, rating_rows(case.consultation))
            case.heard_at = {}
            if case.consultation.is_open:
                change = perform(case.consultation, ServiceInterrupted(since), self.now)
                self._take(case, change)
        self._settle(self.now)

    # What holds

    def check(self) -> None:
        """All of it."""
        self.nobody_is_in_two_sessions()
        self.one_end_and_nothing_after_it()
        self.every_event_has_its_number()
        self.paid_time_is_time_of_the_session()
        self.nothing_is_overdue()

    def nobody_is_in_two_sessions(self) -> None:
        """Nor has a client two requests to one specialist."""
        open_ones = [each.consultation for each in self.cases]
        busy = [
            person
            for each in open_ones
            if each.is_joinable
            for person in (each.client.id, each.specialist.id)
        ]
        assert len(busy) == len(set(busy))
        asked = [
            (each.client.id, each.specialist.id)
            for each in open_ones
            if each.state is State.REQUESTED and each.accept_by > self.now
        ]
        assert len(asked) == len(set(asked))

    def one_end_and_nothing_after_it(self) -> None:
        """But ratings."""
        for case in self.cases:
            ends = [n for n, event in enumerate(case.happened) if isinstance(event, Ended)]
            assert len(ends) == (1 if case.consultation.state is State.ENDED else 0)
            assert (case.consultation.end is not None) == bool(ends)
            for n in ends:
                assert all(isinstance(event, Rated) for event in case.happened[n + 1 :])

    def every_event_has_its_number(self) -> None:
        """And can be told."""
        for case in self.cases:
            assert case.consultation.seq == len(case.happened)
            for event in case.happened[-3:]:
                json.dumps(dict(entry(event).data))

    def paid_time_is_time_of_the_session(self) -> None:
        """Its intervals follow each other, and their sum is within what was agreed."""
        for case in self.cases:
            consultation = case.consultation
            paid = consultation.paid
            assert all(each.began_at <= each.stopped_at for each in paid)
            assert all(one.stopped_at <= next_.began_at for one, next_ in pairwise(paid))
            agreed_s = TERMS.duration_s + sum(each.duration_s for each in consultation.extensions)
            paid_s = consultation.paid_s(self.now)
            assert 0 <= paid_s <= agreed_s + 1e-3
            if consultation.started_at is None:
                assert paid_s == 0
            else:
                assert consultation.ends_at is not None
                gaps_s = self._gaps_s(case)
                assert (
                    abs(consultation.ends_at - consultation.started_at - agreed_s - gaps_s) < 1e-3
                )
            if consultation.end is not None and consultation.end.reason is EndReason.DID_NOT_START:
                assert paid_s == 0

    def nothing_is_overdue(self) -> None:
        """What is open has a deadline, and it lies ahead."""
        for case in self.cases:
            at = deadline(case.consultation)
            assert (at is not None) == case.consultation.is_open
            if at is not None:
                assert at > self.now or due(case.consultation, self.now).events

    # How it works

    def _case(self, place: int) -> Case:
        """One of the last few."""
        return self.cases[-1 - place % min(len(self.cases), 6)]

    def _settle(self, until: float) -> None:
        for case in self.cases:
            while (at := deadline(case.consultation)) is not None and at <= until:
                change = due(case.consultation, max(at, self.now))
                assert change.consultation != case.consultation
                self._take(case, change)

    def _take(self, case: Case, change: Change) -> None:
        case.consultation = change.consultation
        case.happened += change.events
        for event in change.events:
            if isinstance(event, Ended) and event.reason is EndReason.SPECIALIST_CONNECTION_LOST:
                self._check_drop(case, event)

    def _check_drop(self, case: Case, dropped: Ended) -> None:
        """No drop is declared before 15 s of true silence, nor one that is older than 15.5 s."""
        link = case.consultation.links[Role.SPECIALIST]
        assert link.silent_from is not None
        assert 15.0 < dropped.at - link.silent_from <= 15.5
        if Role.SPECIALIST in case.heard_at:
            assert dropped.at - case.heard_at[Role.SPECIALIST] > 15.0

    @staticmethod
    def _gaps_s(case: Case) -> float:
        """By how much interruptions have moved the end, from the events alone."""

        def ends() -> Iterator[tuple[Event, float]]:
            for event in case.happened:
                ends_at: Any = getattr(event, "ends_at", None)
                if ends_at is not None and entry(event).type != "leaving":
                    yield event, ends_at

        moves = pairwise(ends())
        return sum(
            after - before for (_, before), (event, after) in moves if type(event) is Resumed
        )


def step(world: World, chance: Random) -> None:
    """Something happens."""
    place = chance.randrange(6)
    match chance.randrange(12):
        case 0:
            world.ask(chance.choice(CLIENTS), chance.choice(SPECIALISTS))
        case 1:
            world.accept(place)
        case 2 | 3 | 4:
            world.command(place, chance.choice(COMMANDS))
        case 5:
            world.come_and_go(place, {role for role in Role if chance.random() < 0.5})
        case 6 | 7:
            world.come_and_go(place, set(Role))
        case 8:
            world.old_news(place, chance.choice(list(Role)), 30 * chance.random())
        case 9:
            set_by_s = chance.choice([0.0, 0.0, -500.0])
            world.restart(150 * chance.random(), chance.random(), set_by_s)
        case _:
            world.wait(chance.choice([1.0, 5.0, 20.0]) * (1 + chance.random()))


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_whatever_happens(seed: int) -> None:
    chance = Random(seed)
    world = World()
    world.ask(CLIENTS[0], SPECIALISTS[0])
    world.accept(0)
    world.wait(1)
    for _ in range(40):
        step(world, chance)
        world.check()
