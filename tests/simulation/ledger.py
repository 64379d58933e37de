"""What one consultation must look like: the rules once more, from what was told of it.

Written from docs/consultation.md, with numbers and names of its own: nothing of the rules' code is
used here. Times are Unix seconds by control's clock; names end in ``_true`` where the time is that
of the simulated world, whose clock nobody sets.
"""

from typing import Any

from control.consultations.journal import Entry
from tests.simulation.bill import Bill
from tests.simulation.rule import CLIENT, EPS, JOINABLE, NEXT, OPEN, OTHER, SPECIALIST, hold
from tests.simulation.silences import Silences
from tests.simulation.step import Step


class Ledger:
    """One consultation by its events, and what the node told of its participants."""

    def __init__(
        self,
        id_: str,
        client: str,
        specialist: str,
        duration_s: int,
        client_drop: float | None,
        announces: bool,
    ) -> None:
        self.id = id_
        self.client, self.specialist = client, specialist
        self.duration_s = duration_s
        self.silences = Silences(client_drop, announces)
        self.bill = Bill()
        self.state = "none"
        self.seq = 0
        # What reached it while it was open, how much of that with a fault, and what came later.
        self.open_steps = self.disturbed = self.later_steps = 0
        self._was_open = True
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
        # The reason of the announced end.
        self.leaves_for: str | None = None
        self.interrupted: float | None = None
        self.since_true = self.service_by = 0.0
        self.changed_at = 0.0
        self.rated: dict[str, float] = {}

    def count(self, faulty: bool) -> None:
        """A step was taken."""
        if self._was_open:
            self.open_steps += 1
            self.disturbed += faulty
            self._was_open = self.state in OPEN
        else:
            self.later_steps += 1

    @property
    def share_disturbed(self) -> float:
        """Of the steps while it was open, those with a fault."""
        return self.disturbed / max(1, self.open_steps)

    def clock(self, shift: float) -> None:
        """Control's clock is ahead of the world's by so much now."""
        self.reset |= abs(shift - self.shift) > EPS
        self.shift = shift

    def alive(self, since: float, now: float) -> float:
        """When control was last alive: it was when something was recorded, or someone heard."""
        known = [self.changed_at, *self.silences.known]
        # A clock that was set back calls the future what came after the last heartbeat.
        latest = max(now, since + 2.0)
        return max([since, *(each for each in known if each <= latest)])

    def in_session(self, since: float, now: float) -> float:
        """From the start on, when that was later; unless the clock was set meanwhile."""
        return self.started_at if since < self.started_at <= now else since

    def overslept(self, now: float) -> bool:
        """Whether a verdict was due more than 0.5 s ago: nobody was listening."""
        return self.state == "active" and self.silences.overslept(now)

    def interruption_due(self, now: float) -> bool:
        """Whether the session was interrupted before its end, of which nobody may have told."""
        return self.silences.is_interruption_due(now, before=self.ends_at)

    def news(self, role: str, at: float, now: float) -> bool:
        """A packet of ``role`` came ``at``; whether that was not known yet."""
        last = self.silences.heard[role]
        if self.state not in JOINABLE or (last is not None and at <= last):
            return False
        if role in self.silences.dropped:
            return False
        if self.interrupted is not None and now - at > 4.0:
            # Nobody is back by that.
            return False
        self.silences.hear(role, at)
        return True

    def take(self, entry: Entry, now: float, step: Step) -> None:
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

    def _requested(self, at: float, by: str, data: Any, now: float, step: Step) -> None:
        hold(self.state == "none" and by == CLIENT, "requested once, by the client")
        self.state, self.accept_by = "requested", at + 300.0

    def _accepted(self, at: float, by: str, data: Any, now: float, step: Step) -> None:
        hold(by == SPECIALIST, "the specialist accepts")
        hold(at < self.accept_by, "accepted within five minutes")
        self._moved("accepted")
        self.start_by = at + 120.0

    def _declined(self, at: float, by: str, data: Any, now: float, step: Step) -> None:
        hold(by == SPECIALIST, "the specialist declines")
        self._moved("declined")

    def _cancelled(self, at: float, by: str, data: Any, now: float, step: Step) -> None:
        hold(by == CLIENT, "the client cancels")
        self._moved("cancelled")

    def _withdrawn(self, at: float, by: str, data: Any, now: float, step: Step) -> None:
        hold(step.kind == "withdraw" and by == "service", "withdrawn by another's acceptance only")
        hold(self.state == "requested", "only a request is withdrawn")
        self._moved("cancelled")

    def _expired(self, at: float, by: str, data: Any, now: float, step: Step) -> None:
        hold(self.state == "requested" and at == self.accept_by, "expires after five minutes")
        self._moved("expired")

    def _started(self, at: float, by: str, data: Any, now: float, step: Step) -> None:
        hold(step.kind == "heard" and at == now, "starts when someone is heard")
        hold(
            self.silences.are_both_heard_within(now, 2.0 + EPS),
            "starts when both were heard within 2 s",
        )
        hold(at < self.start_by, "starts within two minutes")
        self._moved("active")
        self.started, self.started_at, self.started_true = True, at, at - self.shift
        self.reset = False
        self.ends_at = at + self.duration_s
        hold(data["ends_at"] == self.ends_at, "lasts for the specialist's duration")

    def _ended(self, at: float, by: str, data: Any, now: float, step: Step) -> None:
        reason = data["reason"]
        hold(self.end_reason is None, "one end, one reason")
        was = self.state
        self._moved("ended")
        if step.kind not in ("command", "operator") or by == "service" or step.settling:
            self._ended_by_itself(reason, was, at, by, now, step)
        hold(self.bill.flowing_since is None, "paid time stops before the end")
        self.ended_at, self.end_reason = at, reason
        # A deadline that was set before the clock was tells nothing of the world's time.
        self._bill((max(at, now) if self.reset else at) - self.shift)
        self.early = self.extension = self.leaving_until = self.interrupted = None

    def _ended_by_itself(
        self, reason: str, was: str, at: float, by: str, now: float, step: Step
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
            given = self.duration_s + self.extra_s + self.bill.gap_true_s
            if not step.since:
                hold(abs(lasted - given) < 1e-3, "lasts for duration, extensions and gaps")
        elif self.leaves_for is not None and reason == self.leaves_for:
            hold(at == self.leaving_until, "the specialist's countdown is over")
        elif reason == "service":
            hold(self.interrupted is not None and at == self.service_by, "service after 120 s")
        else:
            hold(reason.endswith("_connection_lost"), f"{reason} by itself")
            first = by == SPECIALIST and self.silences.announces
            hold(not first, "a drop is announced first where the policy says so")
            self._dropped(by, at, now, step)

    def _dropped(self, role: str, at: float, now: float, step: Step) -> None:
        silent, after = self.silences.since[role], self.silences.drop_after_s(role)
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
        other = self.silences.since[OTHER[role]]
        both = other is not None and abs(other - silent) < 2.0 - EPS
        hold(not both, "nobody's drop when both vanished together")

    def _early_end_proposed(self, at: float, by: str, data: Any, now: float, step: Step) -> None:
        hold(self.early is None, "one proposal at a time")
        self.early = (by, at + 60.0)
        hold(data["lapses_at"] == at + 60.0, "a proposal lapses after 60 s")

    def _early_end_withdrawn(self, at: float, by: str, data: Any, now: float, step: Step) -> None:
        hold(self.early is not None and self.early[0] == by, "withdrawn by who proposed it")
        self.early = None

    def _early_end_refused(self, at: float, by: str, data: Any, now: float, step: Step) -> None:
        hold(self.early is not None and self.early[0] != by, "refused by the other side")
        self.early = None

    def _early_end_lapsed(self, at: float, by: str, data: Any, now: float, step: Step) -> None:
        hold(self.early is not None and self.early[1] == at, "lapses after 60 s")
        self.early = None

    def _extension_proposed(self, at: float, by: str, data: Any, now: float, step: Step) -> None:
        hold(self.extension is None and by == SPECIALIST, "one offer, of the specialist")
        lapses_at = at + 60.0
        if self.interrupted is None:
            lapses_at = min(lapses_at, self.ends_at)
        hold(data["lapses_at"] == lapses_at, "an offer lapses after 60 s or at the end")
        self.extension = (data["duration_s"], lapses_at)

    def _extension_accepted(self, at: float, by: str, data: Any, now: float, step: Step) -> None:
        hold(self.extension is not None and by == CLIENT, "the client accepts an offer")
        assert self.extension is not None
        longer = self.extension[0]
        self.ends_at += longer
        self.extra_s += longer
        self.extension = None
        hold(data["ends_at"] == self.ends_at, "the end moves by the extension")

    def _extension_refused(self, at: float, by: str, data: Any, now: float, step: Step) -> None:
        hold(self.extension is not None and by == CLIENT, "the client refuses an offer")
        self.extension = None

    def _extension_withdrawn(self, at: float, by: str, data: Any, now: float, step: Step) -> None:
        hold(self.extension is not None and by == SPECIALIST, "the specialist withdraws an offer")
        self.extension = None

    def _extension_lapsed(self, at: float, by: str, data: Any, now: float, step: Step) -> None:
        hold(self.extension is not None and self.extension[1] == at, "the offer lapses in time")
        self.extension = None

    def _leaving(self, at: float, by: str, data: Any, now: float, step: Step) -> None:
        hold(self.leaving_until is None and by == SPECIALIST, "a specialist's leaving, once")
        mine = self.early is not None and self.early[0] == by
        hold(self.extension is None and not mine, "what they had proposed falls with it")
        hold(data["ends_at"] == at + 10.0, "ten seconds are announced")
        self.leaving_until, self.leaves_for = at + 10.0, data["reason"]
        if self.leaves_for == "specialist_connection_lost":
            hold(self.silences.announces, "a drop is announced where the policy says so")
            self._dropped(by, at, now, step)
            late = step.role == by
            heard = step.before if late else self.silences.heard[by]
            since = step.silent_before if late else self.silences.since[by]
            self.silences.drop(by, heard, since)
        else:
            hold(step.kind == "command" and not step.settling, "nobody leaves by themselves")
            hold(self.leaves_for == "specialist_left", "a specialist leaves")
        self.silences.are_judged = False

    def _reconnecting(self, at: float, by: str, data: Any, now: float, step: Step) -> None:
        role = data["participant"]
        silent, after = self.silences.since[role], self.silences.drop_after_s(role)
        hold(silent is not None and not self.silences.told[role], "told once of a silence")
        assert silent is not None
        hold(at == silent + 4.0, "told after 4 s of silence")
        hold(data["drop_at"] == (None if after is None else silent + after), "told until when")
        self.silences.told[role], self.silences.connected[role] = True, False

    def _reconnected(self, at: float, by: str, data: Any, now: float, step: Step) -> None:
        role = data["participant"]
        hold(step.kind == "heard" and step.role == role and at == now, "back when heard")
        hold(self.silences.told[role], "back after having been away")
        self.silences.told[role] = False

    def _interrupted(self, at: float, by: str, data: Any, now: float, step: Step) -> None:
        since = data["since"]
        if step.kind == "restart":
            hold(since == step.since and at == now, "interrupted since we were last alive")
            since_true = step.since_true
        else:
            since_true = since - self.shift
            known = self.silences.known
            first, last = (self.in_session(each, at) for each in (min(known), max(known)))
            late = self.overslept(now) and since == last
            together = (
                self.silences.are_together() and since == first and now >= max(known) + 4.0 - EPS
            )
            hold(late or together, "interrupted when both vanished or nobody listened")
            hold(self.leaving_until is None, "a countdown goes on")
        hold(self.bill.flowing_since is None, "an interruption is not paid")
        if self.interrupted is None:
            self.interrupted, self.since_true = since, since_true
            first = min(since, now) if step.kind != "restart" else now
            # Already over again, it might have lasted as long as this.
            self.service_by = now + 120.0 if step.service_by is None else step.service_by
            in_time = first + 120.0 - EPS <= self.service_by <= now + 120.0 + EPS
            hold(in_time, "the service has 120 s to return")
        else:
            self.service_by += at - since
        self.silences.calm()

    def _resumed(self, at: float, by: str, data: Any, now: float, step: Step) -> None:
        hold(step.kind == "heard" and at == now, "resumed when someone is heard")
        hold(self.interrupted is not None, "resumed after an interruption")
        assert self.interrupted is not None
        self.ends_at += now - self.interrupted
        hold(data["ends_at"] == self.ends_at, "the end moves by the gap")
        self.bill.resumed(self.since_true, now - self.shift)
        self.interrupted = None
        self.silences.resume(now)

    def _flow_began(self, at: float, by: str, data: Any, now: float, step: Step) -> None:
        hold(self.state == "active", "paid time is of a session")
        hold(self.interrupted is None, "an interruption is not paid")
        both = self.silences.are_both_heard_within(now, 2.0 + EPS)
        hold(both, "paid time begins with both connected")
        self.bill.began(at, now)

    def _flow_stopped(self, at: float, by: str, data: Any, now: float, step: Step) -> None:
        self.bill.stopped(at, data, now, step, self.silences.last_packets)

    def _rated(self, at: float, by: str, data: Any, now: float, step: Step) -> None:
        hold(self.state == "ended" and self.started, "what started and ended is rated")
        subject = data["subject"]
        hold(now - self.rated.setdefault(subject, now) <= 86400.0, "changed within 24 hours")

    def _bill(self, ended_true: float) -> None:
        if not self.started:
            hold(self.bill.paid_s == 0.0, "what did not start is not paid")
            return
        since_true = None if self.interrupted is None else self.since_true
        most_s = self.duration_s + self.extra_s
        self.bill.ended(self.started_true, ended_true, since_true, most_s)

    def standing(self, now: float, fresh: bool) -> None:
        """Nothing that was due is missing. ``fresh``: someone has just been heard."""
        state = self.state
        if state == "requested":
            hold(now < self.accept_by, "a request expires in time")
        elif state == "accepted":
            hold(now < self.start_by, "what does not start ends in time")
            hold(
                not (fresh and self.silences.are_both_heard_within(now, 2.0 - EPS)),
                "starts when both are there",
            )
        elif state == "active":
            self._standing_session(now, fresh)
        else:
            hold(self.bill.flowing_since is None, "nothing is paid after the end")

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
        self.silences.standing(now)
        self.bill.standing(now, self.silences.heard.values())
        if self.bill.flowing_since is None and fresh and all(self.silences.connected.values()):
            both = self.silences.are_both_heard_within(now, 2.0 - EPS)
            hold(not both, "paid time runs while both are connected")
