"""Terms of a consultation."""

from typing import Annotated, Any

from pydantic import Field

from control.consultations.parties import Terms
from control.web.schema.base import Output

PRICE_PATTERN = r"^[0-9]{1,7}(\.[0-9]{1,2})?$"
Price = Annotated[str, Field(pattern=PRICE_PATTERN, description="for the whole session")]


class TermsOut(Output):
    """The terms under which the request was made."""

    duration_s: int
    price: str
    currency: str
    takes_video: bool

    @classmethod
    def of(cls, terms: Terms) -> "TermsOut":
        """From the rules' form."""
        return cls(**terms_members(terms))


def terms_members(terms: Terms) -> dict[str, Any]:
    """The members that say them, here and beside others."""
    return {
        "duration_s": terms.duration_s,
        "price": f"{terms.price:.2f}",
        "currency": terms.currency,
        "takes_video": terms.takes_video,
    }
