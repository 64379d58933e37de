"""The database: transactions are whole or not at all, and only what is written survives."""

import json
from collections.abc import Sequence
from typing import Any

from control.adapters.records import from_row, rating_rows, to_row
from control.consultations.consultation import Change, Consultation
from control.consultations.journal import entry
from tests.simulation.rule import JOINABLE, OPEN, hold

# A user and their key; what was asked under it, and the consultation that this was about.
Answer = tuple[tuple[str, str], tuple[object, str]]


class Away(Exception):
    """The database does not answer; nothing was stored."""


class Killed(Exception):
    """Control was killed just here."""


class Store:
    """Refuses what the tables' unique indexes refuse."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, Any]] = {}
        self._ratings: dict[str, list[dict[str, Any]]] = {}
        self.events: dict[str, list[tuple[int, str]]] = {}
        # What was asked under a user's key, and of which consultation.
        self.answers: dict[tuple[str, str], tuple[object, str]] = {}
        # When control was last alive, by its clock of then.
        self.alive_at = 0.0

    def write(
        self,
        changes: Sequence[Change],
        answer: Answer | None = None,
    ) -> None:
        """One transaction."""
        # Who is free again is so before they are in another session.
        for after, events in sorted(changes, key=_place):
            self._rows[after.id] = to_row(after)
            self._ratings[after.id] = rating_rows(after)
            told = self.events.setdefault(after.id, [])
            for seq, event in enumerate(events, after.seq - len(events) + 1):
                hold(seq == len(told) + 1, "event numbers have neither gaps nor doubles")
                written = entry(event)
                told.append((seq, written.type))
                hold(type(json.dumps(dict(written.data))) is str, "events are JSON")
            self._unique(after.id)
        if answer is not None:
            user_and_key, what = answer
            hold(user_and_key not in self.answers, "a key is obeyed once")
            self.answers[user_and_key] = what

    def _unique(self, id_: str) -> None:
        row = self._rows[id_]
        if row["state"] not in OPEN:
            return
        for other in self._rows.values():
            if other is row or other["state"] not in OPEN:
                continue
            same = (
                other["client_id"] == row["client_id"],
                (other["specialist_id"] == row["specialist_id"]),
            )
            if row["state"] == other["state"] == "requested":
                hold(not all(same), "the database has one open request for each pair")
            elif row["state"] in JOINABLE and other["state"] in JOINABLE:
                hold(not any(same), "the database has one session for each user")

    def open(self) -> list[Consultation]:
        """Everything that something can still happen to by itself, as it was written."""
        return [self.get(id_) for id_, row in self._rows.items() if row["state"] in OPEN]

    def get(self, id_: str) -> Consultation:
        """As it was written: nothing else is left of it."""
        row, ratings = json.loads(json.dumps((self._rows[id_], self._ratings[id_])))
        return from_row(row, ratings)


def _place(change: Change) -> int:
    state = change.consultation.state.value
    return 0 if state not in OPEN else 1 if state in JOINABLE else 2
