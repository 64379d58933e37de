"""A rule that is broken, and the words that all of them share."""

# What sums of Unix times may differ by.
EPS = 1e-5

CLIENT, SPECIALIST = "client", "specialist"
OTHER = {CLIENT: SPECIALIST, SPECIALIST: CLIENT}
JOINABLE = ("accepted", "active")
OPEN = ("requested", *JOINABLE)
# How a consultation may go on from each state; rating changes no state.
NEXT = {
    "requested": ("accepted", "declined", "expired", "cancelled"),
    "accepted": ("active", "ended"),
    "active": ("ended",),
}


class Broken(AssertionError):
    """A rule is broken."""


def hold(condition: bool, rule: str) -> None:
    """Raise Broken with the rule when the condition does not hold."""
    if not condition:
        raise Broken(rule)
