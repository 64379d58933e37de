"""Finding specialists, and the client's list of those they added."""

from aiohttp import web
from aiohttp_pydantic.oas.typing import r200, r204

from control.accounts import AccountRole
from control.adapters.people import Specialist
from control.errors import NotFound
from control.web.schema import AddedSpecialist, FoundSpecialist
from control.web.view import View, reply, reply_list


class SpecialistsView(View):
    """Every specialist who can be asked."""

    async def get(self, search: str = "") -> r200[list[FoundSpecialist]]:
        """Find specialists by a part of their name or summary; at most 100, by name.

        Tags: specialists
        """
        found = await self.service.people.specialists(search[:200])
        added = {each.user.id for each in await self.service.people.added_specialists(self.user.id)}
        return reply_list([FoundSpecialist.of(each, each.user.id in added) for each in found])


class AddedSpecialistsView(View):
    """The client's list."""

    role = AccountRole.CLIENT

    async def get(self) -> r200[list[AddedSpecialist]]:
        """The specialists on one's list, with their terms and presence.

        Tags: specialists
        """
        added = await self.service.people.added_specialists(self.user.id)
        return reply_list([with_presence(self, each) for each in added])


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
        return reply(with_presence(self, specialist))

    async def delete(self, specialist_id: str, /) -> r204:
        """Take a specialist off one's list.

        Tags: specialists
        """
        await self.service.people.remove_specialist(self.user.id, specialist_id)
        return web.Response(status=204)


def with_presence(view: View, specialist: Specialist) -> AddedSpecialist:
    """A specialist with their presence."""
    takes_video = specialist.profile.terms.takes_video
    presence = view.service.hub.presence(specialist.user.id, takes_video)
    return AddedSpecialist.of(specialist, presence)


ROUTES = [
    web.view("/api/v1/specialists", SpecialistsView),
    web.view("/api/v1/me/specialists", AddedSpecialistsView),
    web.view("/api/v1/me/specialists/{specialist_id}", AddedSpecialistView),
]
