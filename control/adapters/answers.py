"""The answers to commands that came with a key: the same command again gets the same answer."""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, select

from control.adapters import tables
from control.adapters.database import Database, insert
from control.adapters.engines import Work
from control.errors import IdempotencyKeyInUse, IdempotencyKeyReused

KEPT_FOR_S = 24 * 3600.0


@dataclass(frozen=True)
class Answer:
    """What was answered; ``fingerprint`` is of what was asked."""

    fingerprint: str
    status: int
    body: str


class Answers:
    """Of every user, by key. Only answers to what was done: a refusal changes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._under_way: set[tuple[str, str]] = set()

    async def find(self, user_id: str, key: str, fingerprint: str, now: float) -> Answer | None:
        """The answer to this command, None when it was not given yet.

        Raises IdempotencyKeyReused when the key came with something else.
        """
        table = tables.answers
        query = select(table.c.fingerprint, table.c.status, table.c.body).where(
            table.c.user_id == user_id,
            table.c.key == key,
            table.c.answered_at > now - KEPT_FOR_S,
        )
        row = await self._database.read(lambda connection: connection.execute(query).first())
        if row is None:
            return None
        answer = Answer(*row)
        if answer.fingerprint != fingerprint:
            raise IdempotencyKeyReused("This key came with another command; make a new one.")
        return answer

    def begin(self, user_id: str, key: str) -> None:
        """A command is under way; raises IdempotencyKeyInUse when it is already."""
        if (user_id, key) in self._under_way:
            raise IdempotencyKeyInUse("The first command with this key is still under way.")
        self._under_way.add((user_id, key))

    def end(self, user_id: str, key: str) -> None:
        """It is done, or failed."""
        self._under_way.discard((user_id, key))

    @staticmethod
    def keep(user_id: str, key: str, answer: Answer, now: float) -> Work[None]:
        """Work that keeps an answer. Done in the transaction of what it answers.

        It raises IdempotencyKeyInUse when another control was faster, and nothing is done.
        """
        table = tables.answers

        def work(connection: Connection) -> None:
            over = delete(table).where(table.c.answered_at <= now - KEPT_FOR_S)
            connection.execute(over)
            row = {
                "user_id": user_id,
                "key": key,
                "fingerprint": answer.fingerprint,
                "status": answer.status,
                "body": answer.body,
                "answered_at": now,
            }
            kept = connection.execute(
                insert(connection, table).values(row).on_conflict_do_nothing()
            )
            if kept.rowcount != 1:
                raise IdempotencyKeyInUse("Another command with this key was carried out just now.")

        return work

    async def save(self, user_id: str, key: str, answer: Answer, now: float) -> None:
        """Keep an answer by itself, where the command may be carried out again without harm."""
        await self._database.write(self.keep(user_id, key, answer, now))
