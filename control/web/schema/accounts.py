"""Who somebody is, a specialist's profile, the demo's sign-in."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from control.accounts import AccountRole
from control.adapters.people import Profile
from control.consultations.parties import Terms
from control.web.schema.base import Input, Output, text
from control.web.schema.terms import Price, terms_members


class DemoAccount(Output):
    """An account that anyone can sign in to."""

    account: str
    name: str
    role: AccountRole


class DemoSignIn(Input):
    """Which demo account to sign in to."""

    account: str


class SignedInUser(Output):
    """Who signed in."""

    id: str
    name: str
    role: AccountRole


class SignedIn(Output):
    """A demo sign-in."""

    access_token: str
    user: SignedInUser


class ProfileOut(Output):
    """A specialist's terms and summary. ``price`` has two decimals, ``currency`` is ISO 4217."""

    summary: str
    duration_s: int
    price: str
    currency: str
    takes_video: bool

    @classmethod
    def of(cls, profile: Profile) -> "ProfileOut":
        """From the store's form."""
        return cls(summary=profile.summary, **terms_members(profile.terms))


class ProfileIn(Input):
    """What a specialist sets; a change applies to later requests."""

    summary: Annotated[str, text(1000)]
    duration_s: Annotated[int, Field(ge=10, le=8 * 3600, description="of a session, in seconds")]
    price: Price
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$", description="ISO 4217")]
    takes_video: bool

    def terms(self) -> Terms:
        """The terms among it."""
        price = Decimal(self.price).quantize(Decimal("0.01"))
        return Terms(self.duration_s, price, self.currency, self.takes_video)


class Me(Output):
    """The signed-in user. ``profile`` is null for all but specialists, and for new ones."""

    id: str
    name: str
    role: AccountRole
    profile: ProfileOut | None
    available: bool = Field(description="a specialist's online switch; true without a profile")
    duration_override_s: int | None = Field(
        description="set by an operator, in place of the profile's duration"
    )
