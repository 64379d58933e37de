"""Finding specialists, and the client's list of those they added."""

from aiohttp import web
from aiohttp_pydantic.oas.typing import r200, r204
from pydantic import Field

from control.accounts import AccountRole
from control.consultations.ratings import Subject
from control.errors import NotFound, ProfileMissing
from control.web.ratings import CommentOut, StarCountOut
from control.web.refusals import refuses
from control.web.schema.specialists import (
    AddedSpecialist,
    Availability,
    AvailabilityIn,
    FoundSpecialist,
)
from control.web.view import View, reply, reply_list

# On a specialist's own page.
MAX_COMMENTS = 20


class SpecialistPage(AddedSpecialist):
    """A specialist, as their own page shows them. ``added``: on the reader's list."""

    added: bool
    ratings: StarCountOut = Field(description="of the specialist; not of the connection")
    comments: list[CommentOut] = Field(description="on the specialist, the newest day first")


class SpecialistsView(View):
    """Every specialist who can be asked."""

    async def get(self, search: str = "") -> r200[list[FoundSpecialist]]:
        """Find specialists by a part of their name or summary; at most 100, by name.

        Tags: specialists
        """
        found = await self.service.people.specialists(search[:200])
        added = {each.user.id for each in await self.service.people.added_specialists(self.user.id)}
        return reply_list([FoundSpecialist.of(each, each.user.id in added) for each in found])


class SpecialistView(View):
    """One specialist."""

    async def get(self, specialist_id: str, /) -> r200[SpecialistPage]:
        """A specialist's own page: summary, terms, presence, and what clients gave them.

        Tags: specialists
        """
        specialist = await self.service.people.specialist(specialist_id)
        if specialist is None:
            raise NotFound("There is no such specialist.")
        added = await self.service.people.added_specialists(self.user.id)
        counted = await self.service.ratings.of(specialist_id)
        comments = await self.service.ratings.comments(
            specialist_id, MAX_COMMENTS, subject=Subject.SPECIALIST
        )
        listed = AddedSpecialist.of(specialist, self.service.presence.of(specialist))
        return reply(
            SpecialistPage(
                **listed.model_dump(),
                added=any(each.user.id == specialist_id for each in added),
                ratings=StarCountOut.of(counted[Subject.SPECIALIST]),
                comments=[CommentOut.of(each) for each in comments],
            )
        )


class AvailabilityView(View):
    """The specialist's online switch."""

    role = AccountRole.SPECIALIST

    @refuses(ProfileMissing)
    async def put(self, body: AvailabilityIn) -> r200[Availability]:
        """Be on line while a page is open, or not; a session that is on is not touched.

        Tags: accounts
        """
        service, specialist_id = self.service, self.user.id
        if not await service.people.set_available(specialist_id, body.available):
            raise ProfileMissing("Set your terms first; until then nobody can find you.")
        service.hub.tell([specialist_id], {"type": "availability", "available": body.available})
        service.errands.send(service.presence.tell(specialist_id))
        return reply(Availability(available=body.available))


class AddedSpecialistsView(View):
    """The client's list."""

    role = AccountRole.CLIENT

    async def get(self) -> r200[list[AddedSpecialist]]:
        """The specialists on one's list, with their terms and presence.

        Tags: specialists
        """
        added = await self.service.people.added_specialists(self.user.id)
        return reply_list(
            [AddedSpecialist.of(each, self.service.presence.of(each)) for each in added]
        )


class AddedSpecialistView(View):
    """One place on the client's list."""

    role = AccountRole.CLIENT

    async def put(self, specialist_id: str, /) -> r200[AddedSpecialist]:
        """Put a specialist on one's list.

        Tags: specialists
        """
        people = self.service.people
        specialist = await people.specialist(specialist_id)
        if specialist is None:
            raise NotFound("There is no such specialist.")
        await people.add_specialist(self.user.id, specialist_id, self.service.clock())
        return reply(AddedSpecialist.of(specialist, self.service.presence.of(specialist)))

    async def delete(self, specialist_id: str, /) -> r204:
        """Take a specialist off one's list.

        Tags: specialists
        """
        await self.service.people.remove_specialist(self.user.id, specialist_id)
        return web.Response(status=204)


ROUTES = [
    web.view("/api/v1/specialists", SpecialistsView),
    web.view("/api/v1/specialists/{specialist_id}", SpecialistView),
    web.view("/api/v1/me/availability", AvailabilityView),
    web.view("/api/v1/me/specialists", AddedSpecialistsView),
    web.view("/api/v1/me/specialists/{specialist_id}", AddedSpecialistView),
]
