"""Who the user is; a specialist's profile; the demo sign-in."""

from aiohttp import web
from aiohttp_pydantic.oas.typing import r200

from control.accounts import AccountRole
from control.adapters.people import People, Profile, User
from control.consultations.text import cleaned
from control.errors import (
    NotFound,
)
from control.settings import Identity
from control.web.refusals import refuses
from control.web.schema.accounts import (
    DemoAccount,
    DemoSignIn,
    Me,
    ProfileIn,
    ProfileOut,
    SignedIn,
    SignedInUser,
)
from control.web.view import View, reply, reply_list

DEMO_USERS = {
    "maria": User("maria", "Мария Петрова", AccountRole.CLIENT),
    "nikola": User("nikola", "Никола Стоянов", AccountRole.CLIENT),
    "ivan": User("ivan", "д-р Иван Георгиев", AccountRole.SPECIALIST),
    "olga": User("olga", "Олга Димитрова", AccountRole.OPERATOR),
}
DEMO_PROFILE = ProfileIn(
    summary="Семеен лекар. Консултации за резултати, лекарства и следващи стъпки.",
    duration_s=1800,
    price="40.00",
    currency="EUR",
    takes_video=True,
)
DEMO_TOKEN_LIFETIME_S = 12 * 3600.0


def demo_identity(secret: bytes) -> Identity:
    """What demo sign-ins look like."""
    return Identity(issuer="rodrun-demo", audience="rodrun", secret=secret)


async def add_demo_accounts(people: People, now: float) -> None:
    """The demo users, acquainted; what was changed since stays."""
    new = [user for user in DEMO_USERS.values() if await people.user(user.id) is None]
    for user in DEMO_USERS.values():
        await people.save_user(user)
    if await people.specialist("ivan") is None:
        await people.save_profile("ivan", Profile(DEMO_PROFILE.summary, DEMO_PROFILE.terms()))
    for user in new:
        if user.role is AccountRole.CLIENT:
            await people.add_specialist(user.id, "ivan", now)


class DemoAccountsView(View):
    """The accounts of the demo."""

    public = True

    async def get(self) -> r200[list[DemoAccount]]:
        """The demo accounts.

        Tags: demo
        """
        return reply_list(
            [
                DemoAccount(account=account, name=user.name, role=user.role)
                for account, user in DEMO_USERS.items()
            ]
        )


class DemoSignInView(View):
    """Anyone may be a demo user."""

    public = True

    @refuses(NotFound)
    async def post(self, body: DemoSignIn) -> r200[SignedIn]:
        """Sign in to a demo account.

        Tags: demo
        """
        user = DEMO_USERS.get(body.account)
        if user is None:
            raise NotFound("There is no such demo account.")
        expires_at = self.service.clock() + DEMO_TOKEN_LIFETIME_S
        token = self.service.access_tokens.issue(user, expires_at)
        signed_in = SignedInUser(id=user.id, name=user.name, role=user.role)
        return reply(SignedIn(access_token=token, user=signed_in))


class MeView(View):
    """The signed-in user."""

    async def get(self) -> r200[Me]:
        """Who is signed in.

        Tags: accounts
        """
        specialist = await self.service.people.specialist(self.user.id)
        profile = specialist.profile if specialist else None
        return reply(
            Me(
                id=self.user.id,
                name=self.user.name,
                role=self.user.role,
                profile=ProfileOut.of(profile) if profile else None,
                available=profile.available if profile else True,
                duration_override_s=specialist.duration_override_s if specialist else None,
            )
        )


class ProfileView(View):
    """A specialist's own profile."""

    role = AccountRole.SPECIALIST

    async def put(self, body: ProfileIn) -> r200[ProfileOut]:
        """Set summary and terms; requests that were already made keep theirs.

        Tags: accounts
        """
        profile = Profile(cleaned(body.summary, 1000), body.terms())
        await self.service.people.save_profile(self.user.id, profile)
        self.service.errands.send(self.service.presence.tell_profile(self.user.id))
        return reply(ProfileOut.of(profile))


ROUTES = [
    web.view("/api/v1/me", MeView),
    web.view("/api/v1/me/profile", ProfileView),
]
DEMO_ROUTES = [
    web.view("/api/v1/demo/accounts", DemoAccountsView),
    web.view("/api/v1/demo/sign-in", DemoSignInView),
]
