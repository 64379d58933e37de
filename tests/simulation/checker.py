"""Watches every step that control takes: each must follow from the rules, and none be missing."""

from collections import Counter, deque
from collections.abc import Sequence
from copy import deepcopy

from control.consultations.commands import Accept, Order, Withdraw
from control.consultations.consultation import Change, Consultation
from control.consultations.deadlines import due
from control.consultations.journal import entry
from control.consultations.policy import DropAction, Policy
from tests.simulation.agreement import agrees, links_agree
from tests.simulation.expected import ending, expected
from tests.simulation.ledger import Ledger
from tests.simulation.rule import JOINABLE, OPEN, hold
from tests.simulation.step import Step

# So many of the last steps are told with a broken rule.
MOST_TOLD = 40
# Control that lives and can store carries out within this what is due.
PROMPT_S = 0.35
ENDS = ("declined", "expired", "cancelled", "withdrawn", "ended")


class Checker:
    """``shift`` is how far control's clock is ahead of the world's; ``well_since`` since when
    (by control's clock) control lives, listens and can store.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.ledgers: dict[str, Ledger] = {}
        self.shift = 0.0
        self.well_since = 0.0
        self.told: deque[tuple[object, ...]] = deque(maxlen=MOST_TOLD)
        self.refused: Counter[str] = Counter()
        # By user, the consultation they are in; by pair, the open request.
        self._session: dict[str, str] = {}
        self._request: dict[tuple[str, str], str] = {}

    @property
    def anything_open(self) -> bool:
        """Whether something has not come to its end."""
        return any(each.state in OPEN for each in self.ledgers.values())

    def requested(
        self,
        now: float,
        client: str,
        specialist: str,
        possible: bool,
        outcome: Sequence[Change] | str,
        faulty: bool,
    ) -> None:
        """Somebody asked, or was refused by this error. ``possible``: online, takes video.

        The request comes first among the changes; others made room for it.
        """
        self.told.append((now, "request", client, specialist, outcome))
        busy = self._busy(client, now), self._busy(specialist, now)
        asked = self._request.get((client, specialist))
        waits = asked is not None and now < self.ledgers[asked].accept_by
        if isinstance(outcome, str):
            right = {
                "SpecialistOffline": not possible,
                "VideoNotTaken": not possible,
                "RequestAlreadyOpen": waits,
                "ClientBusy": busy[0],
                "SpecialistBusy": busy[1],
            }
            hold(right.get(outcome, False), f"refused with {outcome}")
            self.refused[outcome] += 1
            if waits:
                assert asked is not None
                self.ledgers[asked].count(faulty)
            return
        hold(possible, "nobody is asked who is offline or takes no video")
        hold(not waits, "one open request for each pair")
        hold(not any(busy), "nobody in a session asks or is asked")
        self._beside(now, {client, specialist}, outcome[1:], faulty)
        it = outcome[0].consultation
        hold(it.id not in self.ledgers, "an id is used once")
        ledger = Ledger(
            it.id,
            client,
            specialist,
            it.terms.duration_s,
            self._policy.client.drop_after_s,
            announces=self._policy.specialist.on_drop is DropAction.ANNOUNCE,
        )
        self.ledgers[it.id] = ledger
        self._taken(ledger, outcome[0], now, Step("command", after=it), faulty)

    def obeyed(
        self, now: float, before: Consultation, order: Order, changes: Sequence[Change], fault: bool
    ) -> None:
        """A command was carried out; ``changes`` begin with its own, others fell with it."""
        self.told.append((now, before.id, order, changes))
        ledger = self.ledgers[before.id]
        kind = "withdraw" if isinstance(order, Withdraw) else "command"
        self._beside(now, {ledger.client, ledger.specialist}, changes[1:], fault)
        self._command(ledger, before, order, changes[0], now, kind, fault)
        if isinstance(order, Accept):
            for theirs in self.ledgers.values():
                if theirs.state == "requested" and now < theirs.accept_by:
                    shared = {theirs.client, theirs.specialist} & {ledger.client, ledger.specialist}
                    hold(not shared, "the other requests of both fall with an acceptance")

    def _beside(
        self, now: float, people: set[str], changes: Sequence[Change], faulty: bool
    ) -> None:
        for other in changes:
            theirs = self.ledgers[other.consultation.id]
            shared = {theirs.client, theirs.specialist} & people
            hold(bool(shared), "only what the same people have changes beside a command")
            step = Step("withdraw", after=other.consultation)
            self._taken(theirs, other, now, step, faulty)

    def _command(
        self,
        ledger: Ledger,
        before: Consultation,
        order: Order,
        change: Change,
        now: float,
        kind: str,
        fault: bool,
    ) -> None:
        settled = due(before, now, self._policy).events
        events = change.events
        hold(events[: len(settled)] == settled, "what was due comes first")
        step = Step(kind, after=change.consultation)
        step.settling = True
        for event in settled:
            ledger.take(entry(event), now, step)
        step.settling = False
        wanted = expected(ledger, order, now)
        end = ending(ledger, order)
        entries = [entry(event) for event in events[len(settled) :]]
        for each in entries:
            ledger.take(each, now, step)
            hold(each.at == now or each.type == "flow_stopped", "a command is carried out now")
            if each.type == "ended":
                hold((each.data["reason"], each.by.value) == end, f"ends as {end}")
        got = [each.type for each in entries if each.type != "flow_stopped"]
        hold(got == wanted, f"{type(order).__name__}: {wanted}, not {got}")
        self._settled(ledger, change.consultation, now, fault, fresh=False)

    def refused_with(
        self,
        now: float,
        before: Consultation,
        role: str | None,
        order: Order | None,
        error: str,
        faulty: bool,
    ) -> None:
        """A command was refused and has changed nothing. ``role``: None for a stranger."""
        self.told.append((now, before.id, role, order, error))
        ledger = self.ledgers[before.id]
        self.refused[error] += 1
        ledger.count(faulty)
        if order is None:
            hold(role is None and error == "NotFound", "a stranger finds nothing")
            return
        settled = due(before, now, self._policy)
        trial = deepcopy(ledger) if settled.events else ledger
        step = Step("due", after=settled.consultation)
        for event in settled.events:
            trial.take(entry(event), now, step)
        wanted = expected(trial, order, now)
        if isinstance(order, Accept) and wanted == ["accepted"]:
            busy = {
                "ClientBusy": self._busy(ledger.client, now),
                "SpecialistBusy": self._busy(ledger.specialist, now),
            }
            hold(busy.get(error, False), f"refused with {error}")
            return
        hold(wanted == error, f"{type(order).__name__} of {role}: {wanted}, not {error}")

    def replayed(self, now: float, before: Consultation, refusal: str | None, faulty: bool) -> None:
        """Under a used key something came again, or was refused for being another thing."""
        self.told.append((now, before.id, "used key", refusal))
        if refusal is not None:
            self.refused[refusal] += 1
        ledger = self.ledgers[before.id]
        agrees(ledger, before)
        ledger.count(faulty)

    def heard(
        self, now: float, before: Consultation, role: str, at: float, change: Change, faulty: bool
    ) -> None:
        """The node's report of a packet."""
        self.told.append((now, before.id, role, at, change.events))
        ledger = self.ledgers[before.id]
        at = min(at, now)
        step = Step(
            "heard",
            role,
            ledger.silences.heard[role],
            ledger.silences.since[role],
            after=change.consultation,
        )
        fresh = False
        # Too late for a verdict, nobody was listening; then the news comes after that.
        pending = ledger.overslept(now)
        if not pending:
            fresh = ledger.news(role, at, now)
        for event in change.events:
            told = entry(event)
            ledger.take(told, now, step)
            if pending and told.type == "interrupted":
                pending, fresh = False, ledger.news(role, at, now)
        hold(not pending or ledger.state == "ended", "overslept is an interruption")
        self._settled(ledger, change.consultation, now, faulty, fresh)

    def due(self, now: float, change: Change, faulty: bool) -> None:
        """Control looked at the clock."""
        ledger = self.ledgers[change.consultation.id]
        self.told.append((now, ledger.id, "due", change.events))
        self._taken(ledger, change, now, Step("due", after=change.consultation), faulty)

    def restarted(self, now: float, since: float, since_true: float, change: Change) -> None:
        """Control is back, and was last alive at ``since`` by its earlier clock."""
        ledger = self.ledgers[change.consultation.id]
        self.told.append((now, ledger.id, "restart", since, change.events))
        ledger.silences.forget()
        self._interrupted(ledger, now, since, since_true, change)

    def interrupted(self, now: float, since: float, since_true: float, change: Change) -> None:
        """Nobody listened to one room since then."""
        ledger = self.ledgers[change.consultation.id]
        self.told.append((now, ledger.id, "interrupted", since, change.events))
        self._interrupted(ledger, now, since, since_true, change)

    def _interrupted(
        self, ledger: Ledger, now: float, since: float, since_true: float, change: Change
    ) -> None:
        alive = ledger.alive(since, now)
        since_true += alive - since
        step = Step("restart", since=alive, since_true=since_true, after=change.consultation)
        self._taken(ledger, change, now, step, faulty=True)
        if ledger.state != "active":
            ledger.silences.calm()

    def _taken(self, ledger: Ledger, change: Change, now: float, step: Step, faulty: bool) -> None:
        ledger.clock(self.shift)
        for event in change.events:
            ledger.take(entry(event), now, step)
        self._settled(ledger, change.consultation, now, faulty, fresh=False)

    def _settled(
        self, ledger: Ledger, after: Consultation, now: float, faulty: bool, fresh: bool
    ) -> None:
        ledger.clock(self.shift)
        ledger.count(faulty)
        ledger.standing(now, fresh)
        agrees(ledger, after)
        if ledger.state == "active":
            links_agree(ledger.silences, after, now)
        self._occupy(ledger)

    def _occupy(self, it: Ledger) -> None:
        pair = it.client, it.specialist
        if it.state == "requested":
            hold(self._request.setdefault(pair, it.id) == it.id, "one open request for each pair")
        elif self._request.get(pair) == it.id:
            del self._request[pair]
        for user in pair:
            if it.state in JOINABLE:
                mine = self._session.setdefault(user, it.id) == it.id
                hold(mine, f"{user} is in two sessions")
            elif self._session.get(user) == it.id:
                del self._session[user]

    def _busy(self, user: str, now: float) -> bool:
        """In a session that is not over by now, even if nobody has looked yet."""
        session = self._session.get(user)
        return session is not None and not self._over(self.ledgers[session], now)

    def _over(self, it: Ledger, now: float) -> bool:
        if it.state == "accepted":
            return now >= it.start_by
        if it.interrupted is not None:
            by = it.service_by
        elif it.interruption_due(now):
            # Nobody has told it yet, but it began before the session's time was over.
            return False
        else:
            by = it.ends_at
        if it.leaving_until is not None:
            by = min(by, it.leaving_until)
        return now >= by or it.silences.is_verdict_due(now)

    def closed(self, it: Ledger, stored: Consultation, events: Sequence[tuple[int, str]]) -> None:
        """At the end of everything: what is stored is what was told."""
        hold(it.state not in OPEN, "every consultation comes to an end")
        hold([each for _, each in events] == it.events, "no event is lost, none is told twice")
        hold([seq for seq, _ in events] == list(range(1, it.seq + 1)), "numbers without a gap")
        ends = [each for each in it.events if each in ENDS]
        hold(len(ends) == 1, "exactly one end")
        hold(it.events[-1] in ("rated", *ENDS), "after the end nothing but ratings")
        agrees(it, stored)

    def punctual(self, now: float) -> None:
        """Control has just done what was due: nothing that was due may be left."""
        for it in self.ledgers.values():
            if it.state in OPEN:
                it.standing(now - PROMPT_S, fresh=False)
