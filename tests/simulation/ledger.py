"""What one consultation must look like: the rules once more, from what was told of it.

Written from docs/consultation.md, with numbers and names of its own: nothing of the rules' code is
used here. Times are Unix seconds by control's clock; names end in ``_true`` where the time is that
of the simulated world, whose clock nobody sets.
"""

from typing import Any

from control.consultations.consultation import Consultation
from control.consultations.journal import Entry

# What sums of Unix times may differ by.
EPS = 1e-5

CLIENT, SPECIALIST = "client", "specialist"
OTHER = {CLIENT: SPECIALIST, SPECIALIST: CLIENT}
JOINABLE = ("accepted", "active")
OPEN = ("requested", *JOINABLE)
# How a consultation may go on from each state; rating changes no state.
NEXT = {
    "requested": ("accepted", "declined", "expired", "cancelled"),
    "accepted": ("active", "ended"),
    "active": ("ended",),
}


class Broken(AssertionError):
    """A rule is broken."""


def hold(condition: bool, rule: str) -> None:
    """Raise Broken with the rule when the condition does not hold."""
    if not condition:
        raise Broken(rule)


class Ledger:
    """One consultation by its events, and what the node told of its participants."""

    def __init__(
        self, id_: str, client: str, specialist: str, duration_s: int, client_drop: float | None
    ) -> None:
        self.id = id_
        self.client, self.specialist = client, specialist
        self.duration_s = duration_s
        self.client_drop_after_s = client_drop
        self.state = "none"
        self.seq = 0
        self.steps = self.faulty = 0
        self.events: list[str] = []
        # How far control's clock is ahead of the world's now.
        self.shift = 0.0
        self.accept_by = self.start_by = self.ends_at = 0.0
        self.started, self.started_at, self.started_true = False, 0.0, 0.0
        # Control's clock was set since then.
        self.reset = False
        self.ended_at: float | None = None
        self.end_reason: str | None = None
        # (by, lapses_at), (duration_s, lapses_at)
        self.early: tuple[str, float] | None = None
        self.extension: tuple[int, float] | None = None
        self.extra_s = 0
        self.leaving_until: float | None = None
        self.interrupted: float | None = None
        self.since_true = self.service_by = self.gap_true_s = 0.0
        self.resumed_true = self.unpaid_true_s = 0.0
        self.flowing_since: float | None = None
        self.paid_s = self.paid_until = self.changed_at = 0.0
        self.stopped = 0
        self.rated: dict[str, float] = {}
        self.forget()

    def clock(self, shift: float) -> None:
        """Control's clock is ahead of the world's by so much now."""
        self.reset |= abs(shift - self.shift) > EPS
        self.shift = shift

    def forget(self) -> None:
        """Control was restarted: what the node told is not stored."""
        self.heard: dict[str, float | None] = {CLIENT: None, SPECIALIST: None}
        self.calm()

    def calm(self) -> None:
        """Nobody's silence counts, until they are heard again."""
        self.silent_from: dict[str, float | None] = {CLIENT: None, SPECIALIST: None}
        self.told = {CLIENT: False, SPECIALIST: False}
        self.connected = {CLIENT: False, SPECIALIST: False}

    def drop_after_s(self, role: str) -> float | None:
        """After how much silence the session ends; None: it does not."""
        if self.leaving_until is not None:
            return None
        return 15.0 if role == SPECIALIST else self.client_drop_after_s

    def together(self) -> bool:
        """Whether both fell silent within 2 s."""
        one, other = self.silent_from[CLIENT], self.silent_from[SPECIALIST]
        return one is not None and other is not None and abs(one - other) <= 2.0 + EPS

    def alive(self, since: float, now: float) -> float:
        """When control was last alive: it was when something was recorded, or someone heard."""
        known = [self.changed_at, *(each for each in self.silent_from.values() if each)]
        # A clock that was set back calls the future what came after the last heartbeat.
        latest = max(now, since + 2.0)
        return max([since, *(each for each in known if each <= latest)])

    def in_session(self, since: float, now: float) -> float:
        """From the start on, when that was later; unless the clock was set meanwhile."""
        return self.started_at if since < self.started_at <= now else since

    def overslept(self, now: float) -> bool:
        """Whether a verdict was due more than 0.5 s ago: nobody was listening."""
        if self.state != "active":
            return False
        for role, silent in self.silent_from.items():
            after = self.drop_after_s(role)
            if silent is not None and after is not None and now > silent + after + 0.5:
                return True
        return False

    def verdict_due(self, role: str, now: float) -> bool:
        """Whether the verdict on this silence is due, though nobody may have spoken it yet."""
        silent, after = self.silent_from[role], self.drop_after_s(role)
        return silent is not None and after is not None and now >= silent + after + 0.2

    def interruption_due(self, now: float) -> bool:
        """Whether, before ``ends_at``, both vanished or a verdict was overslept.

        Of that nobody may have told yet.
        """
        if self.leaving_until is not None:
            return False
        silent = [each for each in self.silent_from.values() if each is not None]
        if self.together() and max(silent) + 4.0 <= now and max(silent) + 4.0 < self.ends_at:
            return True
        for role, since in self.silent_from.items():
            after = self.drop_after_s(role)
            if since is None or after is None:
                continue
            if since + after + 0.2 < self.ends_at and now > since + after + 0.5:
                return True
        return False

    def news(self, role: str, at: float, now: float) -> bool:
        """A packet of ``role`` came ``at``; whether that was not known yet."""
        last = self.heard[role]
        if self.state not in JOINABLE or (last is not None and at <= last):
            return False
        if self.interrupted is not None and now - at > 4.0:
            # Nobody is back by that.
            return False
        self.heard[role] = at
        self.silent_from[role] = max(at, self.silent_from[role] or 0.0)
        self.connected[role] = True
        return True

    def take(self, entry: Entry, now: float, step: "Step") -> None:
        """An event that control says has happened; Broken when it may not have."""
        self.seq += 1
        kind, at, data = entry.type, entry.at, entry.data
        self.events.append(kind)
        latest = max(now, step.since) if step.since is not None else now
        hold(at <= latest + EPS or kind.startswith("flow_"), f"{kind} happened in the future")
        getattr(self, f"_{kind}")(at, entry.by.value, data, now, step)
        self.changed_at = at

    # Each event, and when it may happen.

    def _moved(self, to: str) -> None:
        hold(to in NEXT.get(self.state, ()), f"{self.state} cannot become {to}")
        self.state = to

    def _requested(self, at: float, by: str, data: Any, now: float, step: "Step") -> None:
        hold(self.state == "none" and by == CLIENT, "requested once, by the client")
        self.state, self.accept_by = "requested", at + 300.0

    def _accepted(self, at: float, by: str, data: Any, now: float, step: "Step") -> None:
        hold(by == SPECIALIST, "the specialist accepts")
        hold(at < self.accept_by, "accepted within five minutes")
        self._moved("accepted")
        self.start_by = at + 120.0

    def _declined(self, at: float, by: str, data: Any, now: float, step: "Step") -> None:
        hold(by == SPECIALIST, "the specialist declines")
        self._moved("declined")

    def _cancelled(self, at: float, by: str, data: Any, now: float, step: "Step") -> None:
        hold(by == CLIENT, "the client cancels")
        self._moved("cancelled")

    def _withdrawn(self, at: float, by: str, data: Any, now: float, step: "Step") -> None:
        hold(step.kind == "withdraw", "withdrawn by another's acceptance only")
        hold(self.state == "requested", "only a request is withdrawn")
        self._moved("cancelled")

    def _expired(self, at: float, by: str, data: Any, now: float, step: "Step") -> None:
        hold(self.state == "requested" and at == self.accept_by, "expires after five minutes")
        self._moved("expired")

    def _started(self, at: float, by: str, data: Any, now: float, step: "Step") -> None:
        hold(step.kind == "heard" and at == now, "starts when someone is heard")
        hold(self.both_within(now, 2.0 + EPS), "starts when both were heard within 2 s")
        hold(at < self.start_by, "starts within two minutes")
        self._moved("active")
        self.started, self.started_at, self.started_true = True, at, at - self.shift
        self.reset = False
        self.ends_at = at + self.duration_s
        hold(data["ends_at"] == self.ends_at, "lasts for the specialist's duration")

    def _ended(self, at: float, by: str, data: Any, now: float, step: "Step") -> None:
        reason = data["reason"]
        hold(self.end_reason is None, "one end, one reason")
        was = self.state
        self._moved("ended")
        if step.kind not in ("command", "operator") or by == "service" or step.settling:
            self._ended_by_itself(reason, was, at, by, now, step)
        hold(self.flowing_since is None, "paid time stops before the end")
        self.ended_at, self.end_reason = at, reason
        # A deadline that was set before the clock was tells nothing of the world's time.
        self._bill((max(at, now) if self.reset else at) - self.shift)
        self.early = self.extension = self.leaving_until = self.interrupted = None

    def _ended_by_itself(
        self, reason: str, was: str, at: float, by: str, now: float, step: "Step"
    ) -> None:
        cause = {"specialist_left": SPECIALIST, "specialist_connection_lost": SPECIALIST}
        cause["client_connection_lost"] = CLIENT
        hold(by == cause.get(reason, "service"), f"{reason} caused by the right one")
        if reason == "did_not_start":
            hold(was == "accepted" and at == self.start_by, "did not start within two minutes")
            return
        hold(was == "active", f"{reason} ends a session")
        if reason == "completed":
            hold(self.interrupted is None, "an interrupted session is not over by its time")
            hold(at == self.ends_at, "completed at ends_at")
            listened = step.since if step.kind == "restart" and step.since is not None else now
            hold(at <= listened + EPS, "not completed while nobody listened")
            lasted = at - self.shift - self.started_true
            given = self.duration_s + self.extra_s + self.gap_true_s
            if not step.since:
                hold(abs(lasted - given) < 1e-3, "lasts for duration, extensions and gaps")
        elif reason == "specialist_left":
            hold(at == self.leaving_until, "the specialist's countdown is over")
        elif reason == "service":
            hold(self.interrupted is not None and at == self.service_by, "service after 120 s")
        else:
            hold(reason.endswith("_connection_lost"), f"{reason} by itself")
            self._dropped(by, at, now, step)

    def _dropped(self, role: str, at: float, now: float, step: "Step") -> None:
        silent, after = self.silent_from[role], self.drop_after_s(role)
        hold(after is not None, "no drop where silence ends nothing")
        hold(silent is not None, "no drop of someone whose silence does not count")
        assert silent is not None
        assert after is not None
        if step.role == role and step.silent_before is not None and now < silent + after:
            # The packet that came too late has just moved it.
            silent = step.silent_before
        hold(step.kind != "restart", "no drop for a time in which control was down")
        hold(at == now, "a verdict is spoken when it is spoken")
        hold(now > silent + after, f"no drop before {after} s of silence ({now - silent:.3f})")
        hold(now <= silent + after + 0.5 + EPS, f"no drop after {after + 0.5} s ({now - silent})")
        other = self.silent_from[OTHER[role]]
        both = other is not None and abs(other - silent) < 2.0 - EPS
        hold(not both, "nobody's drop when both vanished together")

    def _early_end_proposed(self, at: float, by: str, data: Any, now: float, step: "Step") -> None:
        hold(self.early is None, "one proposal at a time")
        self.early = (by, at + 60.0)
        hold(data["lapses_at"] == at + 60.0, "a proposal lapses after 60 s")

    def _early_end_withdrawn(self, at: float, by: str, data: Any, now: float, step: "Step") -> None:
        hold(self.early is not None and self.early[0] == by, "withdrawn by who proposed it")
        self.early = None

    def _early_end_refused(self, at: float, by: str, data: Any, now: float, step: "Step") -> None:
        hold(self.early is not None and self.early[0] != by, "refused by the other side")
        self.early = None

    def _early_end_lapsed(self, at: float, by: str, data: Any, now: float, step: "Step") -> None:
        hold(self.early is not None and self.early[1] == at, "lapses after 60 s")
        self.early = None

    def _extension_proposed(self, at: float, by: str, data: Any, now: float, step: "Step") -> None:
        hold(self.extension is None and by == SPECIALIST, "one offer, of the specialist")
        lapses_at = at + 60.0
        if self.interrupted is None:
            lapses_at = min(lapses_at, self.ends_at)
        hold(data["lapses_at"] == lapses_at, "an offer lapses after 60 s or at the end")
        self.extension = (data["duration_s"], lapses_at)

    def _extension_accepted(self, at: float, by: str, data: Any, now: float, step: "Step") -> None:
        hold(self.extension is not None and by == CLIENT, "the client accepts an offer")
        assert self.extension is not None
        longer = self.extension[0]
        self.ends_at += longer
        self.extra_s += longer
        self.extension = None
        hold(data["ends_at"] == self.ends_at, "the end moves by the extension")

    def _extension_refused(self, at: float, by: str, data: Any, now: float, step: "Step") -> None:
        hold(self.extension is not None and by == CLIENT, "the client refuses an offer")
        self.extension = None

    def _extension_withdrawn(self, at: float, by: str, data: Any, now: float, step: "Step") -> None:
        hold(self.extension is not None and by == SPECIALIST, "the specialist withdraws an offer")
        self.extension = None

    def _extension_lapsed(self, at: float, by: str, data: Any, now: float, step: "Step") -> None:
        hold(self.extension is not None and self.extension[1] == at, "the offer lapses in time")
        self.extension = None

    def _leaving(self, at: float, by: str, data: Any, now: float, step: "Step") -> None:
        hold(self.leaving_until is None and by == SPECIALIST, "a specialist's leaving, once")
        self.leaving_until = at + 10.0
        hold(data["ends_at"] == at + 10.0, "the client has ten seconds")

    def _reconnecting(self, at: float, by: str, data: Any, now: float, step: "Step") -> None:
        role = data["participant"]
        silent, after = self.silent_from[role], self.drop_after_s(role)
        hold(silent is not None and not self.told[role], "told once of a silence")
        assert silent is not None
        hold(at == silent + 4.0, "told after 4 s of silence")
        hold(data["drop_at"] == (None if after is None else silent + after), "told until when")
        self.told[role], self.connected[role] = True, False

    def _reconnected(self, at: float, by: str, data: Any, now: float, step: "Step") -> None:
        role = data["participant"]
        hold(step.kind == "heard" and step.role == role and at == now, "back when heard")
        hold(self.told[role], "back after having been away")
        self.told[role] = False

    def _interrupted(self, at: float, by: str, data: Any, now: float, step: "Step") -> None:
        since = data["since"]
        if step.kind == "restart":
            hold(since == step.since and at == now, "interrupted since we were last alive")
            since_true = step.since_true
        else:
            since_true = since - self.shift
            known = [each for each in self.silent_from.values() if each is not None]
            first, last = (self.in_session(each, at) for each in (min(known), max(known)))
            late = self.overslept(now) and since == last
            together = self.together() and since == first and now >= max(known) + 4.0 - EPS
            hold(late or together, "interrupted when both vanished or nobody listened")
            hold(self.leaving_until is None, "a countdown goes on")
        hold(self.flowing_since is None, "an interruption is not paid")
        if self.interrupted is None:
            self.interrupted, self.since_true = since, since_true
            first = min(since, now) if step.kind != "restart" else now
            # Already over again, it might have lasted as long as this.
            self.service_by = now + 120.0 if step.service_by is None else step.service_by
            in_time = first + 120.0 - EPS <= self.service_by <= now + 120.0 + EPS
            hold(in_time, "the service has 120 s to return")
        else:
            self.service_by += at - since
        self.calm()

    def _resumed(self, at: float, by: str, data: Any, now: float, step: "Step") -> None:
        hold(step.kind == "heard" and at == now, "resumed when someone is heard")
        hold(self.interrupted is not None, "resumed after an interruption")
        assert self.interrupted is not None
        self.ends_at += now - self.interrupted
        hold(data["ends_at"] == self.ends_at, "the end moves by the gap")
        gap = now - self.shift - self.since_true
        self.gap_true_s += gap
        # Of two interruptions the second may be counted from before the end of the first.
        self.unpaid_true_s += min(gap, now - self.shift - self.resumed_true)
        self.interrupted = None
        self.resumed_true = now - self.shift
        self.silent_from = {CLIENT: now, SPECIALIST: now}

    def _flow_began(self, at: float, by: str, data: Any, now: float, step: "Step") -> None:
        hold(self.state == "active" and self.flowing_since is None, "paid time begins once")
        hold(self.interrupted is None, "an interruption is not paid")
        hold(self.both_within(now, 2.0 + EPS), "paid time begins with both connected")
        hold(at == max(now, self.paid_until), "nothing is paid twice")
        self.flowing_since = at

    def _flow_stopped(self, at: float, by: str, data: Any, now: float, step: "Step") -> None:
        hold(self.flowing_since is not None, "paid time stops after it began")
        assert self.flowing_since is not None
        hold(at <= max(now, self.flowing_since, step.since or now), "not paid in advance")
        hold(data["began_at"] == self.flowing_since, "the interval began when it began")
        ends = [self.flowing_since, *(each for each in self.heard.values() if each is not None)]
        if step.before is not None:
            ends.append(step.before)
        # The end, or since when nobody listens, unless someone was silent for longer than 2 s.
        last = [each for each in self.heard.values() if each is not None]
        for bound in (step.since, step.stops_at):
            if bound is not None:
                silent = len(last) == 2 and bound - min(last) > 2.0 + EPS and step.before is None
                if not silent:
                    ends.append(max(bound, self.flowing_since))
        hold(at in ends, "paid time stops with a packet, the end or an interruption")
        self.paid_s += at - self.flowing_since
        self.paid_until = at
        self.flowing_since = None
        self.stopped += 1
        hold(abs(data["paid_s"] - self.paid_s) < EPS, "the sum of paid time")

    def _rated(self, at: float, by: str, data: Any, now: float, step: "Step") -> None:
        hold(self.state == "ended" and self.started, "what started and ended is rated")
        subject = data["subject"]
        hold(now - self.rated.setdefault(subject, now) <= 86400.0, "changed within 24 hours")

    def _bill(self, ended_true: float) -> None:
        if not self.started:
            hold(self.paid_s == 0.0, "what did not start is not paid")
            return
        gap = self.unpaid_true_s
        if self.interrupted is not None:
            gap += max(0.0, ended_true - max(self.since_true, self.resumed_true))
        wall = ended_true - self.started_true - gap
        hold(self.paid_s <= wall + 1e-3, f"billed {self.paid_s} of {wall} s")
        hold(self.paid_s <= self.duration_s + self.extra_s + EPS, "billed at most the duration")

    def both_within(self, now: float, seconds: float) -> bool:
        """Whether both were heard in the last ``seconds``."""
        one, other = self.heard[CLIENT], self.heard[SPECIALIST]
        return (
            one is not None
            and other is not None
            and now - one <= seconds
            and now - other <= seconds
        )

    def standing(self, now: float, fresh: bool) -> None:
        """Nothing that was due is missing. ``fresh``: someone has just been heard."""
        state = self.state
        if state == "requested":
            hold(now < self.accept_by, "a request expires in time")
        elif state == "accepted":
            hold(now < self.start_by, "what does not start ends in time")
            hold(not (fresh and self.both_within(now, 2.0 - EPS)), "starts when both are there")
        elif state == "active":
            self._standing_session(now, fresh)
        else:
            hold(self.flowing_since is None, "nothing is paid after the end")

    def _standing_session(self, now: float, fresh: bool) -> None:
        if self.interrupted is None:
            hold(now < self.ends_at, "a session ends in time")
        else:
            hold(now < self.service_by, "an interruption ends in time")
        if self.leaving_until is not None:
            hold(now < self.leaving_until, "a countdown ends in time")
        if self.early is not None:
            hold(now < self.early[1], "a proposal lapses in time")
        if self.extension is not None:
            hold(now < self.extension[1], "an offer lapses in time")
        for role, silent in self.silent_from.items():
            if silent is None:
                continue
            hold(self.told[role] or now < silent + 4.0 + EPS, "a silence is told in time")
            after = self.drop_after_s(role)
            if after is not None:
                hold(now < silent + after + 0.2 + EPS, "the verdict is spoken in time")
        both = self.told[CLIENT] and self.told[SPECIALIST] and self.leaving_until is None
        if both and self.together():
            one, other = self.silent_from[CLIENT], self.silent_from[SPECIALIST]
            assert one is not None
            assert other is not None
            hold(abs(one - other) > 2.0 - EPS, "both vanished: nobody's silence")
        if self.flowing_since is not None:
            last = min(each or 0.0 for each in self.heard.values())
            hold(now < last + 2.2 + EPS, "paid time stops when one is silent")
        elif fresh and self.connected[CLIENT] and self.connected[SPECIALIST]:
            hold(not self.both_within(now, 2.0 - EPS), "paid time runs while both are connected")

    def agrees(self, it: Consultation) -> None:
        """Control's own idea of the consultation is the one that its events tell."""
        hold(it.state.value == self.state, f"state {it.state.value}, by its events {self.state}")
        hold(it.seq == self.seq, f"seq {it.seq}, after {self.seq} events")
        end = it.end.reason.value if it.end else None
        hold(end == self.end_reason and it.ended_at == self.ended_at, "the end as told")
        early = (it.early_end.by.value, it.early_end.lapses_at) if it.early_end else None
        hold(early == self.early, "the proposal as told")
        offer = (it.extension.duration_s, it.extension.lapses_at) if it.extension else None
        hold(offer == self.extension, "the offer as told")
        hold((it.leaving.ends_at if it.leaving else None) == self.leaving_until, "leaving as told")
        hold(it.interrupted_since == self.interrupted, "the interruption as told")
        hold(it.flowing_since == self.flowing_since, "paid time as told")
        if self.state == "active":
            hold(it.ends_at == self.ends_at, "the end moves by what was told")
            by = self.service_by if self.interrupted is not None else None
            hold((it.service_by is None) == (by is None), "how long the service has")
            hold(by is None or abs((it.service_by or 0.0) - by) < EPS, "as long as was told")
        hold(sum(each.duration_s for each in it.extensions) == self.extra_s, "the extensions")
        hold(len(it.paid) == self.stopped, "the paid intervals")
        hold({subject.value for subject in it.ratings} == set(self.rated), "the ratings")


class Step:
    """What led to some events."""

    def __init__(
        self,
        kind: str,
        role: str = "",
        before: float | None = None,
        silent_before: float | None = None,
        since: float | None = None,
        since_true: float = 0.0,
        after: Consultation | None = None,
    ) -> None:
        # heard, due, command, operator, withdraw, restart
        self.kind = kind
        self.role = role
        # When this role had been heard last, and since when its silence counted.
        self.before, self.silent_before = before, silent_before
        # When control was last alive.
        self.since, self.since_true = since, since_true
        # Not told by any event: how long an interruption may last; and when the session ended.
        self.service_by = after.service_by if after else None
        self.stops_at = after.ended_at if after else None
        # These events are due by time, not by the command.
        self.settling = False
