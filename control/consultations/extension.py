"""The specialist's proposal to go on for longer, and the client's answer."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from control.errors import ExtensionInvalid

# The bounds of a session's own duration.
MIN_EXTENSION_S = 10
MAX_EXTENSION_S = 8 * 3600
# As of a session: seven digits and two decimals.
MAX_PRICE = Decimal("9999999.99")


class ExtensionState(StrEnum):
    """Whether a proposal is open. An accepted one leaves room for the next."""

    NONE = "none"
    PROPOSED = "proposed"


class ExtensionTrigger(StrEnum):
    """What happens to a proposal."""

    PROPOSE = "propose"
    ACCEPT = "accept"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    LAPSE = "lapse"


EXTENSION_TRANSITIONS: dict[tuple[ExtensionState, ExtensionTrigger], ExtensionState] = {
    (ExtensionState.NONE, ExtensionTrigger.PROPOSE): ExtensionState.PROPOSED,
    (ExtensionState.PROPOSED, ExtensionTrigger.ACCEPT): ExtensionState.NONE,
    (ExtensionState.PROPOSED, ExtensionTrigger.REFUSE): ExtensionState.NONE,
    (ExtensionState.PROPOSED, ExtensionTrigger.WITHDRAW): ExtensionState.NONE,
    (ExtensionState.PROPOSED, ExtensionTrigger.LAPSE): ExtensionState.NONE,
}


@dataclass(frozen=True)
class Extension:
    """An open proposal; unanswered at ``lapses_at`` it is gone.

    ``price`` is for the additional ``duration_s``, in the currency of the terms.
    """

    duration_s: int
    price: Decimal
    proposed_at: float
    lapses_at: float


@dataclass(frozen=True)
class AcceptedExtension:
    """What was agreed: so much longer, for so much more."""

    duration_s: int
    price: Decimal
    accepted_at: float


def extension(duration_s: int, price: Decimal, now: float, lapses_at: float) -> Extension:
    """A new proposal; raises ExtensionInvalid."""
    if not MIN_EXTENSION_S <= duration_s <= MAX_EXTENSION_S:
        raise ExtensionInvalid(
            f"An extension is {MIN_EXTENSION_S} s to {MAX_EXTENSION_S // 3600} h long, "
            f"not {duration_s} s."
        )
    if not (price.is_finite() and 0 <= price <= MAX_PRICE):
        raise ExtensionInvalid(f"The price is from 0 to {MAX_PRICE}.")
    cents = price.quantize(Decimal("0.01"))
    if cents != price:
        raise ExtensionInvalid("The price has two decimals at most.")
    return Extension(duration_s, cents, now, lapses_at)
