"""What one side proposes to the other or announces during a session."""

from typing import Annotated

from pydantic import Field

from control.consultations.early_end import EarlyEnd
from control.consultations.extension import (
    MAX_EXTENSION_S,
    MIN_EXTENSION_S,
    AcceptedExtension,
    Extension,
)
from control.consultations.leaving import Leaving
from control.consultations.parties import Role
from control.consultations.states import EndReason
from control.web.schema.base import Input, Output
from control.web.schema.terms import PRICE_PATTERN


class EarlyEndOut(Output):
    """An open proposal to end early."""

    by: Role
    proposed_at: float
    lapses_at: float

    @classmethod
    def of(cls, proposal: EarlyEnd) -> "EarlyEndOut":
        """From the rules' form."""
        return cls(by=proposal.by, proposed_at=proposal.proposed_at, lapses_at=proposal.lapses_at)


class ExtensionIn(Input):
    """What the specialist offers: so much longer, for so much more in the terms' currency."""

    duration_s: Annotated[
        int, Field(ge=MIN_EXTENSION_S, le=MAX_EXTENSION_S, description="additional seconds")
    ]
    price: Annotated[str, Field(pattern=PRICE_PATTERN, description="for the additional time")]


class ExtensionOut(Output):
    """The specialist's open offer of an extension, in the terms' currency."""

    duration_s: int
    price: str
    proposed_at: float
    lapses_at: float

    @classmethod
    def of(cls, offer: Extension) -> "ExtensionOut":
        """From the rules' form."""
        return cls(
            duration_s=offer.duration_s,
            price=f"{offer.price:.2f}",
            proposed_at=offer.proposed_at,
            lapses_at=offer.lapses_at,
        )


class AcceptedExtensionOut(Output):
    """An extension that was agreed on, in the terms' currency."""

    duration_s: int
    price: str
    accepted_at: float

    @classmethod
    def of(cls, agreed: AcceptedExtension) -> "AcceptedExtensionOut":
        """From the rules' form."""
        return cls(
            duration_s=agreed.duration_s,
            price=f"{agreed.price:.2f}",
            accepted_at=agreed.accepted_at,
        )


class LeavingOut(Output):
    """At ``ends_at`` the session ends: ``by`` leaves, or was silent for too long (``reason``)."""

    by: Role
    at: float
    ends_at: float
    reason: EndReason

    @classmethod
    def of(cls, leaving: Leaving) -> "LeavingOut":
        """From the rules' form."""
        return cls(by=leaving.by, at=leaving.at, ends_at=leaving.ends_at, reason=leaving.reason)
