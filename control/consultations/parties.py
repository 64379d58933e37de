"""Who meets, and under which terms."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Actor(StrEnum):
    """Who causes things: either side, an operator, or the service itself.

    The service is the clock, the media node, and we ourselves.
    """

    CLIENT = "client"
    SPECIALIST = "specialist"
    OPERATOR = "operator"
    SERVICE = "service"


class Role(StrEnum):
    """The part that someone has in a consultation."""

    CLIENT = "client"
    SPECIALIST = "specialist"

    @property
    def other(self) -> "Role":
        """The role across the table."""
        return Role.SPECIALIST if self is Role.CLIENT else Role.CLIENT

    @property
    def actor(self) -> Actor:
        """Someone of this role as the one who causes a thing."""
        return Actor(self.value)


@dataclass(frozen=True)
class Party:
    """A person, under the name they had when the request was made."""

    id: str
    name: str


@dataclass(frozen=True)
class Terms:
    """What a specialist offers. A request keeps a copy: later changes do not touch it.

    ``price`` is for the whole session, in ``currency`` (ISO 4217).
    """

    duration_s: int
    price: Decimal
    currency: str
    takes_video: bool
