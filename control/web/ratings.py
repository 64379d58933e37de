"""A specialist's ratings: sums and comments, never who gave what."""

from typing import Annotated

from aiohttp import web
from aiohttp_pydantic.oas.typing import r200
from pydantic import Field

from control.accounts import AccountRole
from control.adapters.ratings import STARS, Comment, StarCount
from control.consultations.ratings import Subject
from control.web.schema.base import Output
from control.web.view import View, reply


class StarCountOut(Output):
    """Ratings of one subject, added up."""

    average: float | None = Field(description="1.00 to 5.00 stars; null without ratings")
    count: int
    stars: dict[str, int] = Field(description='how many gave "1", "2" … "5" stars')

    @classmethod
    def of(cls, counted: StarCount) -> "StarCountOut":
        """From the store's form."""
        stars = {str(star): count for star, count in zip(STARS, counted.counts, strict=True)}
        return cls(average=counted.average, count=counted.count, stars=stars)


class CommentOut(Output):
    """What a client wrote about the ``subject``; ``at`` is when (Unix seconds)."""

    at: float
    subject: Subject
    comment: str

    @classmethod
    def of(cls, comment: Comment) -> "CommentOut":
        """From the store's form."""
        return cls(at=comment.at, subject=comment.subject, comment=comment.text)


class MyRatings(Output):
    """What clients gave the specialist and, separately, the technical quality."""

    specialist: StarCountOut
    technical: StarCountOut
    comments: list[CommentOut] = Field(description="the newest first")


class MyRatingsView(View):
    """The signed-in specialist's ratings."""

    role = AccountRole.SPECIALIST

    async def get(
        self,
        limit: Annotated[int, Field(ge=1, le=200)] = 50,
        before: Annotated[float, Field(description="comments given before this time")]
        | None = None,
    ) -> r200[MyRatings]:
        """One's own ratings, added up, and comments without names.

        Tags: ratings
        """
        ratings = self.service.ratings
        counted = await ratings.of(self.user.id)
        comments = await ratings.comments(self.user.id, limit, before)
        return reply(
            MyRatings(
                specialist=StarCountOut.of(counted[Subject.SPECIALIST]),
                technical=StarCountOut.of(counted[Subject.TECHNICAL]),
                comments=[CommentOut.of(each) for each in comments],
            )
        )


ROUTES = [web.view("/api/v1/me/ratings", MyRatingsView)]
