"""The client's two ratings: of the specialist, and of the technical quality."""

from dataclasses import dataclass
from enum import StrEnum

from control.consultations.text import cleaned
from control.errors import RatingInvalid

MAX_COMMENT_CHARACTERS = 2000


class Subject(StrEnum):
    """What is rated."""

    SPECIALIST = "specialist"
    TECHNICAL = "technical"


@dataclass(frozen=True)
class Rating:
    """1 to 5 stars and a comment, first given at ``given_at``."""

    stars: int
    comment: str
    given_at: float


def rating(stars: int, comment: str, now: float) -> Rating:
    """A new rating; raises RatingInvalid."""
    if not 1 <= stars <= 5:
        raise RatingInvalid(f"Stars are 1 to 5, not {stars}.")
    return Rating(stars, cleaned(comment, MAX_COMMENT_CHARACTERS, RatingInvalid), now)
