"""What someone may sign in as."""

from enum import StrEnum

# Of the ids of a load test's users; no token of the platform may have such a "sub".
SYNTHETIC_PREFIX = "synthetic-"


def is_synthetic(user_id: str) -> bool:
    """One of a load test's, who meets nobody else, and whose doings are no figure of anybody's."""
    return user_id.startswith(SYNTHETIC_PREFIX)


class AccountRole(StrEnum):
    """The role of an account; ``Role`` is the side that someone has in one consultation.

    Operators run the platform: they are on no side of any consultation.
    """

    CLIENT = "client"
    SPECIALIST = "specialist"
    OPERATOR = "operator"
