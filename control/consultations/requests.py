"""Asking for a consultation, and who may be asked."""

from collections.abc import Iterable

from control.consultations.commands import Accept, Withdraw, perform
from control.consultations.consultation import Change, Consultation
from control.consultations.deadlines import due
from control.consultations.events import Requested
from control.consultations.parties import Party, Role, Terms
from control.consultations.policy import PLATFORM, Policy
from control.consultations.states import State
from control.consultations.text import cleaned
from control.errors import (
    ClientBusy,
    PurposeInvalid,
    RequestAlreadyOpen,
    SpecialistBusy,
    SpecialistOffline,
    VideoNotTaken,
)

MAX_PURPOSE_CHARACTERS = 500


def request(
    consultation_id: str,
    client: Party,
    specialist: Party,
    terms: Terms,
    purpose: str,
    *,
    specialist_online: bool,
    others: Iterable[Consultation],
    now: float,
    policy: Policy = PLATFORM,
) -> Change:
    """A new request. ``others`` are the open consultations of either side."""
    purpose = cleaned(purpose, MAX_PURPOSE_CHARACTERS, PurposeInvalid)
    if not purpose:
        raise PurposeInvalid("Say in a few words what the consultation is about.")
    if not terms.takes_video:
        raise VideoNotTaken(f"{specialist.name} does not take video consultations.")
    if not specialist_online:
        raise SpecialistOffline(f"{specialist.name} is offline now.")
    others = _settled(others, now, policy)
    if any(
        other.state is State.REQUESTED
        and other.client.id == client.id
        and other.specialist.id == specialist.id
        for other in others
    ):
        raise RequestAlreadyOpen(f"A request to {specialist.name} already waits for an answer.")
    _refuse_busy(client, specialist, others)
    asked = Consultation(
        id=consultation_id,
        client=client,
        specialist=specialist,
        purpose=purpose,
        terms=terms,
        state=State.REQUESTED,
        requested_at=now,
        accept_by=now + policy.accept_within_s,
    )
    return Change(asked, (Requested(now, purpose, terms),)).numbered(0)


def accept(
    consultation: Consultation,
    by: Role,
    *,
    others: Iterable[Consultation],
    now: float,
    policy: Policy = PLATFORM,
) -> list[Change]:
    """The acceptance, followed by the other open requests of both sides, which fall with it.

    ``others`` are the open consultations of either side.
    """
    others = [each for each in others if each.id != consultation.id]
    accepted = perform(consultation, Accept(by), now, policy)
    _refuse_busy(consultation.client, consultation.specialist, _settled(others, now, policy))
    return [accepted] + [
        perform(other, Withdraw(), now, policy)
        for other in others
        if due(other, now, policy).consultation.state is State.REQUESTED
    ]


def _settled(others: Iterable[Consultation], now: float, policy: Policy) -> list[Consultation]:
    return [due(other, now, policy).consultation for other in others]


def _refuse_busy(client: Party, specialist: Party, others: Iterable[Consultation]) -> None:
    for other in others:
        if not other.is_joinable:
            continue
        if other.role_of(client.id) is not None:
            raise ClientBusy(f"{client.name} is in another consultation.")
        if other.role_of(specialist.id) is not None:
            raise SpecialistBusy(f"{specialist.name} is in another consultation.")
