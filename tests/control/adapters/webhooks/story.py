"""Consultations that happen in a store, for webhooks to tell of."""

from decimal import Decimal

from control.accounts import AccountRole
from control.adapters.people import People, User
from control.adapters.store import Store
from control.consultations.commands import Accept, Command, Heard, Leave, Rate, perform
from control.consultations.consultation import Change, Consultation
from control.consultations.parties import Party, Role, Terms
from control.consultations.ratings import Subject
from control.consultations.requests import request

TERMS = Terms(duration_s=1800, price=Decimal("40.00"), currency="EUR", takes_video=True)
# The numbers of the events of ``told`` that the platform hears of.
ACCEPTED, STARTED, ENDED, RATED = 2, 3, 6, 7


class Story:
    """A consultation called ``name``, of people of its own."""

    def __init__(self, store: Store, people: People, name: str) -> None:
        self.name = name
        self._store = store
        self._people = people
        self._consultation: Consultation | None = None

    async def asked(self, at: float) -> None:
        """A request."""
        client = Party(f"client-{self.name}", "Мария")
        specialist = Party(f"specialist-{self.name}", "Иван")
        await self._people.save_user(User(client.id, client.name, AccountRole.CLIENT))
        await self._people.save_user(User(specialist.id, specialist.name, AccountRole.SPECIALIST))
        await self._take(
            request(
                self.name,
                client,
                specialist,
                TERMS,
                "Резултати",
                specialist_online=True,
                others=[],
                now=at,
            )[0]
        )

    async def then(self, at: float, *commands: Command) -> None:
        """These commands at ``at``."""
        for command in commands:
            assert self._consultation is not None
            await self._take(perform(self._consultation, command, at))

    async def started(self, at: float) -> None:
        """From the request to the session, all at once."""
        await self.asked(at)
        await self.then(at, Accept(Role.SPECIALIST), *(Heard(role, at) for role in Role))

    async def told(self, at: float) -> None:
        """A session of one second, and a rating."""
        await self.started(at)
        await self.then(at + 1, *(Heard(role, at + 1) for role in Role), Leave(Role.CLIENT))
        await self.then(at + 1, Rate(Role.CLIENT, Subject.SPECIALIST, 5, "Чудесно"))

    async def _take(self, change: Change) -> None:
        await self._store.save([change])
        self._consultation = change.consultation
