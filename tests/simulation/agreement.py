"""Control's own idea of a consultation is the one that its events tell."""

from control.consultations.consultation import Consultation
from control.consultations.liveness import LinkState
from tests.simulation.ledger import Ledger
from tests.simulation.rule import EPS, hold
from tests.simulation.silences import Silences


def agrees(ledger: Ledger, it: Consultation) -> None:
    """Raise Broken where the two differ."""
    hold(it.state.value == ledger.state, f"state {it.state.value}, by its events {ledger.state}")
    hold(it.seq == ledger.seq, f"seq {it.seq}, after {ledger.seq} events")
    end = it.end.reason.value if it.end else None
    hold(end == ledger.end_reason and it.ended_at == ledger.ended_at, "the end as told")
    early = (it.early_end.by.value, it.early_end.lapses_at) if it.early_end else None
    hold(early == ledger.early, "the proposal as told")
    offer = (it.extension.duration_s, it.extension.lapses_at) if it.extension else None
    hold(offer == ledger.extension, "the offer as told")
    leaving = (it.leaving.ends_at, it.leaving.reason.value) if it.leaving else None
    told = (ledger.leaving_until, ledger.leaves_for) if ledger.leaving_until is not None else None
    hold(leaving == told, "leaving as told")
    hold(it.interrupted_since == ledger.interrupted, "the interruption as told")
    hold(it.flowing_since == ledger.bill.flowing_since, "paid time as told")
    if ledger.state == "active":
        hold(it.ends_at == ledger.ends_at, "the end moves by what was told")
        by = ledger.service_by if ledger.interrupted is not None else None
        hold((it.service_by is None) == (by is None), "how long the service has")
        hold(by is None or abs((it.service_by or 0.0) - by) < EPS, "as long as was told")
    hold(sum(each.duration_s for each in it.extensions) == ledger.extra_s, "the extensions")
    hold(len(it.paid) == ledger.bill.intervals, "the paid intervals")
    hold({subject.value for subject in it.ratings} == set(ledger.rated), "the ratings")


def links_agree(silences: Silences, it: Consultation, now: float) -> None:
    """The same of the links of an active session; each is held suspect from 2 s on."""
    for role, link in it.links.items():
        silent = silences.since[role.value]
        if link.state is LinkState.DROPPED:
            hold(role.value in silences.dropped, "dropped as announced")
            continue
        hold((link.state is LinkState.RECONNECTING) == silences.told[role.value], "as was told")
        if link.state is LinkState.SUSPECT:
            hold(silent is not None and now >= silent + 2.0 - EPS, "suspect from 2 s on")
        elif link.state is LinkState.CONNECTED:
            hold(silent is not None and now < silent + 2.0 + EPS, "suspect from 2 s on")
