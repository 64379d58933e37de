"""Asking for a consultation, and who may be asked."""

from collections.abc import Iterable

from control.consultations.commands import Accept, Withdraw, perform
from control.consultations.consultation import Change, Consultation
from control.consultations.deadlines import due
from control.consultations.events import Requested
from control.consultations.parties import Actor, Party, Role, Terms
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
) -> list[Change]:
    """A new request, followed by what was due of others.

    ``others`` are the open consultations of either side. What was due of them is stored together
    with the request, for they make room for it.
    """
    purpose = cleaned(purpose, MAX_PURPOSE_CHARACTERS, PurposeInvalid)
    if not purpose:
        raise PurposeInvalid("Say in a few words what the consultation is about.")
    if not terms.takes_video:
        raise VideoNotTaken(f"{specialist.name} does not take video consultations.")
    if not specialist_online:
        raise SpecialistOffline(f"{specialist.name} is offline now.")
    settled = [due(each, now, policy) for each in others]
    standing = [each.consultation for each in settled]
    if any(
        other.state is State.REQUESTED
        and other.client.id == client.id
        and other.specialist.id == specialist.id
        for other in standing
    ):
        raise RequestAlreadyOpen(f"A request to {specialist.name} already waits for an answer.")
    _refuse_busy(client, specialist, standing)
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
    made = Change(asked, (Requested(now, purpose, terms),)).numbered(0)
    return [made, *(each for each in settled if each.events)]


def accept(
    consultation: Consultation,
    by: Role,
    *,
    others: Iterable[Consultation],
    now: float,
    policy: Policy = PLATFORM,
) -> list[Change]:
    """The acceptance, followed by what becomes of others by it.

    ``others`` are the open consultations of either side. Their requests fall with it, and what was
    due of them has happened: it is stored together with the acceptance, for they make room for it.
    """
    others = [each for each in others if each.id != consultation.id]
    accepted = perform(consultation, Accept(by), now, policy)
    settled = [due(each, now, policy) for each in others]
    _refuse_busy(
        consultation.client, consultation.specialist, [each.consultation for each in settled]
    )
    changes = [accepted]
    for other, change in zip(others, settled, strict=True):
        if change.consultation.state is State.REQUESTED:
            changes.append(perform(other, Withdraw(Actor.SERVICE), now, policy))
        elif change.events:
            changes.append(change)
    return changes


def _refuse_busy(client: Party, specialist: Party, others: Iterable[Consultation]) -> None:
    for other in others:
        if not other.is_joinable:
            continue
        if other.role_of(client.id) is not None:
            raise ClientBusy(f"{client.name} is in another consultation.")
        if other.role_of(specialist.id) is not None:
            raise SpecialistBusy(f"{specialist.name} is in another consultation.")
