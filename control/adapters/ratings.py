"""What clients gave a specialist, added up."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Connection, cast, func, select

from control.adapters import tables
from control.adapters.database import Database
from control.consultations.ratings import Subject

STARS = range(1, 6)
DAY_S = 24 * 3600


@dataclass(frozen=True)
class StarCount:
    """Ratings of one subject. ``counts`` has those of 1, 2 … 5 stars."""

    counts: tuple[int, int, int, int, int] = (0, 0, 0, 0, 0)

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(self.counts)

    @property
    def average(self) -> float | None:
        """1.0 to 5.0 stars, with two decimals; None without ratings."""
        if not self.count:
            return None
        stars = sum(star * count for star, count in zip(STARS, self.counts, strict=True))
        return round(stars / self.count, 2)


@dataclass(frozen=True)
class Comment:
    """What a client wrote. Neither who nor with how many stars: ratings are told as sums.

    ``day`` is the first second (Unix, UTC) of the day on which it was given, for the moment would
    tell whose it is: the specialist knows when each consultation was rated.
    """

    day: int
    subject: Subject
    text: str


class Ratings:
    """Read from the ratings themselves, so they follow each change at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, specialist_id: str) -> dict[Subject, StarCount]:
        """The ratings of a specialist, by what was rated: themselves, or the connection."""
        given, held = tables.ratings, tables.consultations
        query = (
            select(given.c.subject, given.c.stars, func.count())
            .join(held, held.c.id == given.c.consultation_id)
            .where(held.c.specialist_id == specialist_id)
            .group_by(given.c.subject, given.c.stars)
        )

        def count(connection: Connection) -> dict[Subject, StarCount]:
            counts = {subject: dict.fromkeys(STARS, 0) for subject in Subject}
            for subject, stars, number in connection.execute(query):
                counts[Subject(subject)][stars] = number
            return {
                subject: StarCount((by[1], by[2], by[3], by[4], by[5]))
                for subject, by in counts.items()
            }

        return await self._database.read(count)

    async def comments(
        self,
        specialist_id: str,
        limit: int,
        skip: int = 0,
        subject: Subject | None = None,
    ) -> list[Comment]:
        """All but the first ``skip``, or those of one subject; the newest day first.

        Those of a day are in the order of their words, which says nothing of who gave them.
        """
        given, held = tables.ratings, tables.consultations
        # Milliseconds, for the two databases do not cut a fraction off in the same way.
        day = (cast(given.c.given_at * 1000, BigInteger) // (DAY_S * 1000)).label("day")
        query = (
            select(day, given.c.subject, given.c.comment)
            .join(held, held.c.id == given.c.consultation_id)
            .where(held.c.specialist_id == specialist_id, given.c.comment != "")
            .order_by(day.desc(), given.c.subject, given.c.comment)
            .limit(limit)
            .offset(skip)
        )
        if subject is not None:
            query = query.where(given.c.subject == subject.value)
        return await self._database.read(
            lambda connection: [
                Comment(days * DAY_S, Subject(subject), text)
                for days, subject, text in connection.execute(query)
            ]
        )
