"""What someone may sign in as."""

from enum import StrEnum


class AccountRole(StrEnum):
    """The role of an account; ``Role`` is the side that someone has in one consultation.

    Operators run the platform: they are on no side of any consultation.
    """

    CLIENT = "client"
    SPECIALIST = "specialist"
    OPERATOR = "operator"
