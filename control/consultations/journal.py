"""Events as they are kept and told: a name, a time, who caused it, and plain data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, assert_never

from control.consultations import events
from control.consultations.parties import Actor, Terms


@dataclass(frozen=True)
class Entry:
    """``type`` is a name in snake case; ``data`` is JSON: numbers, strings, null, and objects.

    Prices are strings with two decimals, times Unix seconds.
    """

    type: str
    at: float
    by: Actor
    data: Mapping[str, Any]


def entry(event: events.Event) -> Entry:
    """The journal's form of ``event``."""
    match event:
        case events.Requested(at, purpose, terms):
            return Entry("requested", at, Actor.CLIENT, {"purpose": purpose, "terms": _of(terms)})
        case events.Accepted(at):
            return Entry("accepted", at, Actor.SPECIALIST, {})
        case events.Declined(at, reason):
            return Entry("declined", at, Actor.SPECIALIST, {"reason": reason})
        case events.Expired(at):
            return Entry("expired", at, Actor.SERVICE, {})
        case events.Cancelled(at):
            return Entry("cancelled", at, Actor.CLIENT, {})
        case events.Withdrawn(at, withdrawn_by):
            return Entry("withdrawn", at, withdrawn_by, {})
        case events.Started(at, ends_at):
            return Entry("started", at, Actor.SERVICE, {"ends_at": ends_at})
        case (
            events.EarlyEndProposed()
            | events.EarlyEndWithdrawn()
            | events.EarlyEndRefused()
            | events.EarlyEndLapsed()
        ):
            return _early_end(event)
        case (
            events.ExtensionProposed()
            | events.ExtensionAccepted()
            | events.ExtensionRefused()
            | events.ExtensionWithdrawn()
            | events.ExtensionLapsed()
        ):
            return _extension(event)
        case events.LeavingAnnounced(at, by, ends_at, end_reason):
            end = {"ends_at": ends_at, "reason": end_reason.value}
            return Entry("leaving", at, by.actor, end)
        case events.ReconnectingBegan(at, role, drop_at):
            silent = {"participant": role.value, "drop_at": drop_at}
            return Entry("reconnecting", at, Actor.SERVICE, silent)
        case events.Reconnected(at, role):
            return Entry("reconnected", at, Actor.SERVICE, {"participant": role.value})
        case events.Interrupted(at, since):
            return Entry("interrupted", at, Actor.SERVICE, {"since": since})
        case events.Resumed(at, ends_at):
            return Entry("resumed", at, Actor.SERVICE, {"ends_at": ends_at})
        case events.FlowBegan(at):
            return Entry("flow_began", at, Actor.SERVICE, {})
        case events.FlowStopped(at, began_at, paid_s):
            data = {"began_at": began_at, "paid_s": paid_s}
            return Entry("flow_stopped", at, Actor.SERVICE, data)
        case events.Ended(at, end_reason, caused_by, detail):
            return Entry("ended", at, caused_by, {"reason": end_reason.value, "detail": detail})
        case events.Rated(at, subject, stars, comment):
            rating = {"subject": subject.value, "stars": stars, "comment": comment}
            return Entry("rated", at, Actor.CLIENT, rating)
        case events.QualityMeasured(at, summary):
            return Entry("quality", at, Actor.SERVICE, summary)
        case _:
            assert_never(event)


def _early_end(
    event: events.EarlyEndProposed
    | events.EarlyEndWithdrawn
    | events.EarlyEndRefused
    | events.EarlyEndLapsed,
) -> Entry:
    match event:
        case events.EarlyEndProposed(at, by, lapses_at):
            return Entry("early_end_proposed", at, by.actor, {"lapses_at": lapses_at})
        case events.EarlyEndWithdrawn(at, by):
            return Entry("early_end_withdrawn", at, by.actor, {})
        case events.EarlyEndRefused(at, by):
            return Entry("early_end_refused", at, by.actor, {})
        case events.EarlyEndLapsed(at):
            return Entry("early_end_lapsed", at, Actor.SERVICE, {})
        case _:
            assert_never(event)


def _extension(
    event: events.ExtensionProposed
    | events.ExtensionAccepted
    | events.ExtensionRefused
    | events.ExtensionWithdrawn
    | events.ExtensionLapsed,
) -> Entry:
    match event:
        case events.ExtensionProposed(at, duration_s, price, currency, lapses_at):
            offer = {"duration_s": duration_s, "price": f"{price:.2f}", "currency": currency}
            data = {**offer, "lapses_at": lapses_at}
            return Entry("extension_proposed", at, Actor.SPECIALIST, data)
        case events.ExtensionAccepted(at, duration_s, price, currency, ends_at):
            offer = {"duration_s": duration_s, "price": f"{price:.2f}", "currency": currency}
            return Entry("extension_accepted", at, Actor.CLIENT, {**offer, "ends_at": ends_at})
        case events.ExtensionRefused(at):
            return Entry("extension_refused", at, Actor.CLIENT, {})
        case events.ExtensionWithdrawn(at):
            return Entry("extension_withdrawn", at, Actor.SPECIALIST, {})
        case events.ExtensionLapsed(at):
            return Entry("extension_lapsed", at, Actor.SERVICE, {})
        case _:
            assert_never(event)


def _of(terms: Terms) -> dict[str, Any]:
    return {
        "duration_s": terms.duration_s,
        "price": f"{terms.price:.2f}",
        "currency": terms.currency,
        "takes_video": terms.takes_video,
    }
