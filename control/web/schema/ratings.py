"""The client's ratings of one consultation."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from control.consultations.policy import Policy
from control.consultations.ratings import MAX_COMMENT_CHARACTERS, Rating, Subject
from control.web.schema.base import Input, Output, text


class RatingOut(Output):
    """1 to 5 stars and a comment."""

    stars: int
    comment: str


class ChangeableRatingOut(RatingOut):
    """One that the client can change until ``changeable_until``."""

    changeable_until: float

    @classmethod
    def of(cls, rating: Rating, policy: Policy) -> "ChangeableRatingOut":
        """From the rules' form."""
        until = rating.given_at + policy.rating_change_within_s
        return cls(stars=rating.stars, comment=rating.comment, changeable_until=until)


class RatingsOut(Output):
    """The client's ratings."""

    specialist: ChangeableRatingOut | None
    technical: ChangeableRatingOut | None

    @classmethod
    def of(cls, ratings: Mapping[Subject, Rating], policy: Policy) -> "RatingsOut":
        """From the rules' form."""

        def out(rating: Rating | None) -> ChangeableRatingOut | None:
            return ChangeableRatingOut.of(rating, policy) if rating else None

        return cls(
            specialist=out(ratings.get(Subject.SPECIALIST)),
            technical=out(ratings.get(Subject.TECHNICAL)),
        )


class RatingIn(Input):
    """1 to 5 stars and a comment."""

    stars: Annotated[int, Field(ge=1, le=5)]
    comment: Annotated[str, text(MAX_COMMENT_CHARACTERS)] = ""
