"""Specialists as clients see them, and whether they can be asked."""

from typing import Any

from pydantic import Field

from control.adapters.people import Specialist
from control.web.schema.base import Input, Output
from control.web.schema.terms import terms_members


class Availability(Output):
    """A specialist's online switch."""

    available: bool


class AvailabilityIn(Input):
    """How to turn a specialist's online switch."""

    available: bool


class Presence(Output):
    """Whether a specialist can be asked now."""

    online: bool = Field(description="a page is open, and the online switch is on")
    camera_ready: bool = Field(description="takes video, and an open page passed its device check")
    busy: bool = Field(description="a consultation of theirs is accepted or under way")


class OfferedSpecialist(Output):
    """A specialist with their terms."""

    id: str
    name: str
    summary: str
    duration_s: int
    price: str
    currency: str
    takes_video: bool


class FoundSpecialist(OfferedSpecialist):
    """A specialist who can be added."""

    added: bool

    @classmethod
    def of(cls, specialist: Specialist, added: bool) -> "FoundSpecialist":
        """From the store's form."""
        return cls(**_specialist(specialist), added=added)


class AddedSpecialist(OfferedSpecialist):
    """A specialist on the client's list."""

    presence: Presence

    @classmethod
    def of(cls, specialist: Specialist, presence: Presence) -> "AddedSpecialist":
        """From the store's form."""
        return cls(**_specialist(specialist), presence=presence)


def _specialist(specialist: Specialist) -> dict[str, Any]:
    return {
        "id": specialist.user.id,
        "name": specialist.user.name,
        "summary": specialist.profile.summary,
        **terms_members(specialist.terms),
    }
