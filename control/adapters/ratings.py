"""What clients gave a specialist, added up."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from control.adapters import tables
from control.adapters.database import Database
from control.consultations.ratings import Subject

STARS = range(1, 6)


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
    """What a client wrote. Neither who nor with how many stars: ratings are told as sums."""

    at: float
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
        before: float | None = None,
        subject: Subject | None = None,
    ) -> list[Comment]:
        """The newest first; of those given before a time (Unix seconds), or of one subject."""
        given, held = tables.ratings, tables.consultations
        query = (
            select(given.c.given_at, given.c.subject, given.c.comment)
            .join(held, held.c.id == given.c.consultation_id)
            .where(held.c.specialist_id == specialist_id, given.c.comment != "")
            .order_by(given.c.given_at.desc(), given.c.subject)
            .limit(limit)
        )
        if before is not None:
            query = query.where(given.c.given_at < before)
        if subject is not None:
            query = query.where(given.c.subject == subject.value)
        return await self._database.read(
            lambda connection: [
                Comment(at, Subject(subject), text)
                for at, subject, text in connection.execute(query)
            ]
        )
