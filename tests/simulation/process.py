"""The process of control: it lives, stands still, is killed and comes up again."""

from collections.abc import Callable

from control.adapters.steady_clock import SteadyClock
from control.consultations.consultation import Consultation
from control.consultations.policy import Policy
from tests.simulation.agenda import Agenda
from tests.simulation.checker import Checker
from tests.simulation.shell import RETRY_S, Control
from tests.simulation.store import Away, Killed, Store

# A beat, each second, that is late by 5 s.
MISSED_AFTER_S = 6.0


class Process:
    """One life of ``control`` after another, around the same database."""

    def __init__(self, agenda: Agenda, policy: Policy, checker: Checker) -> None:
        self._agenda = agenda
        self._policy = policy
        self._checker = checker
        self.store = Store()
        # None: it is down.
        self.control: Control | None = None
        # The machine's clock against the world's.
        self.wall_ahead_s = 0.0
        # Until when it stands still, the database is away, the node's reports are held up.
        self.stalled_until = self.away_until = self.held_up_until = 0.0
        # Killed "before" or "after" the next transaction.
        self.next_kill: str | None = None
        self._started_at = 0.0
        # When it was last alive for sure, by the world's time; None: never yet.
        self._alive_true: float | None = None
        self._lateness_s = 0.0
        # When its last beat was, if it stood still after that and has not yet said so.
        self._missed_since: float | None = None
        # When it tries again to say that, by itself.
        self._retry_at = 0.0

    # Its lives.

    def start(self) -> None:
        """Come up; without the database, which tells what was open, try again and again."""
        agenda = self._agenda
        clock = SteadyClock(lambda: agenda.now + self.wall_ahead_s, lambda: agenda.now)
        self._checker.shift = clock() - agenda.now
        control = Control(self.store, clock, self._policy, self._checker, self._transaction)
        self._started_at = agenda.now
        self._missed_since = None
        try:
            if self._alive_true is not None:
                control.load(self._alive_true)
        except Away:
            agenda.faults["database away"] += 1
            agenda.after(RETRY_S, self.start)
            return
        self.control = control

    def end(self, orderly: bool = False) -> None:
        """Stopped in good order, or killed."""
        if self.control is not None:
            now, started = self._agenda.now, self._started_at
            # The heart beats once a second, and when control is stopped in good order.
            beat = now if orderly else started + int(now - started)
            if now < self.stalled_until:
                beat = min(beat, max(self.stalled_until, started))
            self._alive_true = max(self._alive_true or 0.0, beat)
            self.store.alive_at = self._alive_true + self._checker.shift
        self._agenda.faults["control stopped" if orderly else "control killed"] += 1
        self.control = None

    def _transaction(self, done: bool) -> None:
        if not done and self._agenda.now < self.away_until:
            raise Away
        if self.next_kill == ("after" if done else "before"):
            self.next_kill = None
            raise Killed

    def set_clock_right(self) -> None:
        """The machine's clock is again as it was when control came up."""
        self.wall_ahead_s = self._checker.shift

    def stand_still(self, seconds: float) -> None:
        """From now on."""
        now = self._agenda.now
        if self._missed_since is None:
            self._missed_since = max(now - self._agenda.random.random(), self._started_at)
        self.stalled_until = max(self.stalled_until, now + seconds)

    def _after_standstill(self, control: Control) -> None:
        """First of all: when beats were missed nobody listened meanwhile."""
        since = self._missed_since
        if since is None:
            return
        now = self._agenda.now
        if now - since > MISSED_AFTER_S:
            self._retry_at = now + RETRY_S
            control.stood_still(since + self._checker.shift, since)
        self._missed_since = None

    # What it does by itself.

    @property
    def due_at(self) -> float | None:
        """When it looks at the clock next, by the world's time."""
        control = self.control
        if control is None or control.next_at is None:
            return None
        at = control.next_at - self._checker.shift + self._lateness_s
        if at < self.stalled_until:
            # After standing still the reports that wait in line are read first.
            at = self.stalled_until + 0.25
        return at if self._missed_since is None else max(at, self._retry_at)

    def look(self) -> None:
        """Carry out what is due."""
        assert self.control is not None
        self._after_standstill(self.control)
        self.control.faulty = self.is_disturbed
        self.control.run_due()
        if self._agenda.now - self._well_since > 2.0:
            self._checker.punctual(self.control.clock())
        late = self._agenda.random.random()
        self._lateness_s = late * 0.02 if late < 0.95 else late * 0.24

    # What it is told.

    @property
    def is_disturbed(self) -> bool:
        """Whether a step that is taken now is one with a fault."""
        now = self._agenda.now
        return now - self._well_since < 1.0 or now < self.held_up_until

    @property
    def _well_since(self) -> float:
        return max(self.stalled_until, self.away_until, self._started_at)

    def message(self, what: Callable[[Control], object], faulty: bool) -> Callable[[], None]:
        """Delivers one: while it stands still messages wait, while it is down they are lost."""

        def deliver() -> None:
            control, now = self.control, self._agenda.now
            if control is None:
                return
            if now < self.stalled_until:
                self._agenda.after(self.stalled_until - now, deliver)
                return
            self._after_standstill(control)
            control.faulty = faulty or self.is_disturbed
            what(control)

        return deliver

    def lose_room(self, room: Consultation, ago_s: float) -> None:
        """It hears that the node of this room is gone since then."""
        assert self.control is not None
        self._after_standstill(self.control)
        shift = self._checker.shift
        began = room.requested_at if room.started_at is None else room.started_at
        since = max(self.control.clock() - ago_s, began, self._started_at + shift)
        self.control.interrupted(room.id, since, since - shift)
