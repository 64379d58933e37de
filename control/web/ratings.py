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

MAX_SKIPPED = 100_000


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
    """What a client wrote about the ``subject``; ``at`` is when.

    ``at`` is the first second of that month (Unix, UTC): the moment would tell who wrote it.
    """

    at: int
    subject: Subject
    comment: str

    @classmethod
    def of(cls, comment: Comment) -> "CommentOut":
        """From the store's form."""
        return cls(at=comment.month, subject=comment.subject, comment=comment.text)


class MyRatings(Output):
    """What clients gave the specialist and, separately, the technical quality."""

    specialist: StarCountOut
    technical: StarCountOut
    comments: list[CommentOut] = Field(description="the newest month first")


class MyRatingsView(View):
    """The signed-in specialist's ratings."""

    role = AccountRole.SPECIALIST

    async def get(
        self,
        limit: Annotated[int, Field(ge=1, le=200)] = 50,
        skip: Annotated[
            int, Field(ge=0, le=MAX_SKIPPED, description="so many comments were read already")
        ] = 0,
    ) -> r200[MyRatings]:
        """One's own ratings, added up, and comments without names.

        When there are more comments, the header `Link` has the address of the next ones
        (`rel="next"`).

        Tags: ratings
        """
        ratings = self.service.ratings
        counted = await ratings.of(self.user.id)
        comments = await ratings.comments(self.user.id, limit + 1, skip)
        response = reply(
            MyRatings(
                specialist=StarCountOut.of(counted[Subject.SPECIALIST]),
                technical=StarCountOut.of(counted[Subject.TECHNICAL]),
                comments=[CommentOut.of(each) for each in comments[:limit]],
            )
        )
        if len(comments) > limit and skip + limit <= MAX_SKIPPED:
            rest = f"?limit={limit}&skip={skip + limit}"
            response.headers["Link"] = f'<{self.request.path}{rest}>; rel="next"'
        return response


ROUTES = [web.view("/api/v1/me/ratings", MyRatingsView)]
