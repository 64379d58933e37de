"""What clients gave a specialist, added up."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import BigInteger, ColumnElement, Connection, cast, func, select

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
    """What a client wrote. Neither who nor with how many stars: ratings are told as sums.

    ``month`` is the first second (Unix, UTC) of the month in which it was given, for the moment
    would tell whose it is: the specialist knows when each consultation was rated. On many a day
    there is but one.
    """

    month: int
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
        """All but the first ``skip``, or those of one subject; the newest month first.

        Those of a month are in the order of their words, which says nothing of who gave them.
        """
        given, held = tables.ratings, tables.consultations

        def find(connection: Connection) -> list[Comment]:
            month = _month_of(connection, given.c.given_at).label("month")
            query = (
                select(month, given.c.subject, given.c.comment)
                .join(held, held.c.id == given.c.consultation_id)
                .where(held.c.specialist_id == specialist_id, given.c.comment != "")
                .order_by(month.desc(), given.c.subject, given.c.comment)
                .limit(limit)
                .offset(skip)
            )
            if subject is not None:
                query = query.where(given.c.subject == subject.value)
            return [
                Comment(_first_second(month), Subject(subject), text)
                for month, subject, text in connection.execute(query)
            ]

        return await self._database.read(find)


def _month_of(connection: Connection, at: ColumnElement[float]) -> ColumnElement[str]:
    """``2027-01``, UTC."""
    # Milliseconds, for the two databases do not cut a fraction off in the same way.
    seconds = cast(at * 1000, BigInteger) // 1000
    if connection.dialect.name == "sqlite":
        return func.strftime("%Y-%m", seconds, "unixepoch")
    return func.to_char(func.timezone("UTC", func.to_timestamp(seconds)), "YYYY-MM")


def _first_second(month: str) -> int:
    return int(datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC).timestamp())
