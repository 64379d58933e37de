"""Rating a consultation after its end."""

from dataclasses import replace

from control.consultations.consultation import Change, Consultation
from control.consultations.events import Rated
from control.consultations.parties import Role
from control.consultations.policy import Policy
from control.consultations.ratings import Subject, rating
from control.errors import NotPermitted, NotRatable


def rate(
    consultation: Consultation,
    by: Role,
    subject: Subject,
    stars: int,
    comment: str,
    now: float,
    policy: Policy,
) -> Change:
    """The client rates, or changes what they gave within a day."""
    given = rating(stars, comment, now)
    if by is not Role.CLIENT:
        raise NotPermitted("Only the client rates.")
    if consultation.end is None:
        raise NotRatable("A consultation is rated after its end.")
    if consultation.started_at is None:
        raise NotRatable("A consultation that did not start is not rated.")
    earlier = consultation.ratings.get(subject)
    if earlier is not None:
        if now - earlier.given_at > policy.rating_change_within_s:
            raise NotRatable("The rating was given too long ago to be changed.")
        given = replace(given, given_at=earlier.given_at)
    told = Rated(now, subject, given.stars, given.comment)
    return Change(consultation.with_rating(subject, given), (told,))
