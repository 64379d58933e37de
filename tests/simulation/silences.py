"""What the node told of the two, and since when the silence of each counts."""

from tests.simulation.rule import CLIENT, EPS, SPECIALIST, hold


class Silences:
    """Of one consultation. Times by control's clock; nothing of this is stored."""

    def __init__(self, client_drop_after_s: float | None, announces: bool) -> None:
        self._client_drop_after_s = client_drop_after_s
        # Whether a specialist's drop is announced, and does not end the session at once.
        self.announces = announces
        # False once the specialist has said that they leave: nobody is waited for then.
        self.are_judged = True
        self.forget()

    def forget(self) -> None:
        """Control was restarted."""
        self.heard: dict[str, float | None] = {CLIENT: None, SPECIALIST: None}
        # Whose drop was announced: nothing of theirs counts any more.
        self.dropped: set[str] = set()
        self.calm()

    def calm(self) -> None:
        """Nobody's silence counts, until they are heard again."""
        self.since: dict[str, float | None] = {CLIENT: None, SPECIALIST: None}
        self.told = {CLIENT: False, SPECIALIST: False}
        self.connected = {CLIENT: False, SPECIALIST: False}

    def resume(self, now: float) -> None:
        """That of both counts from now on."""
        self.since = {CLIENT: now, SPECIALIST: now}

    def hear(self, role: str, at: float) -> None:
        """A packet of theirs, newer than those before."""
        self.heard[role] = at
        self.since[role] = max(at, self.since[role] or 0.0)
        self.connected[role] = True

    def drop(self, role: str, heard: float | None, since: float | None) -> None:
        """Too long silent. What they were heard of before counts, not what came too late."""
        self.heard[role], self.since[role], self.connected[role] = heard, since, False
        self.dropped.add(role)

    def drop_after_s(self, role: str) -> float | None:
        """After how much silence the session ends; None: it does not."""
        if not self.are_judged:
            return None
        return 15.0 if role == SPECIALIST else self._client_drop_after_s

    @property
    def known(self) -> list[float]:
        """Since when each counts whose silence does."""
        return [each for each in self.since.values() if each is not None]

    @property
    def last_packets(self) -> list[float]:
        """Of each who was heard at all."""
        return [each for each in self.heard.values() if each is not None]

    def are_together(self) -> bool:
        """Whether both fell silent within 2 s."""
        known = self.known
        return len(known) == 2 and max(known) - min(known) <= 2.0 + EPS

    def are_both_heard_within(self, now: float, seconds: float) -> bool:
        """Whether a packet of each came in the last ``seconds``."""
        one, other = self.heard[CLIENT], self.heard[SPECIALIST]
        return (
            one is not None
            and other is not None
            and now - one <= seconds
            and now - other <= seconds
        )

    def overslept(self, now: float, before: float = float("inf")) -> bool:
        """Whether a verdict was due more than 0.5 s ago, and ``before`` that: nobody listened."""
        for role, silent in self.since.items():
            after = self.drop_after_s(role)
            if silent is None or after is None:
                continue
            if silent + after + 0.1 < before and now > silent + after + 0.5:
                return True
        return False

    def is_verdict_due(self, now: float) -> bool:
        """Whether one that ends the session is, though nobody may have spoken it yet."""
        for role, silent in self.since.items():
            after = self.drop_after_s(role)
            ends = after is not None and not (self.announces and role == SPECIALIST)
            if ends and silent is not None and now >= silent + (after or 0.0) + 0.1:
                return True
        return False

    def is_interruption_due(self, now: float, before: float) -> bool:
        """Whether, before ``before``, both vanished or a verdict was overslept.

        Of that nobody may have told yet.
        """
        if not self.are_judged:
            return False
        if self.are_together():
            both = max(self.known) + 4.0
            if both <= now and both < before:
                return True
        return self.overslept(now, before)

    def standing(self, now: float) -> None:
        """Of an active session: nothing that was due is missing."""
        for role, silent in self.since.items():
            if silent is None or role in self.dropped:
                continue
            hold(self.told[role] or now < silent + 4.0 + EPS, "a silence is told in time")
            after = self.drop_after_s(role)
            if after is not None:
                hold(now < silent + after + 0.1 + EPS, "the verdict is spoken in time")
        if self.are_judged and all(self.told.values()):
            known = self.known
            far = len(known) < 2 or max(known) - min(known) > 2.0 - EPS
            hold(far or not self.are_together(), "both vanished: nobody's silence")
