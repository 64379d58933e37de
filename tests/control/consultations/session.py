"""A session in simulated time: who is there is heard each second, and what is due happens."""

from dataclasses import dataclass, field

from control.consultations.commands import Command, Heard, perform
from control.consultations.consultation import Change, Consultation
from control.consultations.deadlines import deadline, due
from control.consultations.events import Event
from control.consultations.parties import Role
from control.consultations.policy import PLATFORM, Policy
from tests.control.consultations.cases import STARTED_AT, active


@dataclass
class Session:
    """It has just started; both are there. ``at`` and ``seconds`` count from its start."""

    consultation: Consultation = field(default_factory=active)
    policy: Policy = PLATFORM
    now: float = STARTED_AT
    there: set[Role] = field(default_factory=lambda: set(Role))
    happened: list[Event] = field(default_factory=list)

    def until(self, seconds: float) -> "Session":
        """Let time pass until so many seconds after the start."""
        end = STARTED_AT + seconds
        while self.now < end:
            # Reports come at whole seconds, and what is due before one happens before it.
            second = STARTED_AT + int(self.now - STARTED_AT) + 1
            self._sleep(min(second, end))
            if self.now == second:
                for role in sorted(self.there):
                    self.do(Heard(role, self.now))
        return self

    def do(self, *commands: Command) -> "Session":
        """Carry these out now."""
        for command in commands:
            self._take(perform(self.consultation, command, self.now, self.policy))
        return self

    def vanish(self, *roles: Role) -> "Session":
        """From now on nothing more is heard of these."""
        self.there -= set(roles)
        return self

    def come_back(self, *roles: Role) -> "Session":
        """They are heard now and from now on."""
        self.there |= set(roles)
        return self.do(*(Heard(role, self.now) for role in roles))

    def of(self, *types: type[Event]) -> list[Event]:
        """What happened, of these types, in order."""
        return [event for event in self.happened if isinstance(event, types)]

    def _sleep(self, end: float) -> None:
        while (at := deadline(self.consultation, self.policy)) is not None and at <= end:
            self.now = max(self.now, at)
            self._take(due(self.consultation, self.now, self.policy))
        self.now = end

    def _take(self, change: Change) -> None:
        assert change.consultation.seq == self.consultation.seq + len(change.events)
        self.consultation = change.consultation
        self.happened += change.events
